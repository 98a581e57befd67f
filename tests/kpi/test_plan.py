"""What the config alone decides about a KPI, and which yardstick follows from its kind (maths 8.0)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from exporter.config.fields import Better, Pace, Period, Scope, Status
from exporter.kpi.calendar import DateSpan
from exporter.kpi.pace import PeriodProgress, Yardstick
from exporter.kpi.plan import KpiPeriod, Plan, data_as_of, people_known
from exporter.kpi.ratio import Aim
from exporter.kpi.readings import KpiReading
from exporter.kpi.values import Freshness
from exporter.metrics.values import Group, Window
from tests.kpi.companies import calendar, config, kpi

AT = datetime(2021, 2, 14, 23, tzinfo=UTC)
GOAL = {"from": 60, "to": 40, "start": "2021-02-01", "by": "2021-03-12"}


def plan(company: dict[str, Any] | None = None, **settings: Any) -> Plan:
    told = config(kpi(**settings), **(company or {}))
    return Plan.of(told, told.kpis[0], calendar(**(company or {})))


def yardstick(made: Plan, group: Group | None = None, final: KpiReading | None = None) -> Yardstick | None:
    span = made.calendar.period_of(Period.MONTH, AT)
    clock = PeriodProgress(AT, span, made.pace, made.calendar.share(span, made.pace, AT))
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
    found = yardstick(made, final=KpiReading(10, 10, 1))
    assert found is not None
    assert found.aim == Aim(12, 12, Better.HIGHER)


@pytest.mark.parametrize(
    ("over", "span"),
    [
        ("previous", DateSpan(date(2021, 1, 1), date(2021, 2, 1))),
        ("same_last_year", DateSpan(date(2020, 2, 1), date(2020, 3, 1))),
    ],
)
def test_what_growth_is_measured_against(over: str, span: DateSpan) -> None:
    made = plan(target={"growth": "20%", "over": over})
    assert made.at({"deals": Freshness(AT)}, AT).windows[2:] == (made.calendar.window(span),)


def test_other_targets_have_no_reference() -> None:
    assert len(plan(target=5).at({"deals": Freshness(AT)}, AT).windows) == 2


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
    assert made.target_key(Group("A"), KpiReading(5, 5, 1)) == made.target_key(Group("B"), KpiReading(5, 5, 1))
    assert made.target_key(Group("A"), KpiReading(5, 5, 1)) != made.target_key(Group("A"), None)


NOW = datetime(2021, 2, 15, 12, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(hours=3), NOW + timedelta(hours=3)
BOTH = frozenset({"deals", "calls"})


def moment(fresh: dict[str, Freshness], now: datetime = NOW, **settings: Any) -> KpiPeriod:
    told = config(kpi(**settings))
    return Plan.of(told, told.kpis[0], calendar()).at(fresh, now)


@pytest.mark.parametrize(
    ("deals", "calls", "found"),
    [
        (Freshness(NOW), Freshness(NOW), (NOW, False)),
        (Freshness(LATER), Freshness(LATER), (NOW, False)),
        (Freshness(EARLIER), Freshness(NOW), (EARLIER, False)),
        (Freshness(LATER), Freshness(EARLIER, stale=True), (EARLIER, True)),
        (Freshness(LATER, stale=True), Freshness(EARLIER), (EARLIER, False)),
        (Freshness(None), Freshness(NOW), None),
        (Freshness(NOW), Freshness(None, stale=True), None),
    ],
)
def test_the_oldest_input_decides(deals: Freshness, calls: Freshness, found: tuple[datetime, bool] | None) -> None:
    assert data_as_of(BOTH, {"deals": deals, "calls": calls}, NOW) == found


def test_an_entity_that_no_source_reads_was_never_read() -> None:
    assert data_as_of(BOTH, {"deals": Freshness(NOW)}, NOW) is None


def test_others_do_not_matter() -> None:
    assert data_as_of(frozenset({"deals"}), {"deals": Freshness(NOW), "calls": Freshness(None)}, NOW) == (NOW, False)


def test_people_are_known_unless_a_source_has_yet_to_list_them() -> None:
    assert people_known({})
    assert people_known({"people": Freshness(EARLIER, stale=True)})
    assert not people_known({"people": Freshness(None)})


def test_today_is_not_shown_before_a_sync_covers_it() -> None:
    fresh = {"deals": Freshness(datetime(2021, 2, 14, 22, 59, tzinfo=UTC))}
    found = moment(fresh, datetime(2021, 2, 15, 3, tzinfo=UTC), period="day")
    assert found.window == Window(datetime(2021, 2, 13, 23, tzinfo=UTC), datetime(2021, 2, 14, 23, tzinfo=UTC))
    assert found.windows[0].end == fresh["deals"].complete_until


def test_a_window_never_passes_its_period() -> None:
    found = moment({"deals": Freshness(LATER)})
    assert found.windows[0] == Window(found.window.start, NOW)
    assert found.windows[1].end == found.window.start
    assert len(found.windows) == 2


def test_growth_asks_for_its_reference_too() -> None:
    found = moment({"deals": Freshness(NOW)}, target={"growth": "5%", "over": "same_last_year"})
    assert found.windows[2] == Window(datetime(2020, 1, 31, 23, tzinfo=UTC), datetime(2020, 2, 29, 23, tzinfo=UTC))


def test_what_was_never_read_is_withheld_and_not_asked_for() -> None:
    found = moment({"deals": Freshness(None)})
    assert (found.withheld, list(found.questions())) == (Status.NO_DATA, [])
    assert found.progress.as_of == NOW


def test_what_is_stale_is_withheld_and_still_asked_for_its_groups() -> None:
    found = moment({"deals": Freshness(EARLIER, stale=True)}, scopes=["company", "team"])
    assert found.withheld is Status.STALE
    assert {question.scope for question in found.questions()} == {Scope.COMPANY, Scope.TEAM}


def test_scopes_of_people_wait_for_the_people() -> None:
    fresh = {"deals": Freshness(NOW), "people": Freshness(None)}
    assert moment(fresh, scopes=["company", "team", "person"]).scopes == (Scope.COMPANY,)
    assert moment(fresh, scopes=["team"]).scopes == ()
