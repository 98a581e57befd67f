"""Answers questions about many windows with a few queries: each query answers for all windows of a metric at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.metrics.aggregates import FINISH
from exporter.metrics.connection import QueryError, Reader, consistent_read
from exporter.metrics.evaluate import MetricResults, QueryBatch, QueryRun
from exporter.metrics.exchange_rates import ExchangeRates
from exporter.metrics.label_folding import Fold, RetainedValues
from exporter.metrics.lookup_tables import write_windows
from exporter.metrics.many_windows import ADDITIVE, ManyWindowsQuery, compiled_for_many
from exporter.metrics.people import Directory
from exporter.metrics.query import MetricKey
from exporter.metrics.rows import QueryShape
from exporter.metrics.values import Group, GroupValues, MeasuredValue, Question, Window

_Asked = Mapping[Window, Mapping[str, list[Question]]]
_Numbered = Sequence[tuple[int, int, Window]]


def answer_windows(
    reader: Reader,
    config: Config,
    questions: Iterable[Question],
    *,
    rates: ExchangeRates | None = None,
    directory: Directory | None = None,
    retained: RetainedValues | None = None,
) -> MetricResults:
    """Answers like `evaluate.answer_questions`, faster for many windows.

    Successive windows with the same values share one object.
    """
    rates = rates or ExchangeRates.load(config)
    with consistent_read(reader):
        run = _ManyWindowsRun(reader, config, rates, directory, retained or {})
        return run.answer(tuple(dict.fromkeys(questions)))


class _ManyWindowsRun(QueryRun):
    """A query for each shape and set of disjoint periods."""

    def _run_all(self, batches: Mapping[QueryBatch, Mapping[str, list[Question]]]) -> None:
        by_shape: dict[QueryShape, dict[Window, Mapping[str, list[Question]]]] = {}
        for batch, by_metric in batches.items():
            by_shape.setdefault(batch.shape, {})[batch.window] = by_metric
        for shape, asked in by_shape.items():
            for numbered in numbered_sets(asked, level=shape.closes is not None):
                self._run_set(shape, numbered, asked)

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
        windows = [window for _, _, window in numbered]
        cover = Window(min(w.start for w in windows), max(w.end for w in windows))
        for fold in self._folds(QueryBatch(shape, cover), metrics):
            for additive in (True, False):
                chosen = [metric for metric in fold.metrics if (metric.aggregate in ADDITIVE) is additive]
                if chosen:
                    self._read(fold, chosen, numbered, asked)

    def _read(self, fold: Fold, metrics: Sequence[Metric], numbered: _Numbered, asked: _Asked) -> None:
        query = compiled_for_many(fold.shape, tuple(map(MetricKey, metrics)), self._context)
        rows = query.statement.fetch(self._reader, numbered[0][2], fold.parameters)
        by_number: dict[int, list[Sequence[Any]]] = {}
        for row in rows:
            by_number.setdefault(row[-1], []).append(row)
        for metric, layout in zip(metrics, query.layouts, strict=True):
            columns = layout.value, layout.rows, layout.held_out
            for window, values in self._over_time(fold, query, columns, by_number, numbered, metric):
                for question in asked[window].get(metric.name, ()):
                    self._answers[question] = values
                if fold.shape.by:
                    self._folder.note(fold, metric, (group.labels for group in values))

    def _over_time(
        self,
        fold: Fold,
        query: ManyWindowsQuery,
        columns: tuple[int, int, int | None],
        by_number: Mapping[int, list[Sequence[Any]]],
        numbered: _Numbered,
        metric: Metric,
    ) -> Iterator[tuple[Window, GroupValues]]:
        """The values of a metric in each window; the same object as long as nothing changes."""
        width = len(fold.shape.by) if fold.shape.scope is Scope.COMPANY else 1
        current: dict[tuple[Any, ...], MeasuredValue] = {}
        values: dict[Group, MeasuredValue] = {}
        last: tuple[int, int] | None = None
        for number, period, window in numbered:
            era = self._era(fold.shape, window)
            restarts = last is None or last[0] != period or not query.running
            changed = by_number.get(number, ())
            if restarts:
                current = {} if width else {(): _measured(metric, None, columns)}
            for row in changed:
                key = tuple(row[:width])
                if query.running and width and not row[width]:
                    current.pop(key, None)
                else:
                    current[key] = _measured(metric, row, columns)
            if restarts or changed or last is None or last[1] != era:
                batch = QueryBatch(fold.shape, window)
                named = {self._group(batch, key): value for key, value in current.items()}
                values = values if named == values and last is not None else named
            last = period, era
            yield window, values

    def _era(self, shape: QueryShape, window: Window) -> int:
        return self._directory.era(window.end) if self._directory and shape.scope is Scope.PERSON else 0


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


def _measured(metric: Metric, row: Sequence[Any] | None, columns: tuple[int, int, int | None]) -> MeasuredValue:
    """The number in a row of the result; None stands for no row at all."""
    value, rows, held_out = (0 if row is None or column is None else row[column] for column in columns)
    return MeasuredValue(FINISH[metric.aggregate](value, int(rows), int(held_out)), int(rows), int(held_out))
