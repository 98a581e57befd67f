"""Answers questions about metrics from a handful of rows instead of a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.metrics.runs import runs_of
from exporter.metrics.values import Answers, ColumnQuestion, Columns, Group, GroupRuns, MeasuredValue, Question


@dataclass(frozen=True)
class Fact:
    """One row: the metrics whose conditions it meets, when it counts, whose it is and what it measures."""

    metrics: frozenset[str]
    entity: str
    at: datetime
    until: datetime | None = None
    person: str | None = None
    value: float = 1.0
    held_out: bool = False


class FakeMetrics:
    """Rows that can be asked as the store can. `teams` says since when each person is in which team."""

    def __init__(
        self, config: Config, rows: Sequence[Mapping[str, Any]], teams: Mapping[str, Any] | None = None
    ) -> None:
        self._config = config
        self._facts = [fact for row in rows for fact in self._read(row)]
        self._teams = {
            name: [(self._instant(since), team) for since, team in spans] for name, spans in (teams or {}).items()
        }
        self.asked: list[Question] = []

    def __call__(self, questions: Sequence[Question]) -> Answers:
        self.asked += questions
        return {question: self._answer(question) for question in questions}

    def columns(self, questions: Sequence[ColumnQuestion]) -> Columns:
        """The answers at many steps."""
        return {q: self._column(q) for q in questions}

    def _column(self, question: ColumnQuestion) -> GroupRuns:
        metric, steps, *rest = question
        answers = [self._answer(Question(metric, window, *rest)) for window in steps.windows]
        groups = dict.fromkeys(group for answer in answers for group in answer)
        return {group: runs_of(answer.get(group) for answer in answers) for group in groups}

    def _read(self, row: Mapping[str, Any]) -> list[Fact]:
        fact = Fact(
            frozenset(row["in"]),
            self._config.metric_by_name[row["in"][0]].entity,
            self._instant(row["at"]),
            self._instant(row["until"]) if "until" in row else None,
            row.get("person"),
            row.get("value", 1.0),
            row.get("held_out", False),
        )
        return [fact] * row.get("times", 1)

    def _answer(self, question: Question) -> dict[Group, MeasuredValue]:
        metric = self._config.metric_by_name[question.metric]
        groups: dict[Group, list[Fact]] = {Group(): []} if question.scope is Scope.COMPANY else {}
        for fact in self._facts:
            if fact.entity == metric.entity and _counts(metric, fact, question):
                group = self._group(fact, metric, question)
                if group is not None:
                    groups.setdefault(group, []).append(fact)
        return {group: _measured(metric, facts) for group, facts in groups.items()}

    def _group(self, fact: Fact, metric: Metric, question: Question) -> Group | None:
        if question.scope is Scope.COMPANY:
            return Group()
        end = question.window.end
        if question.scope is Scope.PERSON:
            return Group(self._team(fact.person, end), fact.person) if fact.person else None
        team = self._team(fact.person, end if metric.is_level else fact.at)
        return Group(team) if team else None

    def _team(self, person: str | None, at: datetime) -> str | None:
        teams = [team for since, team in self._teams.get(person or "", []) if since <= at]
        return teams[-1] if teams else None

    def _instant(self, text: str) -> datetime:
        return local(text, self._config)


def local(text: str, config: Config) -> datetime:
    """A local time of the company's, in UTC."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=config.company.timezone)).astimezone(UTC)


def _counts(metric: Metric, fact: Fact, question: Question) -> bool:
    window = question.window
    if metric.is_level:
        return fact.at <= window.end and (fact.until is None or window.end < fact.until)
    return window.start <= fact.at < window.end


def _measured(metric: Metric, facts: Sequence[Fact]) -> MeasuredValue:
    mine = [fact for fact in facts if metric.name in fact.metrics]
    values = [fact.value for fact in mine if not fact.held_out]
    held_out = len(mine) - len(values)
    if metric.aggregate == "count":
        return MeasuredValue(float(len(mine)), len(mine))
    if metric.aggregate == "sum":
        return MeasuredValue(sum(values), len(values), held_out)
    result = sum(values) / len(values) if metric.aggregate == "mean" and values else max(values, default=None)
    return MeasuredValue(result, len(values), held_out)
