"""Samples of business metrics: when and for whom there is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exporter.config.fields import Period, Scope
from exporter.config.root import Config
from exporter.kpi.sampling import MetricSeries, Sampler, series_by_metric
from exporter.kpi.values import PEOPLE, Freshness
from exporter.metrics.values import Group, MeasuredValue, MetricValue
from tests.kpi.configs import calendar_of, config_of, kpi
from tests.kpi.fake_metrics import FakeMetrics
from tests.kpi.scenario import AT, FRESH, called, evaluate, fresh_until, won

WON = {"name": "won", "title": "Won", "entity": "deals", "at": "closed_at", "count": "rows", "periods": ["month"]}


def sampled(config: Config, fresh: dict[str, Freshness], *rows: dict[str, Any]) -> list[MetricValue]:
    teams = {"Ann": [["2020-01-01", "North"]]}
    evaluation, _ = evaluate(config, FakeMetrics(config, rows, teams), fresh, AT, None)
    return list(evaluation.metrics)


def test_a_metric_has_a_sample_for_each_of_its_periods_and_scopes() -> None:
    config = config_of(kpi(period="year", scopes=["company", "person"]), metrics=[WON])
    result = sampled(config, FRESH, won(3, "Ann"), {**won(2, "Ann"), "at": "2021-01-10T10:00"})
    assert {(value.scope, value.period, value.team, value.person, value.value) for value in result} == {
        (Scope.COMPANY, Period.MONTH, None, None, 3),
        (Scope.COMPANY, Period.YEAR, None, None, 5),
        (Scope.PERSON, Period.MONTH, "North", "Ann", 3),
        (Scope.PERSON, Period.YEAR, "North", "Ann", 5),
    }


def test_each_metric_is_sampled_as_of_its_own_instant() -> None:
    config = config_of(kpi())
    fresh = fresh_until(deals=Freshness(AT - timedelta(days=14)), calls=Freshness(AT))
    result = sampled(config, fresh, won(3), called(4), {**called(2), "at": "2021-01-15T10:00"})
    months = {value.metric: value.value for value in result if value.period is Period.MONTH}
    assert (months["won"], months["calls"]) == (0, 4)


@pytest.mark.parametrize("deals", [Freshness(None), Freshness(AT - timedelta(days=1), stale=True)])
def test_unknown_and_stale_values_have_no_sample(deals: Freshness) -> None:
    result = sampled(config_of(kpi()), fresh_until(deals=deals, calls=Freshness(AT)), won(3), called(4))
    assert {value.metric for value in result} == {"calls"}


def test_a_metric_that_no_source_contributes_to_has_no_sample() -> None:
    assert {value.metric for value in sampled(config_of(kpi()), fresh_until(calls=Freshness(AT)), called(1))} == {
        "calls"
    }


def test_until_the_people_are_read_only_the_company_has_samples() -> None:
    config = config_of(kpi(scopes=["company", "team", "person"]), metrics=[WON])
    result = sampled(config, FRESH | {PEOPLE: Freshness(None)}, won(3, "Ann"))
    assert {value.scope for value in result} == {Scope.COMPANY}


def test_levels_are_read_once_without_a_period() -> None:
    result = sampled(config_of(kpi()), FRESH, {"in": ["open"], "at": "2021-02-03T10:00", "times": 2})
    assert [(value.period, value.value) for value in result if value.metric == "open"] == [(None, 2)]


def test_series_are_grouped_by_metric() -> None:
    result = series_by_metric(config_of(kpi(scopes=["team"])))
    assert set(result) == {"won", "closed", "revenue", "open", "wait", "calls", "slow"}
    assert {(series.scope, series.period) for series in result["won"]} == {
        (scope, period) for scope in (Scope.COMPANY, Scope.TEAM) for period in (Period.DAY, Period.MONTH)
    }
    assert [series.period for series in result["open"]] == [Period.DAY]


def test_periods_that_start_together_are_distinguished() -> None:
    config = config_of(kpi())
    first = datetime(2021, 2, 1, 11, tzinfo=UTC)
    rows = [{"in": ["won"], "at": "2021-02-01T10:00", "times": 3}]
    evaluation, _ = evaluate(config, FakeMetrics(config, rows), fresh_until(deals=Freshness(first)), first, None)
    assert [(value.period, value.value) for value in evaluation.metrics if value.metric == "won"] == [
        (Period.DAY, 3),
        (Period.MONTH, 3),
    ]


def test_the_same_answers_give_the_same_samples() -> None:
    config = config_of(kpi(), metrics=[WON])
    sampler = Sampler(config, calendar_of())
    (sampling,) = sampler.samplings(FRESH, AT)
    answers = FakeMetrics(config, [won(3)])(list(sampling.questions()))
    (first,) = sampler.runs(sampling, answers)
    assert [value.value for value in first.samples] == [3]
    assert next(sampler.runs(sampling, answers)) is first
    other_answers = FakeMetrics(config, [won(4)])(list(sampling.questions()))
    assert [value.value for run in sampler.runs(sampling, other_answers) for value in run.samples] == [4]


def test_only_a_changed_number_gives_another_sample() -> None:
    config = config_of(kpi(scopes=["person"], period="month"), metrics=[WON])
    sampler = Sampler(config, calendar_of())
    series = MetricSeries("won", Scope.PERSON, Period.MONTH, by=False)
    one, two, unknown = MeasuredValue(1.0, 1), MeasuredValue(2.0, 2), MeasuredValue(None)
    ann, bob, cid = (Group(None, name) for name in ("Ann", "Bob", "Cid"))

    def sampled(answer: dict[Group, MeasuredValue]) -> list[tuple[str | None, float]]:
        return [(value.person, value.value) for value in sampler.run(series, answer).samples]

    before = sampler.run(series, {bob: one, cid: unknown, ann: two}).samples
    after = sampler.run(series, {bob: two, cid: unknown, ann: two}).samples
    assert [(value.person, value.value) for value in after] == [("Ann", 2.0), ("Bob", 2.0)]
    assert after[0] is before[0]
    assert sampled({bob: two, cid: one, ann: two}) == [("Ann", 2.0), ("Bob", 2.0), ("Cid", 1.0)]
    assert sampled({bob: unknown, cid: two, ann: two}) == [("Ann", 2.0), ("Cid", 2.0)]
    assert sampled({cid: two, ann: one}) == [("Ann", 1.0), ("Cid", 2.0)]


def test_columns_become_labels() -> None:
    by_account = WON | {"by": ["account"]}
    config = config_of(kpi(), metrics=[by_account])
    sampler = Sampler(config, calendar_of())
    (sampling,) = sampler.samplings(FRESH, AT)
    (question,) = sampling.questions()
    assert question.by
    (run,) = sampler.runs(sampling, {question: {Group(labels=("Acme",)): MeasuredValue(2.0, 2)}})
    (sample,) = run.samples
    assert sample.labels == (("account", "Acme"),)
