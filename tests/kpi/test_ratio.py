"""Target ratio and progress."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.fields import Better
from exporter.kpi.ratio import Aim, met, progress_share, ratio, scale_of
from tests.kpi.golden import cases, close, number

_numbers = st.floats(-1e9, 1e9, allow_nan=False).map(lambda x: round(x, 3))
_targets = _numbers.filter(lambda x: abs(x) > 0.01)
_one_way = st.sampled_from([Better.HIGHER, Better.LOWER])


def aim_of(case: dict[str, Any]) -> Aim:
    low, high = case.get("within") or (case["target"], case["target"])
    return Aim(low, high, Better(case["better"]))


@pytest.mark.parametrize("case", cases("ratio"))
def test_ratios_match_the_hand_computed_table(case: dict[str, Any]) -> None:
    aim, value = aim_of(case), number(case["value"])
    assert ratio(value, aim, scale_of(aim, case.get("scale"))) == close(case["ratio"])
    if "met" in case:
        assert met(value, aim) is case["met"]


@pytest.mark.parametrize("case", cases("progress"))
def test_progress_matches_the_hand_computed_table(case: dict[str, Any]) -> None:
    assert progress_share(case["value"], case["baseline"], case["goal"]) == close(case["progress"])


@given(_targets, _one_way)
def test_on_target_is_one_whatever_the_direction(target: float, better: Better) -> None:
    aim = Aim(target, target, better)
    assert ratio(target, aim, scale_of(aim)) == 1
    assert met(target, aim)


@given(_numbers, _numbers, _targets, _one_way)
def test_better_values_have_better_ratios(first: float, second: float, target: float, better: Better) -> None:
    aim = Aim(target, target, better)
    worse, good = sorted((first, second), reverse=better is Better.LOWER)
    result = ratio(worse, aim, scale_of(aim)), ratio(good, aim, scale_of(aim))
    assert None not in result
    assert result[0] <= result[1]  # type: ignore[operator]


@given(_numbers, _targets, _one_way, st.sampled_from([0.5, 2.0, 1024.0]))
def test_the_ratio_does_not_depend_on_the_unit(value: float, target: float, better: Better, unit: float) -> None:
    aim, second = Aim(target, target, better), Aim(target * unit, target * unit, better)
    assert ratio(value * unit, second, scale_of(second)) == ratio(value, aim, scale_of(aim))


@given(_numbers, _targets)
def test_lower_is_better_mirrors_higher_is_better(value: float, target: float) -> None:
    up, down = Aim(target, target, Better.HIGHER), Aim(-target, -target, Better.LOWER)
    assert ratio(value, up, scale_of(up)) == ratio(-value, down, scale_of(down))


@given(_numbers, _numbers, st.floats(0.1, 1e6))
def test_a_range_is_met_inside_and_missed_outside(value: float, low: float, width: float) -> None:
    aim = Aim(low, low + width, Better.WITHIN)
    result = ratio(value, aim, scale_of(aim))
    inside = aim.low <= value <= aim.high
    assert result is not None
    assert (result == 1) if inside else (result <= 1)
    assert met(value, aim) is inside


@given(_numbers, _numbers, _numbers.filter(lambda x: abs(x) > 0.01))
def test_progress_runs_from_baseline_to_goal(value: float, baseline: float, way: float) -> None:
    goal = baseline + way
    assert progress_share(baseline, baseline, goal) == 0
    assert progress_share(goal, baseline, goal) == 1
    result = progress_share(value, baseline, goal)
    assert result is not None
    assert (result >= 0) is ((value - baseline) * way >= 0)


def test_the_middle_of_a_range_is_its_target() -> None:
    assert Aim(0.6, 0.7, Better.WITHIN).middle == pytest.approx(0.65)
    assert Aim(5.0, 5.0, Better.HIGHER).middle == 5
