"""What is due by now, and how a value compares with it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.fields import Better, Pace, Period
from exporter.config.targets import Goal
from exporter.kpi.pace import PeriodProgress, Yardstick, accrued, accrued_towards, constant, towards
from exporter.kpi.ratio import Aim
from tests.kpi.configs import calendar_of
from tests.kpi.golden import cases, close, number
from tests.kpi.test_ratio import aim_of


def yardstick(case: dict[str, Any]) -> Yardstick:
    aim, scale = aim_of(case), case.get("scale")
    if case["kind"] == "constant":
        return constant(aim, scale)
    if case["kind"] == "flow":
        return accrued(aim, scale, case["share"])
    goal = goal_from(case["baseline"], case["target"], date(2021, 1, 1), date(2023, 9, 27))
    return towards(
        goal,
        aim,
        scale,
        clock(date.fromordinal(date(2021, 1, 1).toordinal() + int(1000 * case["share"]))),
        calendar_of(),
    )


def goal_from(baseline: float, to: float, start: date, by: date) -> Goal:
    return Goal.model_validate({"from": baseline, "to": to, "start": start, "by": by})


def clock(day: date, pace: Pace = Pace.LINEAR, period: Period = Period.MONTH) -> PeriodProgress:
    calendar = calendar_of()
    at = calendar.start_of(day)
    span = calendar.period_of(period, at)
    return PeriodProgress.at(at, span, pace, calendar)


@pytest.mark.parametrize("case", cases("pace"))
def test_standings_match_the_hand_computed_table(case: dict[str, Any]) -> None:
    standing = yardstick(case).standing(number(case["value"]))
    assert standing.expected == close(case["expected"])
    assert standing.pace_ratio == close(case["pace_ratio"])
    assert standing.progress_ratio == close(case.get("progress"))


def test_a_range_has_both_ends_and_its_middle_as_target() -> None:
    standing = constant(Aim(0.6, 0.8, Better.WITHIN), None).standing(0.9)
    assert standing.target == pytest.approx(0.7)
    assert (standing.target_low, standing.target_high) == (0.6, 0.8)
    assert standing.target_ratio == pytest.approx(0)


def test_a_number_has_no_ends() -> None:
    standing = constant(Aim(5, 5, Better.LOWER), None).standing(4)
    assert (standing.target, standing.target_low, standing.target_high) == (5, None, None)


def test_an_unknown_value_has_a_target_but_no_ratios() -> None:
    standing = accrued(Aim(100, 100, Better.HIGHER), None, 0.25).standing(None)
    assert (standing.target, standing.expected) == (100, 25)
    assert (standing.target_ratio, standing.pace_ratio, standing.progress_ratio) == (None, None, None)


@given(st.floats(0.01, 1), st.floats(1, 1e6), st.floats(0, 1e6))
def test_the_pace_ratio_of_a_flow_is_its_value_over_what_is_due(share: float, target: float, value: float) -> None:
    standing = accrued(Aim(target, target, Better.HIGHER), None, share).standing(value)
    assert standing.pace_ratio == pytest.approx(value / (target * share), rel=1e-9, abs=1e-9)
    assert standing.target_ratio == pytest.approx(value / target, rel=1e-9, abs=1e-9)


@given(st.floats(1, 1e6), st.floats(0, 1e6), st.sampled_from([Better.HIGHER, Better.LOWER]))
def test_at_the_end_of_the_period_the_whole_target_is_due(target: float, value: float, better: Better) -> None:
    standing = accrued(Aim(target, target, better), None, 1.0).standing(value)
    assert standing.pace_ratio == standing.target_ratio


QUARTER = goal_from(0.85, 0.92, date(2021, 1, 1), date(2021, 3, 31))
TO = Aim(0.92, 0.92, Better.HIGHER)


def test_a_goal_progresses_from_start_to_by() -> None:
    half = towards(QUARTER, TO, None, clock(date(2021, 2, 15)), calendar_of())
    assert half.share == pytest.approx(45 / 90)
    assert half.due.low == pytest.approx(0.885)


def test_the_last_day_of_a_goal_belongs_to_it() -> None:
    assert towards(QUARTER, TO, None, clock(date(2021, 3, 31)), calendar_of()).share == pytest.approx(89 / 90)


def test_after_its_date_the_whole_goal_is_due() -> None:
    after = towards(QUARTER, TO, None, clock(date(2021, 4, 1)), calendar_of())
    assert (after.share, after.due.low) == (None, pytest.approx(0.92))
    assert after.standing(0.9).progress_ratio == pytest.approx(5 / 7)


def test_before_its_start_the_baseline_of_a_goal_is_due() -> None:
    early = towards(QUARTER, TO, None, clock(date(2020, 12, 1)), calendar_of())
    assert (early.share, early.due.low) == (0, 0.85)


def test_a_goal_may_be_paced_by_workdays() -> None:
    goal = goal_from(0, 100, date(2021, 2, 1), date(2021, 2, 28))
    aim = Aim(100, 100, Better.HIGHER)
    paced = towards(goal, aim, None, clock(date(2021, 2, 11), Pace.WORKDAYS), calendar_of())
    assert paced.due.low == pytest.approx(100 * 8 / 20)


def test_without_a_pace_the_whole_goal_is_due() -> None:
    plain = towards(QUARTER, TO, None, clock(date(2021, 2, 15), Pace.NONE), calendar_of())
    assert (plain.share, plain.due, plain.due_scale) == (None, TO, 0.92)
    assert plain.standing(0.885).progress_ratio == pytest.approx(0.5)


class TestFlowGoals:
    """Deals a month from 100 to 220 over the 120 dates from January to April 2021; February ends on date 59."""

    goal = goal_from(100, 220, date(2021, 1, 1), date(2021, 4, 30))
    aim = Aim(220, 220, Better.HIGHER)

    def at(self, day: date) -> Yardstick:
        return accrued_towards(self.goal, self.aim, None, clock(day), calendar_of())

    def test_each_period_of_a_flows_goal_is_due_one_step_further(self) -> None:
        half = self.at(date(2021, 2, 15))
        assert half.due.low == pytest.approx((100 + 120 * 59 / 120) / 2), "159 by the end of February, half of it due"
        assert half.share == pytest.approx(0.5)

    def test_the_pace_ratio_of_a_flows_goal_is_measured_against_its_step(self) -> None:
        standing = self.at(date(2021, 2, 15)).standing(79.5)
        assert standing.pace_ratio == pytest.approx(1)
        assert standing.target_ratio == pytest.approx(79.5 / 220)

    def test_nothing_is_due_at_the_start_of_a_period(self) -> None:
        first = self.at(date(2021, 3, 1))
        assert (first.due.low, first.share) == (0, 0)
        assert first.standing(0).pace_ratio is None

    def test_after_its_date_the_goal_accrues_in_every_period(self) -> None:
        assert self.at(date(2021, 6, 16)).due.low == pytest.approx(110)


def test_a_period_progress_keeps_its_instant() -> None:
    assert clock(date(2021, 2, 1)).as_of == datetime(2021, 1, 31, 23, tzinfo=UTC)
