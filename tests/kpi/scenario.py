"""A company in mid-February, given by rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from exporter.config.fields import Scope, Status
from exporter.config.root import Config
from exporter.kpi.evaluate import Answerer, KpiEvaluator
from exporter.kpi.status import StatusMemory
from exporter.kpi.values import PEOPLE, Evaluation, Freshness
from exporter.metrics.values import Answers, Question
from tests.kpi.fake_metrics import FakeMetrics

AT = datetime(2021, 2, 14, 23, tzinfo=UTC)
"""The start of 15 February in Zurich: 14 of 28 days have passed."""

_METRICS = {"deals": ("won", "closed", "revenue", "open"), "calls": ("wait", "calls", "slow"), "people": (PEOPLE,)}


def fresh_until(**entities: Freshness) -> dict[str, Freshness]:
    """The freshness of each metric that measures these entities."""
    return {metric: fresh for entity, fresh in entities.items() for metric in _METRICS[entity]}


FRESH = fresh_until(deals=Freshness(AT), calls=Freshness(AT))
"""Everything is known until then."""


def won(times: int, person: str | None = None) -> dict[str, Any]:
    """So many deals won this month."""
    row = {"in": ["won"], "at": "2021-02-03T10:00", "times": times}
    return row if person is None else {**row, "person": person}


def called(times: int) -> dict[str, Any]:
    """So many calls this month."""
    return {"in": ["calls"], "at": "2021-02-03T10:00", "times": times}


def evaluate(
    config: Config,
    ask: Answerer,
    freshness: Mapping[str, Freshness],
    now: datetime,
    memory: StatusMemory | None = None,
) -> tuple[Evaluation, StatusMemory]:
    """The evaluation by a new evaluator."""
    return KpiEvaluator(config).evaluate(ask, freshness, now, memory)


def now(config: Config, *rows: dict[str, Any], teams: dict[str, Any] | None = None) -> Evaluation:
    """What is published of the rows."""
    return evaluate(config, FakeMetrics(config, rows, teams), FRESH, AT, None)[0]


def without(metric: str, metrics: FakeMetrics) -> Answerer:
    """Answers of a store that cannot work one metric out."""

    def ask(questions: Sequence[Question]) -> Answers:
        return {question: groups for question, groups in metrics(questions).items() if question.metric != metric}

    return ask


def statuses(evaluation: Evaluation) -> dict[str, Status]:
    """The company's status of each KPI."""
    return {value.kpi: value.status for value in evaluation.kpis if value.scope is Scope.COMPANY}
