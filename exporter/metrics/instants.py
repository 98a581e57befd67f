"""Answers questions about many windows with a few queries: each query answers for all windows of a metric at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.errors import EvaluationError
from exporter.metrics.aggregates import parts_of
from exporter.metrics.columns import QueryContext, instant_of
from exporter.metrics.connection import QueryError, Reader, consistent_read
from exporter.metrics.evaluate import QueryBatch, QueryRun
from exporter.metrics.exchange_rates import ExchangeRates
from exporter.metrics.label_folding import Fold
from exporter.metrics.lookup_tables import all_owners, write_windows
from exporter.metrics.many_windows import ADDITIVE, ManyWindowsQuery, compiled_for_many
from exporter.metrics.people import Directory
from exporter.metrics.query import MetricKey
from exporter.metrics.rows import PreparedStatement, QueryShape, rows_of
from exporter.metrics.running_values import GroupKey, RunningValues
from exporter.metrics.values import (
    FIRST,
    LAST,
    Answers,
    ColumnQuestion,
    Columns,
    Group,
    GroupValues,
    Question,
    RosterAt,
    Window,
)
from exporter.records import person_column

_Asked = Mapping[Window, Mapping[str, list[Question]]]
_Numbered = Sequence[tuple[int, int, Window]]
_ALL_TIME = Window(FIRST, LAST)


class HistoryQueries(QueryRun):
    """Answers like `evaluate.answer_questions`, faster for many windows, from one state of the store.

    All calls see the same state of the store if they are inside one `consistent_read`. Answers about successive
    windows are the same object as long as their values stay the same, from one call to the next as well. The labels
    and owners that fold are those with the fewest rows of all time. `failed` names the metrics that at least one call
    could not answer. Raises ConfigError for a faulty CSV of rates, and QueryError if the store cannot be read.
    """

    def __init__(self, reader: Reader, config: Config, *, rates: ExchangeRates | None = None) -> None:
        self._people = Directory.load(reader, config)
        super().__init__(reader, config, rates or ExchangeRates.load(config), self._people, {})
        owned = {metric.entity for metric in config.metrics if person_column(metric.entity) is not None}
        self._owners = all_owners(reader, sorted(owned))
        self._latest: dict[tuple[str, Scope, bool, datetime | None], GroupValues] = {}
        self._groups: dict[tuple[Scope, int], dict[GroupKey, Group]] = {}
        self.failed: dict[str, EvaluationError] = {}
        self._write_tables()

    @property
    def roster_at(self) -> RosterAt:
        """Who is in which team at an instant."""
        return self._people.roster

    def begins(self) -> datetime | None:
        """The time of the first record that a metric counts; None if there is none."""
        with consistent_read(self._reader):
            firsts = map(self._first, self._config.metrics)
            return min((first for first in firsts if first is not None), default=None)

    def ask(self, questions: Iterable[Question]) -> Answers:
        """The answers to all questions but those about a metric that cannot be answered."""
        self._answers, self._failed = {}, {}
        with consistent_read(self._reader):
            for shape, asked in self._by_shape(dict.fromkeys(questions)).items():
                for numbered in numbered_sets(asked, level=shape.closes is not None):
                    self._run_set(shape, numbered, asked)
        self.failed |= self._failed
        if not self._failed:
            return self._answers
        return {question: values for question, values in self._answers.items() if question.metric not in self._failed}

    def columns(self, questions: Iterable[ColumnQuestion]) -> Columns:
        """The answers to all questions but those about a metric that cannot be answered."""
        asked = {q: [Question(q.metric, window, q.scope, q.by) for window in q.steps.windows] for q in questions}
        answers = self.ask(question for by_step in asked.values() for question in by_step)
        return {
            q: iter([answers[question] for question in by_step])
            for q, by_step in asked.items()
            if q.metric not in self._failed
        }

    def _first(self, metric: Metric) -> datetime | None:
        try:
            first = _first_counted(metric, self._context).fetch(self._reader, _ALL_TIME)[0][0]
        except LookupError:
            return None
        except QueryError:
            self._restart()
            return None
        return None if first is None else first.replace(tzinfo=UTC)

    def _run_set(self, shape: QueryShape, numbered: _Numbered, asked: _Asked) -> None:
        names = dict.fromkeys(name for _, _, window in numbered for name in asked[window])
        metrics = [self._metrics[name] for name in names if name not in self._failed]
        try:
            self._query_set(shape, numbered, asked, metrics)
        except QueryError:
            for metric in metrics:
                self._restart()
                try:
                    self._query_set(shape, numbered, asked, [metric])
                except QueryError as error:
                    self._fail(metric.name, f"the store cannot compute it ({type(error).__name__})")
                    self._restart()

    def _query_set(self, shape: QueryShape, numbered: _Numbered, asked: _Asked, metrics: Sequence[Metric]) -> None:
        write_windows(self._reader, numbered)
        for fold in self._folds(QueryBatch(shape, _ALL_TIME), metrics):
            for additive in (True, False):
                chosen = [metric for metric in fold.metrics if (metric.aggregate in ADDITIVE) is additive]
                if chosen:
                    self._read(fold, chosen, numbered, asked)

    def _folds(self, batch: QueryBatch, metrics: Sequence[Metric]) -> tuple[Fold, ...]:
        """The values with most rows of all time are retained, whether they are open at the end of time or not."""
        if not batch.shape.by:
            return super()._folds(batch, metrics)
        dated = replace(batch.shape, closes=None, as_it_was=False)
        folds = self._folder.folds(dated, _ALL_TIME, metrics)
        return tuple(replace(fold, shape=replace(batch.shape, folded=fold.shape.folded)) for fold in folds)

    def _read(self, fold: Fold, metrics: Sequence[Metric], numbered: _Numbered, asked: _Asked) -> None:
        query = compiled_for_many(fold.shape, tuple(map(MetricKey, metrics)), self._context)
        rows = query.statement.fetch(self._reader, numbered[0][2], fold.parameters)
        by_number: dict[int, list[Sequence[Any]]] = {}
        for row in rows:
            by_number.setdefault(row[-1], []).append(row)
        for metric, layout in zip(metrics, query.layouts, strict=True):
            running = RunningValues(layout, fold.shape.group_count, counts_rows=query.running)
            previous: GroupValues | None = None
            for window, values in self._over_time(fold.shape, query, running, numbered, by_number):
                if values is not previous:
                    previous, answer = values, self._unchanged(fold.shape, metric, window, values)
                for question in asked[window].get(metric.name, ()):
                    self._answers[question] = answer

    def _over_time(
        self,
        shape: QueryShape,
        query: ManyWindowsQuery,
        running: RunningValues,
        numbered: _Numbered,
        by_number: Mapping[int, Sequence[Sequence[Any]]],
    ) -> Iterator[tuple[Window, GroupValues]]:
        """The values in each window; the same object as long as nothing changes in a period."""
        values: GroupValues = {}
        last: tuple[int, int] | None = None
        for number, period, window in numbered:
            current = period, self._era(shape, window)
            if not query.running or last is None or last[0] != period:
                running.restart()
                last = None
            if running.take(by_number.get(number, ())) or last != current:
                groups = self._groups.setdefault((shape.scope, current[1]), {})
                values = {
                    groups.get(key) or groups.setdefault(key, self._group(QueryBatch(shape, window), key)): value
                    for key, value in running.values.items()
                }
            last = current
            yield window, values

    def _unchanged(self, shape: QueryShape, metric: Metric, window: Window, values: GroupValues) -> GroupValues:
        """The object that held the same values when the question was asked last about the same period."""
        start = None if metric.is_level else window.start
        key = metric.name, shape.scope, bool(shape.by), start
        latest = self._latest.get(key)
        if latest is not None and (latest is values or latest == values):
            return latest
        self._latest[key] = values
        return values

    def _era(self, shape: QueryShape, window: Window) -> int:
        return self._people.era(window.end) if shape.scope is Scope.PERSON else 0


def numbered_sets(windows: Iterable[Window], *, level: bool) -> Iterator[_Numbered]:
    """The windows in sets of disjoint periods, each (number, period, window) in order.

    A period is all windows with the same start; a level has one period, because its rows count at any time.
    """
    if level:
        yield [(number, 0, window) for number, window in enumerate(sorted(windows))]
        return
    periods: dict[Any, list[Window]] = {}
    for window in sorted(windows):
        periods.setdefault(window.start, []).append(window)
    sets: list[list[list[Window]]] = []
    for family in periods.values():
        fitting = next((members for members in sets if members[-1][-1].end <= family[0].start), None)
        if fitting is None:
            sets.append([family])
        else:
            fitting.append(family)
    for members in sets:
        pairs = [(period, window) for period, family in enumerate(members) for window in family]
        yield [(number, period, window) for number, (period, window) in enumerate(pairs)]


def _first_counted(metric: Metric, context: QueryContext) -> PreparedStatement:
    """The earliest instant at which a record begins to count."""
    shape = replace(QueryShape.of(metric), closes=None)
    first: exp.Expr = exp.Min(this=instant_of(shape.entity, shape.opens))
    keep = parts_of(metric, context).keep
    if keep is not None:
        first = exp.Filter(this=first, expression=exp.Where(this=keep))
    return PreparedStatement.of(rows_of(shape, exp.select(first)))
