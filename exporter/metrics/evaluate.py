"""Questions answered from the store: as few queries as they allow, and a failure costs one metric only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.errors import EvaluationError
from exporter.metrics.columns import Terms
from exporter.metrics.connection import QueryError, Reader, begin_again, one_state
from exporter.metrics.exchange_rates import Rates
from exporter.metrics.label_folding import Fold, Folding, Kept
from exporter.metrics.lookup_tables import Owner, owners, write_owners, write_rates
from exporter.metrics.people import Directory
from exporter.metrics.query import Pinned, compiled, fault
from exporter.metrics.rows import Shape
from exporter.metrics.values import Answers, Group, Measured, Question, Window
from exporter.records import person_column


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of the questions. Those about a metric in `failed` have no answer.

    `kept` lists the label values that have a place, by metric and label; hand it in again at the next
    evaluation. `overflow` counts the values that have none and fold into naming.OTHER.
    """

    answers: Answers
    failed: Mapping[str, EvaluationError] = field(default_factory=dict)
    kept: Kept = field(default_factory=dict)
    overflow: Mapping[tuple[str, str], int] = field(default_factory=dict)


def answer(
    reader: Reader,
    config: Config,
    questions: Iterable[Question],
    *,
    rates: Rates | None = None,
    directory: Directory | None = None,
    kept: Kept | None = None,
) -> Answered:
    """Answers every question from one state of the store.

    Rates and directory are loaded where they are needed and not handed in; a directory serves until people
    or the config change. Raises ConfigError (from a CSV of rates), and QueryError where the store is out of order.
    """
    rates = rates or Rates.load(config)
    with one_state(reader):
        asking = _Asking(reader, config, rates, directory, kept or {})
        return asking.answer(tuple(dict.fromkeys(questions)))


def terms_of(config: Config, rates: Rates) -> Terms:
    """How the company's values are read."""
    return Terms(rates.home, bool(rates.spans), config.company.timezone)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one query answers: a shape over a window. The start of a level's window means nothing."""

    shape: Shape
    window: Window

    @classmethod
    def of(cls, metric: Metric, question: Question) -> _Batch:
        shape = Shape.of(metric, question.scope, question.by)
        end = question.window.end
        return cls(shape, Window(end, end) if metric.is_level else question.window)


class _Asking:
    """One evaluation of a set of questions."""

    def __init__(self, reader: Reader, config: Config, rates: Rates, directory: Directory | None, kept: Kept) -> None:
        self._reader = reader
        self._config = config
        self._metrics = config.metric_by_name
        self._terms = terms_of(config, rates)
        self._rates = rates
        self._directory = directory
        self._folding = Folding(reader, self._terms, kept)
        self._answers: dict[Question, Mapping[Group, Measured]] = {}
        self._failed: dict[str, EvaluationError] = {}
        self._covers: dict[Shape, Window] = {}
        self._owners: tuple[Owner, ...] = ()

    def answer(self, questions: Sequence[Question]) -> Answered:
        batches = self._batches(questions)
        self._covers = _covers(batches)
        if owned := _owned(batches):
            self._directory = self._directory or Directory.load(self._reader, self._config)
            self._owners = owners(self._reader, owned)
        self._write_tables()
        for batch, asked in batches.items():
            self._run(batch, asked)
        answers = {q: self._answers[q] for q in questions if q in self._answers and q.metric not in self._failed}
        return Answered(answers, self._failed, self._folding.kept, self._folding.overflow)

    def _batches(self, questions: Sequence[Question]) -> dict[_Batch, dict[str, list[Question]]]:
        batches: dict[_Batch, dict[str, list[Question]]] = {}
        for question in questions:
            metric = self._metrics.get(question.metric)
            if metric is None:
                self._fail(question.metric, "there is no such metric")
            elif question.scope is not Scope.COMPANY and person_column(metric.entity) is None:
                self._answers[question] = {}
            elif self._sound(batch := _Batch.of(metric, question), metric):
                batches.setdefault(batch, {}).setdefault(metric.name, []).append(question)
        return batches

    def _sound(self, batch: _Batch, metric: Metric) -> bool:
        wrong = fault(batch.shape, Pinned(metric), self._terms)
        if wrong is not None:
            self._fail(metric.name, wrong)
        return wrong is None

    def _run(self, batch: _Batch, asked: Mapping[str, list[Question]]) -> None:
        """All metrics at once; where that fails one by one, to find out whose fault it is."""
        metrics = [self._metrics[name] for name in asked if name not in self._failed]
        try:
            self._ask(batch, metrics, asked)
        except QueryError:
            for metric in metrics:
                self._begin_again()
                self._run_alone(batch, metric, asked)

    def _run_alone(self, batch: _Batch, metric: Metric, asked: Mapping[str, list[Question]]) -> None:
        try:
            self._ask(batch, [metric], asked)
        except QueryError as error:
            self._fail(metric.name, f"the store cannot work it out ({type(error).__name__})")
            self._begin_again()

    def _ask(self, batch: _Batch, metrics: Sequence[Metric], asked: Mapping[str, list[Question]]) -> None:
        for fold in self._folds(batch, metrics):
            query = compiled(fold.shape, tuple(map(Pinned, fold.metrics)), self._terms)
            rows = query.statement.fetch(self._reader, batch.window, fold.bound)
            columns = tuple(zip(*rows, strict=True)) or ((),) * query.width
            groups = [self._group(batch, row) for row in rows]
            for metric, layout in zip(fold.metrics, query.layouts, strict=True):
                found = dict(zip(groups, layout.read(columns), strict=True))
                self._answers.update(dict.fromkeys(asked[metric.name], found))
                if batch.shape.by:
                    self._folding.seen(fold, metric, (group.labels for group in groups))

    def _folds(self, batch: _Batch, metrics: Sequence[Metric]) -> tuple[Fold, ...]:
        if not metrics:
            return ()
        if not batch.shape.by:
            return (Fold(batch.shape, tuple(metrics), {}),)
        cover = batch.window if batch.shape.closes else self._covers[batch.shape]
        return self._folding.folds(batch.shape, cover, metrics)

    def _group(self, batch: _Batch, row: Sequence[Any]) -> Group:
        directory = self._directory
        if directory is None or batch.shape.scope is Scope.COMPANY:
            return Group(labels=tuple(row[: len(batch.shape.by)]))
        if batch.shape.scope is Scope.TEAM:
            return Group(team=directory.teams[row[0]])
        return Group(directory.team(row[0], batch.window.end), directory.label(row[0]))

    def _begin_again(self) -> None:
        begin_again(self._reader)
        self._write_tables()

    def _write_tables(self) -> None:
        if self._rates.spans:
            write_rates(self._reader, self._rates)
        if self._directory is not None:
            write_owners(self._reader, self._directory, self._owners)

    def _fail(self, metric: str, message: str) -> None:
        self._failed[metric] = EvaluationError(metric, message)


def _owned(batches: Iterable[_Batch]) -> list[tuple[Shape, Window]]:
    """Where to look for owners: every shape that asks for teams or persons, over all its windows."""
    owned = [_Batch(batch.shape.whole, batch.window) for batch in batches if batch.shape.scope is not Scope.COMPANY]
    levels = {(batch.shape, batch.window) for batch in owned if batch.shape.closes}
    return [*_covers(batch for batch in owned if not batch.shape.closes).items(), *levels]


def _covers(batches: Iterable[_Batch]) -> dict[Shape, Window]:
    """The span of all windows of each shape."""
    covers: dict[Shape, Window] = {}
    for batch in batches:
        known = covers.get(batch.shape, batch.window)
        covers[batch.shape] = Window(min(known.start, batch.window.start), max(known.end, batch.window.end))
    return covers
