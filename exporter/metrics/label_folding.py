"""Limits labels to a hundred values: which values are retained, and how the others fold into one.

A retained value stays while it has any row, so that series do not come and go as values overtake each other. Free
places go to the largest values, by the metric's sum or else by the number of rows, then by name. The others are
folded before they are aggregated, so that every aggregate of them is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlglot import exp

from exporter.config.metrics import Metric
from exporter.metrics.aggregates import parts_of
from exporter.metrics.columns import QueryContext
from exporter.metrics.connection import Reader
from exporter.metrics.query import MetricKey, among, label, retained_parameter
from exporter.metrics.rows import PreparedStatement, QueryShape, rows_of
from exporter.metrics.values import Window
from exporter.naming import label_name

MAX_VALUES = 100
"""How many values of a label are retained; the others fold into naming.OTHER."""

RetainedValues = Mapping[tuple[str, str], Sequence[str]]
"""The retained values by metric and label name."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Metrics that one query can answer, with the parameters that list the retained values."""

    shape: QueryShape
    metrics: tuple[Metric, ...]
    parameters: Mapping[str, object]


class LabelFolder:
    """Decides for the metrics of one evaluation which values fold. The result is in `retained` and `overflow`."""

    def __init__(self, reader: Reader, context: QueryContext, previous: RetainedValues) -> None:
        self.retained: dict[tuple[str, str], tuple[str, ...]] = {}
        self.overflow: dict[tuple[str, str], int] = {}
        self._reader = reader
        self._context = context
        self._previous = previous
        self._counts: dict[tuple[QueryShape, Window], tuple[int, ...]] = {}

    def folds(self, shape: QueryShape, cover: Window, metrics: Sequence[Metric]) -> tuple[Fold, ...]:
        """How to query the metrics by their labels; `cover` spans all windows of the questions. Raises QueryError."""
        if (shape, cover) not in self._counts:
            self._counts[shape, cover] = _counting(shape).fetch(self._reader, cover)[0]
        counts = self._counts[shape, cover]
        if max(counts) <= MAX_VALUES:
            return (Fold(shape, tuple(metrics), {}),)
        folded = replace(shape, folded=tuple(count > MAX_VALUES for count in counts))
        return tuple(Fold(folded, (metric,), self._retain(folded, cover, metric, counts)) for metric in metrics)

    def note(self, fold: Fold, metric: Metric, labels: Iterable[tuple[str, ...]]) -> None:
        """Retains the values that an answer contains."""
        for index, values in enumerate(zip(*labels, strict=True)):
            key = (metric.name, label_name(fold.shape.by[index]))
            if retained_parameter(index) not in fold.parameters:
                self.retained[key] = tuple(sorted({*self.retained.get(key, ()), *values}))

    def _retain(self, shape: QueryShape, cover: Window, metric: Metric, counts: tuple[int, ...]) -> dict[str, object]:
        """Chooses the values of each label that folds; returns the parameters that list them."""
        parameters: dict[str, object] = {}
        for index, count in enumerate(counts):
            if shape.folded[index]:
                key = (metric.name, label_name(shape.by[index]))
                previous = {retained_parameter(index): list(self._previous.get(key, ()))}
                ranking = _ranking(shape, index, MetricKey(metric), self._context)
                rows = ranking.fetch(self._reader, cover, previous)
                self.retained[key] = tuple(sorted(row[0] for row in rows))
                self.overflow[key] = count - MAX_VALUES
                parameters[retained_parameter(index)] = list(self.retained[key])
        return parameters


@lru_cache(maxsize=256)
def _counting(shape: QueryShape) -> PreparedStatement:
    """Counts the values of each label."""
    values = [exp.Count(this=exp.Distinct(expressions=[label(shape, index)])) for index in range(len(shape.by))]
    return PreparedStatement.of(rows_of(shape, exp.select(*values)))


@lru_cache(maxsize=256)
def _ranking(shape: QueryShape, index: int, key: MetricKey, context: QueryContext) -> PreparedStatement:
    """Selects the values of one label to retain: those retained before, then the largest."""
    parts = parts_of(key.metric, context)
    size: exp.Expr = exp.Count(this=exp.Star())
    if key.metric.sum is not None and parts.value is not None:
        size = exp.Sum(this=exp.Abs(this=parts.value))
    if parts.keep is not None:
        size = exp.Filter(this=size, expression=exp.Where(this=parts.keep))
    size = exp.Coalesce(this=size, expressions=[exp.Literal.number(0)])
    retained = exp.Ordered(this=among(label(shape, index), retained_parameter(index)), desc=True)
    query = rows_of(shape, exp.select(label(shape, index), size.copy()))
    order = [retained, exp.Ordered(this=size, desc=True), exp.Ordered(this=label(shape, index))]
    return PreparedStatement.of(query.group_by(label(shape, index)).order_by(*order).limit(MAX_VALUES))
