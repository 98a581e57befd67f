"""What the config alone decides about a KPI, and which yardstick follows from its kind (maths 8.0)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from exporter.config.fields import Better, Pace, Period
from exporter.kpi.pace import Clock, Yardstick
from exporter.kpi.periods import Span
from exporter.kpi.plan import Plan
from exporter.kpi.ratio import Aim
from exporter.kpi.readings import Reading
from exporter.metrics.values import Group
from tests.kpi.companies import calendar, config, kpi

AT = datetime(2021, 2, 14, 23, tzinfo=UTC)
GOAL = {"from": 60, "to": 40, "start": "2021-02-01", "by": "2021-03-12"}


def plan(company: dict[str, Any] | None = None, **settings: Any) -> Plan:
    told = config(kpi(**settings), **(company or {}))
    return Plan.of(told, told.kpis[0], calendar(**(company or {})))


def yardstick(made: Plan, group: Group | None = None, final: Reading | None = None) -> Yardstick | None:
    span = made.calendar.holding(Period.MONTH, AT)
    clock = Clock(AT, span, made.pace, made.calendar.share(span, made.pace, AT))
    return made.yardstick(clock, group or Group(), final)


def due(made: Plan) -> float:
    found = yardstick(made)
    assert found is not None
    return found.due.middle


WORKDAYS = {"workdays": ["mon", "tue", "wed", "thu", "fri"]}


@pytest.mark.parametrize(
    ("company", "settings", "pace"),
    [
        ({}, {"value": "won", "target": 1}, Pace.LINEAR),
        (WORKDAYS, {"value": "won", "target": 1}, Pace.WORKDAYS),
        (WORKDAYS, {"value": "won", "target": 1, "pace": "linear"}, Pace.LINEAR),
        (WORKDAYS, {"value": "won / closed", "target": 1}, Pace.NONE),
        (WORKDAYS, {"value": "wait", "target": 1}, Pace.NONE),
        (WORKDAYS, {"value": "open", "target": 1}, Pace.NONE),
        (WORKDAYS, {"value": "open", "target": GOAL}, Pace.LINEAR),
        (WORKDAYS, {"value": "wait", "target": GOAL, "pace": "workdays"}, Pace.WORKDAYS),
    ],
)
def test_which_pace_holds(company: dict[str, Any], settings: dict[str, Any], pace: Pace) -> None:
    assert plan(company, **settings).pace is pace


def test_only_flows_are_prorated_from_nothing() -> None:
    assert due(plan(value="won", target=28)) == 14
    assert due(plan(value="won + revenue", target=28)) == 14
    assert due(plan(value="open", target=28)) == 28
    assert due(plan(value="wait", target=28)) == 28
    assert due(plan(value="won / closed", target=28)) == 28


def test_a_pace_named_for_what_is_no_flow_changes_nothing() -> None:
    assert due(plan(value="open", target=28, pace="linear")) == 28


def test_a_flow_without_pace_is_due_whole() -> None:
    assert due(plan(value="won", target=28, pace="none")) == 28


def test_a_goal_is_due_by_its_own_dates() -> None:
    assert due(plan(value="open", target=GOAL)) == pytest.approx(60 - 20 * 14 / 40)


def test_a_flows_goal_is_due_by_the_step_of_its_period() -> None:
    assert due(plan(value="won", target=GOAL)) == pytest.approx((60 - 20 * 28 / 40) / 2)
    assert due(plan(value="won", target=GOAL, pace="none")) == 40


def test_growth_needs_its_reference() -> None:
    made = plan(target={"growth": "20%", "over": "previous"})
    assert yardstick(made) is None
    found = yardstick(made, final=Reading(10, 10, 1))
    assert found is not None
    assert found.aim == Aim(12, 12, Better.HIGHER)


@pytest.mark.parametrize(
    ("over", "span"),
    [
        ("previous", Span(date(2021, 1, 1), date(2021, 2, 1))),
        ("same_last_year", Span(date(2020, 2, 1), date(2020, 3, 1))),
    ],
)
def test_what_growth_is_measured_against(over: str, span: Span) -> None:
    made = plan(target={"growth": "20%", "over": over})
    assert made.reference(made.calendar.holding(Period.MONTH, AT)) == span


def test_other_targets_have_no_reference() -> None:
    made = plan(target=5)
    assert made.reference(made.calendar.holding(Period.MONTH, AT)) is None


def test_groups_of_which_no_entry_speaks_share_a_target() -> None:
    made = plan(target=[{"value": 1}, {"value": 2, "team": "North"}, {"value": 3, "person": "Ann"}])
    assert made.target_key(Group("South", "Bob"), None) == made.target_key(Group(None, "Cid"), None)
    keys = {made.target_key(group, None) for group in (Group(), Group("NORTH"), Group("South", "ann"))}
    assert len(keys) == 3


def test_everyone_shares_a_plain_target() -> None:
    made = plan(target=5)
    assert made.target_key(Group("North", "Ann"), None) == made.target_key(Group(), None)


def test_groups_that_grew_alike_share_a_target() -> None:
    made = plan(target={"growth": "20%", "over": "previous"})
    assert made.target_key(Group("A"), Reading(5, 5, 1)) == made.target_key(Group("B"), Reading(5, 5, 1))
    assert made.target_key(Group("A"), Reading(5, 5, 1)) != made.target_key(Group("A"), None)
