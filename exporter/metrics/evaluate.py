"""Answers questions from the store with as few queries as possible. A failure affects one metric only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.errors import EvaluationError
from exporter.metrics.columns import QueryContext
from exporter.metrics.connection import QueryError, Reader, consistent_read, raise_damage, restart_transaction
from exporter.metrics.exchange_rates import ExchangeRates
from exporter.metrics.label_folding import Fold, LabelFolder, RetainedValues
from exporter.metrics.lookup_tables import Owner, owners, write_owners, write_rates
from exporter.metrics.people import Directory
from exporter.metrics.query import MetricKey, compiled, query_error
from exporter.metrics.row_versions import newest_state, reads_state
from exporter.metrics.rows import QueryShape, has_changed_since
from exporter.metrics.values import Answers, Group, GroupValues, Question, Window
from exporter.records import person_column


@dataclass(frozen=True, slots=True)
class MetricResults:
    """The answers. Questions about a metric in `failed` have none.

    `retained` lists the label values that do not fold, by metric and label; pass it to the next evaluation.
    `overflow` counts the values that fold into naming.OTHER.
    """

    answers: Answers
    failed: Mapping[str, EvaluationError] = field(default_factory=dict)
    retained: RetainedValues = field(default_factory=dict)
    overflow: Mapping[tuple[str, str], int] = field(default_factory=dict)


def answer_questions(
    reader: Reader,
    config: Config,
    questions: Iterable[Question],
    *,
    rates: ExchangeRates | None = None,
    directory: Directory | None = None,
    retained: RetainedValues | None = None,
) -> MetricResults:
    """Answers every question from one state of the store.

    Rates and directory are loaded if they are needed and not passed; a directory is valid until people or the config
    change. Raises ConfigError for a faulty CSV of rates, and QueryError if the store cannot be read.
    """
    rates = rates or ExchangeRates.load(config)
    with consistent_read(reader):
        run = QueryRun(reader, config, rates, directory, retained or {})
        return run.answer(tuple(dict.fromkeys(questions)))


def query_context(config: Config, rates: ExchangeRates) -> QueryContext:
    """The company's settings for reading values."""
    return QueryContext(rates.home, bool(rates.spans), config.company.timezone)


@dataclass(frozen=True, slots=True)
class QueryBatch:
    """What one query answers: a shape over a window. For a level the window is its end alone."""

    shape: QueryShape
    window: Window


_ByMetric = Mapping[str, list[Question]]
_ByWindow = dict[Window, dict[str, list[Question]]]


class QueryRun:
    """The evaluation of one set of questions: a query for each shape and window."""

    def __init__(
        self,
        reader: Reader,
        config: Config,
        rates: ExchangeRates,
        directory: Directory | None,
        retained: RetainedValues,
    ) -> None:
        self._reader = reader
        self._config = config
        self._metrics = config.metric_by_name
        self._context = query_context(config, rates)
        self._rates = rates
        self._directory = directory
        self._folder = LabelFolder(reader, self._context, retained)
        self._answers: dict[Question, GroupValues] = {}
        self._failed: dict[str, EvaluationError] = {}
        self._covers: dict[QueryShape, Window] = {}
        self._owners: tuple[Owner, ...] = ()
        self._newest: dict[str, datetime | None] = {}

    def answer(self, questions: Sequence[Question]) -> MetricResults:
        by_shape = self._with_current_rows(self._by_shape(questions))
        batches = {QueryBatch(shape, w): asked for shape, windows in by_shape.items() for w, asked in windows.items()}
        self._covers = _covers(batches)
        if with_owners := _with_owners(batches):
            self._directory = self._directory or Directory.load(self._reader, self._config)
            self._owners = owners(self._reader, with_owners)
        self._write_tables()
        for batch, by_metric in batches.items():
            self._run(batch, by_metric)
        answers = {q: self._answers[q] for q in questions if q in self._answers and q.metric not in self._failed}
        return MetricResults(answers, self._failed, self._folder.retained, self._folder.overflow)

    def _by_shape(self, questions: Iterable[Question]) -> dict[QueryShape, _ByWindow]:
        """The questions by shape, window and metric; what can be decided once for a metric and scope is."""
        by_shape: dict[QueryShape, _ByWindow] = {}
        by_series: dict[tuple[str, Scope, bool], list[Question]] = {}
        for question in questions:
            by_series.setdefault((question.metric, question.scope, question.by), []).append(question)
        for (name, scope, by), asked in by_series.items():
            metric = self._metrics.get(name)
            if metric is None:
                self._fail(name, "there is no such metric")
            elif scope is not Scope.COMPANY and person_column(metric.entity) is None:
                self._answers |= {question: {} for question in asked}
            elif (error := query_error(QueryShape.of(metric, scope, by), MetricKey(metric), self._context)) is not None:
                self._fail(name, error)
            else:
                self._add(by_shape, metric, asked)
        return by_shape

    def _add(self, by_shape: dict[QueryShape, _ByWindow], metric: Metric, asked: Sequence[Question]) -> None:
        """Current rows are right, and faster to read, unless a column that the questions read has changed since."""
        shape = QueryShape.of(metric, asked[0].scope, asked[0].by)
        newest = self._newest_state(metric.entity) if reads_state(metric, shape.scope) else None
        current: dict[Window, list[Question]] = {}
        as_it_was: dict[Window, list[Question]] = {}
        for question in asked:
            end = question.window.end
            window = Window(end, end) if metric.is_level else question.window
            windows = as_it_was if newest is not None and end < newest else current
            windows.setdefault(window, []).append(question)
        for chosen, windows in ((shape, current), (replace(shape, as_it_was=True), as_it_was)):
            for window, same in windows.items():
                by_shape.setdefault(chosen, {}).setdefault(window, {}).setdefault(metric.name, []).extend(same)

    def _with_current_rows(self, by_shape: Mapping[QueryShape, _ByWindow]) -> dict[QueryShape, _ByWindow]:
        """The same questions; those about windows whose rows have not changed since read the current rows."""
        changed: dict[QueryBatch, bool] = {}
        result: dict[QueryShape, _ByWindow] = {}
        for shape, windows in by_shape.items():
            current = replace(shape, as_it_was=False)
            for window, by_metric in windows.items():
                rows = QueryBatch(current.ungrouped, window)
                if shape.as_it_was and rows not in changed:
                    changed[rows] = has_changed_since(self._reader, rows.shape, window)
                chosen = shape if changed.get(rows) else current
                result.setdefault(chosen, {}).setdefault(window, {}).update(by_metric)
        return result

    def _newest_state(self, entity: str) -> datetime | None:
        if entity not in self._newest:
            self._newest[entity] = newest_state(self._reader, entity)
        return self._newest[entity]

    def _run(self, batch: QueryBatch, by_metric: _ByMetric) -> None:
        """Queries all metrics at once; if that fails one by one, to find the metrics that fail."""
        metrics = [self._metrics[name] for name in by_metric if name not in self._failed]
        try:
            self._query(batch, metrics, by_metric)
        except QueryError as failure:
            raise_damage(failure)
            for metric in metrics:
                self._restart()
                try:
                    self._query(batch, [metric], by_metric)
                except QueryError as error:
                    raise_damage(error)
                    self._fail(metric.name, f"the store cannot compute it ({type(error).__name__})")
                    self._restart()

    def _query(self, batch: QueryBatch, metrics: Sequence[Metric], by_metric: _ByMetric) -> None:
        for fold in self._folds(batch, metrics):
            query = compiled(fold.shape, tuple(map(MetricKey, fold.metrics)), self._context)
            rows = query.statement.fetch(self._reader, batch.window, fold.parameters)
            columns = tuple(zip(*rows, strict=True)) or ((),) * query.width
            groups = [self._group(batch, row) for row in rows]
            for metric, layout in zip(fold.metrics, query.layouts, strict=True):
                values = dict(zip(groups, layout.read(columns), strict=True))
                self._answers.update(dict.fromkeys(by_metric[metric.name], values))
                if batch.shape.by:
                    self._folder.note(fold, metric, (group.labels for group in groups))

    def _folds(self, batch: QueryBatch, metrics: Sequence[Metric]) -> tuple[Fold, ...]:
        if not metrics:
            return ()
        if not batch.shape.by:
            return (Fold(batch.shape, tuple(metrics), {}),)
        cover = batch.window if batch.shape.closes else self._covers[batch.shape]
        return self._folder.folds(batch.shape, cover, metrics)

    def _group(self, batch: QueryBatch, row: Sequence[Any]) -> Group:
        directory = self._directory
        if directory is None or batch.shape.scope is Scope.COMPANY:
            return Group(labels=tuple(row[: len(batch.shape.by)]))
        if batch.shape.scope is Scope.TEAM:
            return Group(team=directory.teams[row[0]])
        return Group(directory.team(row[0], batch.window.end), directory.label(row[0]))

    def _restart(self) -> None:
        restart_transaction(self._reader)
        self._write_tables()

    def _write_tables(self) -> None:
        if self._rates.spans:
            write_rates(self._reader, self._rates)
        if self._directory is not None:
            write_owners(self._reader, self._directory, self._owners)

    def _fail(self, metric: str, message: str) -> None:
        self._failed[metric] = EvaluationError(metric, message)


def _with_owners(batches: Iterable[QueryBatch]) -> list[tuple[QueryShape, Window]]:
    """Where to look for owners: every shape at the scope of teams or persons, over all its windows."""
    owned = [
        QueryBatch(batch.shape.ungrouped, batch.window) for batch in batches if batch.shape.scope is not Scope.COMPANY
    ]
    by_end = {(batch.shape, batch.window) for batch in owned if batch.shape.closes and not batch.shape.as_it_was}
    covered = _covers(batch for batch in owned if not batch.shape.closes or batch.shape.as_it_was)
    return [*covered.items(), *by_end]


def _covers(batches: Iterable[QueryBatch]) -> dict[QueryShape, Window]:
    """For each shape the span of all its windows."""
    covers: dict[QueryShape, Window] = {}
    for batch in batches:
        cover = covers.get(batch.shape, batch.window)
        covers[batch.shape] = Window(min(cover.start, batch.window.start), max(cover.end, batch.window.end))
    return covers
