"""Which target applies, to whom and when."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import TypeAdapter

from exporter.config.fields import Better, Pace, Period
from exporter.config.targets import Band, Entry, Goal, Growth
from exporter.kpi.ratio import Aim
from exporter.kpi.readings import KpiReading
from exporter.kpi.targets import DatedTarget, NoTarget, ReferenceCoverage, TargetPeriod, fixed_aim, growth_aim
from exporter.metrics.values import Group, Roster
from tests.kpi.configs import calendar_of
from tests.kpi.golden import cases, close

_ENTRIES = TypeAdapter(tuple[Entry, ...])
_EMAILS = {"ann@example.com": "Ann", "17": "Ann", "twins": None}
"""Texts by which Ann is found, and one under which two persons are listed."""


def roster_of(members: dict[str, list[str]]) -> Roster:
    by_team = {team.casefold(): frozenset(labels) for team, labels in members.items()}
    return Roster(by_team, lambda text: _EMAILS.get(text, text))


def middle(aim: Aim | NoTarget) -> float | None:
    return aim.middle if isinstance(aim, Aim) else None


@pytest.mark.parametrize("case", cases("targets"))
def test_dated_targets_match_the_hand_computed_table(case: dict[str, Any]) -> None:
    calendar = calendar_of()
    span = calendar.period_of(Period.MONTH, calendar.start_of(case["date"]))
    days = TargetPeriod(span, calendar.weights(span, Pace(case.get("pace", "linear"))), case["date"])
    entries = _ENTRIES.validate_python(tuple(case["entries"]))
    group = Group(case.get("team"), case.get("person"))
    flow, common = case.get("flow", False), case.get("applies_to") == "all"
    target = DatedTarget.of(entries, Better.HIGHER, roster_of(case.get("members", {})), flow=flow, common=common)
    aim = target.aim(days, group)
    if "low" in case:
        assert aim == Aim(case["low"], case["high"], Better.WITHIN)
    else:
        assert middle(aim) == close(case["target"])


@pytest.mark.parametrize("case", cases("growth"))
def test_growth_targets_match_the_hand_computed_table(case: dict[str, Any]) -> None:
    target = Growth.model_validate({"growth": case["growth"], "over": "previous"})
    better = Better(case.get("better", "higher"))
    aim = growth_aim(target, better, KpiReading(case["reference"], 10, case.get("coverage", 1.0)))
    assert middle(aim) == close(case["target"])
    assert isinstance(aim, NoTarget) or aim.better is better


def test_growth_over_a_period_without_the_group_has_no_target() -> None:
    target = Growth.model_validate({"growth": "5%", "over": "same_last_year"})
    assert isinstance(growth_aim(target, Better.HIGHER, None), NoTarget)


def test_growth_over_a_period_that_the_records_cover_in_part_has_no_target_but_a_reason() -> None:
    target = Growth.model_validate({"growth": "5%", "over": "previous"})
    final = KpiReading(100, 10, 1.0)
    # 12 March to the end: 20 of 31 days, 64.5 %
    reference = ReferenceCoverage(20 / 31, date(2026, 3, 12))
    reason = "the records begin on 2026-03-12: 64 % of the reference period are covered"
    assert growth_aim(target, Better.HIGHER, final, reference) == NoTarget(reason)
    assert middle(growth_aim(target, Better.HIGHER, final, ReferenceCoverage(0.95, date(2026, 3, 2)))) == 105
    # 0.97 of the weight and 0.97 of the records are 0.94 together
    almost = ReferenceCoverage(0.97, date(2026, 3, 2))
    assert isinstance(growth_aim(target, Better.HIGHER, KpiReading(100, 10, 0.97), almost), NoTarget)


def test_fixed_targets_are_the_same_for_everyone() -> None:
    assert fixed_aim(5.0, Better.LOWER) == Aim(5, 5, Better.LOWER)
    assert fixed_aim(Band(within=(1.0, 2.0)), Better.WITHIN) == Aim(1, 2, Better.WITHIN)
    goal = Goal.model_validate({"from": 1, "to": 2, "start": "2021-01-01", "by": "2021-02-01"})
    assert fixed_aim(goal, Better.HIGHER) == Aim(2, 2, Better.HIGHER)


def test_a_range_ignores_the_configured_direction() -> None:
    assert fixed_aim(Band(within=(1.0, 2.0)), Better.HIGHER) == Aim(1, 2, Better.WITHIN)
