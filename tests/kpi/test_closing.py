"""Final values of past periods."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from exporter.config.fields import Status
from exporter.kpi.calendar import DateSpan
from exporter.kpi.evaluate import KpiEvaluator
from exporter.kpi.values import Freshness, KpiValue
from tests.kpi.configs import calendar_of, config_of, kpi
from tests.kpi.fake_metrics import FakeMetrics

OCTOBER = DateSpan(date(2021, 10, 1), date(2021, 11, 1))
NOVEMBER_10 = datetime(2021, 11, 10, tzinfo=UTC)


def fresh(complete_until: datetime, *, stale: bool = False) -> dict[str, Freshness]:
    return {name: Freshness(complete_until, stale) for name in ("won", "closed", "open")}


def closed(
    *rows: dict[str, Any], complete_until: datetime = NOVEMBER_10, span: DateSpan = OCTOBER, **settings: Any
) -> KpiValue:
    config = config_of(kpi(**settings))
    evaluator = KpiEvaluator(config)
    prepared = evaluator.prepare_closing(["goal"], span, fresh(complete_until))
    evaluation, _ = evaluator.conclude(prepared, FakeMetrics(config, rows)(prepared.questions), None)
    return evaluation.kpis[0]


def won(day: str, times: int = 1) -> dict[str, Any]:
    return {"in": ["won"], "at": day, "times": times}


def test_a_closed_month_counts_to_its_end_and_no_further() -> None:
    # October in Zurich ends at 23:00 UTC on the 31st, because winter time begins that day
    value = closed(won("2021-10-01T00:00"), won("2021-10-31T23:59"), won("2021-11-01T00:00"), target=2)
    assert (value.value, value.elapsed, value.status) == (2.0, 1.0, Status.ON_TRACK)
    assert value.period_end == datetime(2021, 10, 31, 23, tzinfo=UTC)


def test_a_closed_month_is_measured_against_its_full_target() -> None:
    value = closed(won("2021-10-05T12:00", 9), target=10)
    assert (value.target, value.target_ratio, value.pace_ratio) == (10, pytest.approx(0.9), pytest.approx(0.9))
    assert value.status is Status.AT_RISK


def test_targets_are_those_of_the_last_day() -> None:
    # a level is not prorated: the target since 31 October applies, the one since 1 November does not
    target = [{"value": 1}, {"value": 2, "since": "2021-10-31"}, {"value": 3, "since": "2021-11-01"}]
    assert closed(value="open", target=target).target == 2


def test_an_input_that_is_not_complete_past_the_end_leaves_no_value() -> None:
    value = closed(won("2021-10-05T12:00"), target=1, complete_until=datetime(2021, 10, 31, 22, 59, tzinfo=UTC))
    assert (value.value, value.status) == (None, Status.NO_DATA)


def test_old_numbers_are_not_stale() -> None:
    config = config_of(kpi(target=1))
    evaluator = KpiEvaluator(config)
    prepared = evaluator.prepare_closing(["goal"], OCTOBER, fresh(NOVEMBER_10, stale=True))
    assert prepared.periods[0].withheld is None


def test_a_guard_closes_with_its_kpi_if_it_has_the_same_length_of_period() -> None:
    kpis = kpi("a", guard="b"), kpi("b"), kpi("c", guard="d"), kpi("d", period="week"), kpi("e")
    evaluator = KpiEvaluator(config_of(*kpis))
    prepared = evaluator.prepare_closing(["a", "c"], OCTOBER, fresh(NOVEMBER_10))
    assert [period.plan.kpi.name for period in prepared.periods] == ["a", "b", "c"]


def test_the_other_kpis_of_an_objective_need_not_close_as_well() -> None:
    config = config_of(kpi("a", target=1), kpi("b", period="week", target=1))
    evaluator = KpiEvaluator(config)
    prepared = evaluator.prepare_closing(["a"], OCTOBER, fresh(NOVEMBER_10))
    evaluation, _ = evaluator.conclude(
        prepared, FakeMetrics(config, [won("2021-10-05T12:00")])(prepared.questions), None
    )
    assert [value.kpi for value in evaluation.kpis] == ["a"]


def test_the_definition_is_that_of_the_last_day() -> None:
    # 9 of 10: at risk by the bands until 30 October, on track by those since the 31st; half of it from November on
    bands = [
        {"is": {"exceeded": 1.1, "on_track": 1.0, "at_risk": 0.9}},
        {"is": {"exceeded": 1.1, "on_track": 0.8, "at_risk": 0.7}, "since": "2021-10-31"},
    ]
    value = [{"is": "won"}, {"is": "won / 2", "since": "2021-11-01"}]
    result = closed(won("2021-10-05T12:00", 9), value=value, bands=bands, target=10, min_sample=0)
    assert (result.value, result.status) == (9.0, Status.ON_TRACK)


def test_settling_counts_workdays_and_skips_weekends_and_holidays() -> None:
    # 1 November 2021 is a Monday; with it off, the workdays after October are 2, 3 and 4 November
    plain, holiday = calendar_of(), calendar_of(holidays={"dates": ["2021-11-01"]})
    assert plain.after_workdays(date(2021, 11, 1), 3) == date(2021, 11, 4)
    assert holiday.after_workdays(date(2021, 11, 1), 3) == date(2021, 11, 5)
    # Saturday 6 November: Monday, Tuesday and Wednesday pass first
    assert plain.after_workdays(date(2021, 11, 6), 3) == date(2021, 11, 11)
    assert plain.after_workdays(date(2021, 11, 6), 0) == date(2021, 11, 6)
