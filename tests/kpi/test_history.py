"""Evaluations at many instants."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from exporter.config.fields import Scope
from exporter.kpi import history
from exporter.kpi.history import histories_of
from exporter.kpi.readings import Formula, KpiReading
from exporter.kpi.status import StatusMemory
from exporter.kpi.values import Freshness
from exporter.metrics.evaluate import answer_questions
from exporter.metrics.instants import HistoryQueries
from exporter.metrics.values import MeasuredValue
from tests.kpi.configs import config_of, kpi
from tests.kpi.fake_metrics import FakeMetrics
from tests.kpi.scenario import evaluate, fresh_until
from tests.kpi.single_steps import evaluations
from tests.metrics.stores import store_of

START = datetime(2021, 1, 25, tzinfo=UTC)
STEPS = [START + timedelta(hours=6 * n) for n in range(48)]
FRESH = fresh_until(deals=Freshness(STEPS[-1] + timedelta(days=1)), calls=Freshness(STEPS[-1] + timedelta(days=1)))

KPIS = (
    kpi("deals_won", target=40, scopes=["company", "team", "person"]),
    kpi("win_rate", value="won / closed", target=0.5, period="week", min_sample=1, scopes=["company", "person"]),
    kpi("pipeline", value="open", target=5, period="day", scopes=["company", "team"]),
    kpi("growing", value="revenue", target={"growth": "5%", "over": "previous"}),
)
CONFIG = config_of(*KPIS)


def metrics() -> FakeMetrics:
    rows = []
    for day in range(1, 60):
        at = (datetime(2021, 1, 1, 10, tzinfo=UTC) + timedelta(days=day)).isoformat()
        person = ("Ann", "Bob", "Cid")[day % 3]
        inside = ["won", "closed", "revenue"] if day % 2 else ["closed"]
        rows.append({"in": inside, "at": at, "person": person, "value": float(day)})
        rows.append({"in": ["open"], "at": at, "until": "2021-02-20T00:00", "person": person})
    return FakeMetrics(
        CONFIG, rows, {"Ann": [["2020-01-01", "North"]], "Bob": [["2021-01-01", "North"], ["2021-02-01", "South"]]}
    )


def test_every_step_equals_an_evaluation_at_that_instant() -> None:
    memory: StatusMemory | None = None
    answers = metrics()
    results = evaluations(CONFIG, histories_of(CONFIG, answers.columns, FRESH, STEPS))
    for result, instant in zip(results, STEPS, strict=True):
        expected, memory = evaluate(CONFIG, answers, FRESH, instant, memory)
        assert result == expected


def test_statuses_have_hysteresis_across_steps() -> None:
    config = config_of(kpi("pipeline", value="open", better="lower", target=100))
    rows = [{"in": ["open"], "at": "2021-01-01T00:00", "times": 100}]
    rows += [{"in": ["open"], "at": "2021-02-02T12:00", "until": "2021-02-02T12:30", "times": 50}]
    rows += [{"in": ["open"], "at": "2021-02-03T12:00", "times": 50}]
    hours = [datetime(2021, 2, 2, tzinfo=UTC) + timedelta(hours=n) for n in range(48)]
    histories = histories_of(config, FakeMetrics(config, rows).columns, FRESH, hours)
    result = [evaluation.kpis[0] for evaluation in evaluations(config, histories)]
    assert [value.status.value for value in result[9:15]] == ["on_track"] * 6, (
        "too many for half an hour are one evaluation"
    )
    changes = [now.as_of for before, now in pairwise(result) if now.status is not before.status]
    assert changes == [datetime(2021, 2, 3, 12, tzinfo=UTC)], "too many from 11:00 UTC on, for two evaluations"


def test_statuses_continue_where_the_answers_to_many_instants_end(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = metrics()
    expected = evaluations(CONFIG, histories_of(CONFIG, answers.columns, FRESH, STEPS))
    monkeypatch.setattr(history, "MAX_INSTANTS", 5)
    assert evaluations(CONFIG, histories_of(CONFIG, answers.columns, FRESH, STEPS)) == expected


def test_every_scope_is_evaluated() -> None:
    *_, last = evaluations(CONFIG, histories_of(CONFIG, metrics().columns, FRESH, STEPS))
    assert {value.scope for value in last.kpis} == set(Scope)


def test_the_history_of_records_gives_the_evaluations_of_single_instants() -> None:
    """From a store: deals of a month in which clocks go forward and somebody changes team."""
    chance = random.Random(5)
    start = datetime(2024, 3, 1, tzinfo=UTC)
    deals = []
    for _ in range(300):
        created = start - timedelta(days=20) + timedelta(minutes=chance.randrange(60 * 24 * 55))
        closed = created + timedelta(days=chance.randrange(1, 30)) if chance.random() < 0.8 else None
        person = chance.choice(["Ann", "Bob", "Cid"])
        deals.append({"owner": person, "created_at": created, "closed_at": closed, "amount": chance.randrange(1000)})
    moved = {"name": "North", "members": [{"person": "Ann", "until": "2024-03-15"}, "Bob"]}
    joined = {"name": "South", "members": [{"person": "Ann", "since": "2024-03-16"}]}
    config = config_of(*KPIS, teams=[moved, joined])
    with store_of(deals=deals, calls=[]) as store:
        fresh = fresh_until(deals=Freshness(start + timedelta(days=90)), calls=Freshness(start + timedelta(days=90)))
        steps = [start + timedelta(hours=11 * n) for n in range(70)]
        memory: StatusMemory | None = None
        results = evaluations(config, histories_of(config, HistoryQueries(store, config).columns, fresh, steps))
        for result, instant in zip(results, steps, strict=True):
            expected, memory = evaluate(
                config, lambda questions: answer_questions(store, config, questions).answers, fresh, instant, memory
            )
            assert result == expected


def test_a_number_that_is_too_large_fails_its_kpi_at_those_steps_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an evaluation at that instant; the statuses before and after are remembered across them."""
    config = config_of(kpi("revenue", value="revenue * 1", target=10), kpi("won", value="won", target=1))
    rows = [{"in": ["won", "revenue"], "at": f"2021-02-{day:02}T10:00", "value": 3.0} for day in range(1, 6)]
    answers, read = FakeMetrics(config, rows), Formula.read

    def limited(self: Formula, measured: Iterable[MeasuredValue | None]) -> KpiReading:
        reading = read(self, measured)
        if "revenue" in self.metrics and reading.value in (6.0, 9.0):
            raise OverflowError
        return reading

    monkeypatch.setattr(Formula, "read", limited)
    results = evaluations(config, histories_of(config, answers.columns, FRESH, STEPS))
    memory: StatusMemory | None = None
    for result, instant in zip(results, STEPS, strict=True):
        expected, memory = evaluate(config, answers, FRESH, instant, memory)
        assert result == expected
    assert {result.failed for result in results} == {(), ("revenue",)}
