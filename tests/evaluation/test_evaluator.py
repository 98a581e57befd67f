"""Evaluations from a real store, and which queries are not repeated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.config.fields import Period, Scope, Status
from exporter.errors import EvaluationError, Reason
from exporter.evaluation import evaluator
from exporter.evaluation.evaluator import EvaluationResult, Evaluator
from exporter.metrics.values import MetricValue
from exporter.records import Person
from exporter.store.store import Store
from tests.evaluation.records import ADA, NOW, deal, put, small_config

DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def asked_metrics(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The metrics that were really asked of the store, over time."""
    values: list[str] = []
    real = evaluator.answer_questions

    def answer(reader: Any, config: Any, questions: Sequence[Any], **overrides: Any) -> Any:
        values.extend(sorted({question.metric for question in questions}))
        return real(reader, config, questions, **overrides)

    monkeypatch.setattr(evaluator, "answer_questions", answer)
    return values


def fill(store: Store, at: datetime = NOW) -> None:
    put(store, "hr", "people", [ADA], at)
    won = [deal(1, 400, NOW - 3 * DAY), deal(2, 100, NOW - timedelta(hours=2)), deal(3, 900, NOW - 40 * DAY)]
    put(store, "crm", "deals", [*won, deal(4, 70, None, stage=None)], at)


def company_value(evaluated: EvaluationResult) -> float | None:
    return next(v.value for v in evaluated.evaluation.kpis if v.scope is Scope.COMPANY)


def metric(evaluated: EvaluationResult, name: str, scope: Scope = Scope.COMPANY) -> list[MetricValue]:
    return [m for m in evaluated.evaluation.metrics if m.metric == name and m.scope is scope]


def test_metrics_and_kpis_come_from_the_records(store: Store) -> None:
    fill(store)
    result = Evaluator(small_config(), store).evaluate(NOW, None)
    assert company_value(result) == 500
    assert {(m.period, m.labels, m.value) for m in metric(result, "revenue")} == {
        (Period.DAY, (("stage", "Offer"),), 100),
        (Period.MONTH, (("stage", "Offer"),), 500),
    }
    assert [
        (m.team, m.person, m.value) for m in metric(result, "revenue", Scope.PERSON) if m.period is Period.MONTH
    ] == [("North", "Ada Lovelace", 500)]
    assert [m.value for m in metric(result, "open_deals")] == [1]
    assert result.evaluation.undated == {("deals", "closed_at"): 1, ("deals", "created_at"): 0}
    assert result.evaluation.failed == ()


def test_there_are_no_values_before_the_first_pass(store: Store) -> None:
    result = Evaluator(small_config(), store).evaluate(NOW, None)
    assert [(v.status, v.value) for v in result.evaluation.kpis] == [(Status.NO_DATA, None)]
    assert result.evaluation.metrics == ()


def test_values_are_as_of_the_known_data_or_the_past_instant(store: Store) -> None:
    fill(store)
    every = Evaluator(small_config(), store)
    assert next(iter(every.evaluate(NOW + timedelta(minutes=5), None).evaluation.kpis)).as_of == NOW
    before = every.evaluate(NOW - 2 * DAY, None)
    assert company_value(before) == 400
    assert company_value(every.evaluate(NOW - 50 * DAY, None)) == 0


def test_without_changes_the_last_evaluation_is_returned(store: Store, asked_metrics: list[str]) -> None:
    fill(store)
    every = Evaluator(small_config(), store)
    first = every.evaluate(NOW + timedelta(seconds=5), None)
    store.fail("crm", "deals", Reason.TIMEOUT, NOW)
    second = every.evaluate(NOW + timedelta(seconds=15), first.memory)
    assert second.evaluation is first.evaluation
    assert {o.failures for o in second.outcomes if o.source == "crm"} == {1}
    assert asked_metrics == ["open_deals", "revenue"]


def test_an_evaluation_of_the_past_is_not_returned_for_the_present(store: Store) -> None:
    fill(store)
    evaluations = Evaluator(small_config(), store)
    assert company_value(evaluations.evaluate(NOW - 2 * DAY, None)) == 400
    assert company_value(evaluations.evaluate(NOW + timedelta(minutes=1), None)) == 500


def test_a_pass_without_changes_advances_time_without_queries(store: Store, asked_metrics: list[str]) -> None:
    fill(store)
    every = Evaluator(small_config(), store)
    first = every.evaluate(NOW, None)
    fill(store, NOW + timedelta(minutes=10))
    second = every.evaluate(NOW + timedelta(minutes=10), first.memory)
    first_kpi, second_kpi = first.evaluation.kpis[0], second.evaluation.kpis[0]
    assert second_kpi.as_of == NOW + timedelta(minutes=10)
    assert (first_kpi.expected or 0) < (second_kpi.expected or 0)
    assert second_kpi.value == first_kpi.value
    assert len(asked_metrics) == 2


def test_only_changed_metrics_are_queried_again(store: Store, asked_metrics: list[str]) -> None:
    config = small_config()
    calls = {"name": "calls", "title": "Calls", "entity": "calls", "at": "started_at", "count": "rows"}
    phones = {"name": "phones", "provider": "csv", "path": "c.csv", "entity": "calls", "columns": {"id": "id"}}
    config = small_config(
        metrics=[*(m.model_dump(by_alias=True, exclude_unset=True) for m in config.metrics), calls],
        sources=[*(s.model_dump(by_alias=True, exclude_unset=True) for s in config.sources), phones],
    )
    fill(store)
    put(store, "phones", "calls", [])
    every = Evaluator(config, store)
    every.evaluate(NOW, None)
    asked_metrics.clear()
    put(store, "crm", "deals", [deal(1, 450, NOW - 3 * DAY)], NOW + timedelta(minutes=1))
    result = every.evaluate(NOW + timedelta(minutes=1), None)
    assert company_value(result) == 450
    assert set(asked_metrics) == {"open_deals", "revenue"}


def test_a_record_in_the_future_counts_once_its_time_comes(store: Store) -> None:
    put(store, "hr", "people", [ADA])
    ahead = [deal(1, 400, NOW - DAY), deal(2, 50, NOW + timedelta(minutes=4), created_at=NOW + timedelta(minutes=2))]
    put(store, "crm", "deals", ahead)
    every = Evaluator(small_config(), store)
    values = []
    for minutes in range(6):
        at = NOW + timedelta(minutes=minutes)
        put(store, "crm", "deals", ahead, at)
        put(store, "hr", "people", [ADA], at)
        result = every.evaluate(at, None)
        values.append((company_value(result), [m.value for m in metric(result, "open_deals")]))
    exact = [Evaluator(small_config(), store).evaluate(NOW + timedelta(minutes=m), None) for m in range(6)]
    assert values == [(company_value(e), [m.value for m in metric(e, "open_deals")]) for e in exact]
    assert [value for value, _ in values] == [400, 400, 400, 400, 400, 450]
    assert [levels for _, levels in values] == [[0], [0], [1], [1], [0], [0]]


def test_midnight_invalidates_all_answers(store: Store, asked_metrics: list[str]) -> None:
    fill(store)
    every = Evaluator(small_config(), store)
    every.evaluate(NOW, None)
    asked_metrics.clear()
    fill(store, NOW + DAY)
    result = every.evaluate(NOW + DAY, None)
    assert set(asked_metrics) == {"open_deals", "revenue"}
    assert [m.value for m in metric(result, "revenue") if m.period is Period.DAY] == []


def test_folded_labels_are_counted(store: Store) -> None:
    put(store, "hr", "people", [ADA])
    put(store, "crm", "deals", [deal(n, n, NOW - DAY, stage=f"stage {n:03d}") for n in range(1, 131)])
    result = Evaluator(small_config(), store).evaluate(NOW, None)
    assert result.evaluation.label_overflow == {("revenue", "stage"): 30}
    month = [m for m in metric(result, "revenue") if m.period is Period.MONTH]
    assert len(month) == 101
    assert sum(m.value for m in month) == sum(range(1, 131))


def test_a_closed_store_fails_one_evaluation_only(store: Store) -> None:
    fill(store)
    every = Evaluator(small_config(), store)
    every.evaluate(NOW, None)
    assert every._reader is not None
    every._reader.close()
    with pytest.raises(EvaluationError, match="store"):
        every.evaluate(NOW, None)
    assert company_value(every.evaluate(NOW, None)) == 500


def test_who_is_named_in_a_target_and_not_found_is_logged_once(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    kpi = small_config().kpis[0].model_dump(by_alias=True, mode="json", exclude_none=True)
    target = [{"value": 1000}, {"value": 10, "person": "Ada Lovelace"}, {"value": 10, "person": "Ada Lovlace"}]
    every = Evaluator(small_config(kpis=[{**kpi, "value": "revenue", "target": target}]), store)
    put(store, "crm", "deals", [deal(1, 400, NOW - DAY)])
    every.evaluate(NOW, None)
    assert caplog.messages == []  # people were not read yet
    put(store, "hr", "people", [ADA])
    every.evaluate(NOW, None)
    put(store, "hr", "people", [ADA, Person(id="bob", name="Bob")], NOW + DAY)
    every.evaluate(NOW + DAY, None)
    (message,) = caplog.messages
    assert message == "kpis.0.target.2.person: nobody is listed as 'Ada Lovlace' (did you mean Ada Lovelace?)"
