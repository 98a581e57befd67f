"""Which target applies, to whom and when."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from exporter.config.fields import Better, Pace, Period
from exporter.config.targets import Band, Entry, Goal, Growth
from exporter.kpi.ratio import Aim
from exporter.kpi.readings import KpiReading
from exporter.kpi.targets import TargetPeriod, dated_aim, fixed_aim, growth_aim
from exporter.metrics.values import Group
from tests.kpi.configs import calendar_of
from tests.kpi.golden import cases, close

_ENTRIES = TypeAdapter(tuple[Entry, ...])


@pytest.mark.parametrize("case", cases("targets"))
def test_dated_targets_match_the_hand_computed_table(case: dict[str, Any]) -> None:
    calendar = calendar_of()
    span = calendar.period_of(Period.MONTH, calendar.start_of(case["date"]))
    days = TargetPeriod(span, calendar.weights(span, Pace(case.get("pace", "linear"))), case["date"])
    entries = _ENTRIES.validate_python(tuple(case["entries"]))
    group = Group(case.get("team"), case.get("person"))
    aim = dated_aim(entries, Better.HIGHER, days, group, flow=case.get("flow", False))
    if "low" in case:
        assert aim == Aim(case["low"], case["high"], Better.WITHIN)
    else:
        assert (aim and aim.middle) == close(case["target"])


@pytest.mark.parametrize("case", cases("growth"))
def test_growth_targets_match_the_hand_computed_table(case: dict[str, Any]) -> None:
    target = Growth.model_validate({"growth": case["growth"], "over": "previous"})
    better = Better(case.get("better", "higher"))
    aim = growth_aim(target, better, KpiReading(case["reference"], 10, case.get("coverage", 1.0)))
    assert (aim and aim.middle) == close(case["target"])
    assert aim is None or aim.better is better


def test_growth_over_a_period_without_the_group_has_no_target() -> None:
    target = Growth.model_validate({"growth": "5%", "over": "same_last_year"})
    assert growth_aim(target, Better.HIGHER, None) is None


def test_fixed_targets_are_the_same_for_everyone() -> None:
    assert fixed_aim(5.0, Better.LOWER) == Aim(5, 5, Better.LOWER)
    assert fixed_aim(Band(within=(1.0, 2.0)), Better.WITHIN) == Aim(1, 2, Better.WITHIN)
    goal = Goal.model_validate({"from": 1, "to": 2, "start": "2021-01-01", "by": "2021-02-01"})
    assert fixed_aim(goal, Better.HIGHER) == Aim(2, 2, Better.HIGHER)


def test_a_range_ignores_the_configured_direction() -> None:
    assert fixed_aim(Band(within=(1.0, 2.0)), Better.HIGHER) == Aim(1, 2, Better.WITHIN)
