"""What the config and the instant decide about a KPI."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from exporter.config.fields import Better, Pace, Scope, Status
from exporter.kpi.calendar import DateSpan
from exporter.kpi.pace import Yardstick
from exporter.kpi.plan import KpiPeriod, Plan, data_as_of, people_known
from exporter.kpi.ratio import Aim
from exporter.kpi.readings import KpiReading
from exporter.kpi.values import PEOPLE, Freshness
from exporter.metrics.values import Group, Window
from tests.kpi.configs import calendar_of, config_of, kpi
from tests.kpi.scenario import fresh_until

AT = datetime(2021, 2, 14, 23, tzinfo=UTC)
GOAL = {"from": 60, "to": 40, "start": "2021-02-01", "by": "2021-03-12"}


def plan(company: dict[str, Any] | None = None, **settings: Any) -> Plan:
    config = config_of(kpi(**settings), **(company or {}))
    return Plan.of(config, config.kpis[0], calendar_of(**(company or {})))


def yardstick(kpi_plan: Plan, group: Group | None = None, final: KpiReading | None = None) -> Yardstick | None:
    period = kpi_plan.at(fresh_until(deals=Freshness(AT), calls=Freshness(AT)), AT)
    result = kpi_plan.yardstick(period, group or Group(), final)
    return result if isinstance(result, Yardstick) else None


def due(kpi_plan: Plan) -> float:
    result = yardstick(kpi_plan)
    assert result is not None
    return result.due.middle


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
def test_flows_and_goals_have_the_default_pace_and_others_none(
    company: dict[str, Any], settings: dict[str, Any], pace: Pace
) -> None:
    assert plan(company, **settings).pace is pace


def test_only_flows_accrue_from_zero() -> None:
    assert due(plan(value="won", target=28)) == 14
    assert due(plan(value="won + revenue", target=28)) == 14
    assert due(plan(value="open", target=28)) == 28
    assert due(plan(value="wait", target=28)) == 28
    assert due(plan(value="won / closed", target=28)) == 28


def test_a_pace_configured_for_a_level_changes_nothing() -> None:
    assert due(plan(value="open", target=28, pace="linear")) == 28


def test_without_a_pace_the_whole_target_of_a_flow_is_due() -> None:
    assert due(plan(value="won", target=28, pace="none")) == 28


def test_a_goal_is_due_by_its_own_dates() -> None:
    assert due(plan(value="open", target=GOAL)) == pytest.approx(60 - 20 * 14 / 40)


def test_a_flows_goal_is_due_by_the_step_of_its_period() -> None:
    assert due(plan(value="won", target=GOAL)) == pytest.approx((60 - 20 * 28 / 40) / 2)
    assert due(plan(value="won", target=GOAL, pace="none")) == 40


def test_growth_requires_its_reference_period() -> None:
    kpi_plan = plan(target={"growth": "20%", "over": "previous"})
    assert yardstick(kpi_plan) is None
    result = yardstick(kpi_plan, final=KpiReading(10, 10, 1))
    assert result is not None
    assert result.aim == Aim(12, 12, Better.HIGHER)


@pytest.mark.parametrize(
    ("over", "span"),
    [
        ("previous", DateSpan(date(2021, 1, 1), date(2021, 2, 1))),
        ("same_last_year", DateSpan(date(2020, 2, 1), date(2020, 3, 1))),
    ],
)
def test_what_growth_is_measured_against(over: str, span: DateSpan) -> None:
    kpi_plan = plan(target={"growth": "20%", "over": over})
    assert kpi_plan.at(fresh_until(deals=Freshness(AT)), AT).windows[2:] == (kpi_plan.calendar.window(span),)


def test_other_targets_have_no_reference() -> None:
    assert len(plan(target=5).at(fresh_until(deals=Freshness(AT)), AT).windows) == 2


def test_groups_that_no_entry_names_share_a_target() -> None:
    kpi_plan = plan(target=[{"value": 1}, {"value": 2, "team": "North"}, {"value": 3, "person": "Ann"}])
    assert kpi_plan.target_key(Group("South", "Bob"), None) == kpi_plan.target_key(Group("East", "Cid"), None)
    keys = {kpi_plan.target_key(group, None) for group in (Group(), Group("NORTH"), Group("South", "ann"))}
    assert len(keys) == 3


@pytest.mark.parametrize("target", [5, {"within": [1, 5]}, GOAL])
def test_a_total_judges_the_company_alone_and_a_ratio_everybody(target: Any) -> None:
    better = "within" if "within" in str(target) else "lower"
    for group in (Group("North"), Group("North", "Ann")):
        assert yardstick(plan(value="won", better=better, target=target), group) is None
        assert yardstick(plan(value="open", better=better, target=target), group) is None
        assert yardstick(plan(value="won / closed", better=better, target=target), group) is not None
        assert yardstick(plan(value="wait", better=better, target=target), group) is not None
        assert yardstick(plan(value="won", better=better, target=target, applies_to="all"), group) is not None
        assert yardstick(plan(value="wait", better=better, target=target, applies_to="own"), group) is None


def test_growth_over_a_scopes_own_past_judges_every_scope() -> None:
    growth = {"growth": "20%", "over": "previous"}
    assert yardstick(plan(target=growth), Group("North", "Ann"), KpiReading(10, 10, 1)) is not None
    assert yardstick(plan(target=growth, applies_to="own"), Group("North", "Ann"), KpiReading(10, 10, 1)) is None


@pytest.mark.parametrize(
    ("since", "covered"),
    [
        ("2020-12-31T12:00+01:00", 1),
        ("2021-01-16T12:00+01:00", 15.5 / 31),  # the second half of January, from the 16th at noon
        ("2021-02-03T00:00+01:00", 0),
    ],
)
def test_a_reference_period_is_covered_from_the_first_record_on(since: str, covered: float) -> None:
    kpi_plan = plan(target={"growth": "20%", "over": "previous"})
    fresh = fresh_until(deals=Freshness(AT, known_since=datetime.fromisoformat(since)))
    assert kpi_plan.at(fresh, AT).reference.share == pytest.approx(covered)


def test_groups_that_grew_alike_share_a_target() -> None:
    kpi_plan = plan(target={"growth": "20%", "over": "previous"})
    assert kpi_plan.target_key(Group("A"), KpiReading(5, 5, 1)) == kpi_plan.target_key(Group("B"), KpiReading(5, 5, 1))
    assert kpi_plan.target_key(Group("A"), KpiReading(5, 5, 1)) != kpi_plan.target_key(Group("A"), None)


NOW = datetime(2021, 2, 15, 12, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(hours=3), NOW + timedelta(hours=3)
BOTH = ("won", "wait")


def period_at(fresh: dict[str, Freshness], now: datetime = NOW, **settings: Any) -> KpiPeriod:
    config = config_of(kpi(**settings))
    return Plan.of(config, config.kpis[0], calendar_of()).at(fresh, now)


@pytest.mark.parametrize(
    ("deals", "calls", "result"),
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
def test_the_oldest_input_decides(deals: Freshness, calls: Freshness, result: tuple[datetime, bool] | None) -> None:
    assert data_as_of(BOTH, fresh_until(deals=deals, calls=calls), NOW) == result


def test_a_metric_that_no_source_contributes_to_was_never_read() -> None:
    assert data_as_of(BOTH, fresh_until(deals=Freshness(NOW)), NOW) is None


def test_other_metrics_do_not_affect_the_as_of_instant() -> None:
    assert data_as_of(("won",), fresh_until(deals=Freshness(NOW), calls=Freshness(None)), NOW) == (NOW, False)


def test_people_are_known_unless_a_source_has_yet_to_list_them() -> None:
    assert people_known({})
    assert people_known({PEOPLE: Freshness(EARLIER, stale=True)})
    assert not people_known({PEOPLE: Freshness(None)})


def test_today_is_not_shown_before_a_sync_covers_it() -> None:
    fresh = fresh_until(deals=Freshness(datetime(2021, 2, 14, 22, 59, tzinfo=UTC)))
    result = period_at(fresh, datetime(2021, 2, 15, 3, tzinfo=UTC), period="day")
    assert result.window == Window(datetime(2021, 2, 13, 23, tzinfo=UTC), datetime(2021, 2, 14, 23, tzinfo=UTC))
    assert result.windows[0].end == fresh["won"].complete_until


def test_a_window_never_passes_its_period() -> None:
    result = period_at(fresh_until(deals=Freshness(LATER)))
    assert result.windows[0] == Window(result.window.start, NOW)
    assert result.windows[1].end == result.window.start
    assert len(result.windows) == 2


def test_growth_asks_about_its_reference_period_too() -> None:
    result = period_at(fresh_until(deals=Freshness(NOW)), target={"growth": "5%", "over": "same_last_year"})
    assert result.windows[2] == Window(datetime(2020, 1, 31, 23, tzinfo=UTC), datetime(2020, 2, 29, 23, tzinfo=UTC))


def test_an_entity_that_was_never_read_is_withheld_and_not_asked_about() -> None:
    result = period_at(fresh_until(deals=Freshness(None)))
    assert (result.withheld, list(result.questions())) == (Status.NO_DATA, [])
    assert result.progress.as_of == NOW


def test_a_stale_entity_is_withheld_but_asked_about_its_groups() -> None:
    result = period_at(fresh_until(deals=Freshness(EARLIER, stale=True)), scopes=["company", "team"])
    assert result.withheld is Status.STALE
    assert {question.scope for question in result.questions()} == {Scope.COMPANY, Scope.TEAM}


def test_scopes_of_people_wait_for_the_people() -> None:
    fresh = fresh_until(deals=Freshness(NOW)) | {PEOPLE: Freshness(None)}
    assert period_at(fresh, scopes=["company", "team", "person"]).scopes == (Scope.COMPANY,)
    assert period_at(fresh, scopes=["team"]).scopes == ()
