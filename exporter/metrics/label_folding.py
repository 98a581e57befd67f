"""At most a hundred values a label: which ones stay, and how the rest folds into one.

A value that had its place keeps it while it has any row, so that series do not come and go as values
overtake each other; free places go to the largest, by the metric's sum or number of rows, then by name.
The rest is folded before it is aggregated, so every aggregate of it is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlglot import exp

from exporter.config.metrics import Metric
from exporter.metrics.aggregates import parts
from exporter.metrics.columns import Terms
from exporter.metrics.connection import Reader
from exporter.metrics.query import Pinned, among, kept, label
from exporter.metrics.rows import Shape, rows_of
from exporter.metrics.statement import Statement
from exporter.metrics.values import Window
from exporter.naming import label_name

MOST_VALUES = 100
"""Values a label may have; further ones fold into naming.OTHER."""

Kept = Mapping[tuple[str, str], Sequence[str]]
"""The values that have a place, by metric and label name."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Metrics that can be asked at once, with the parameters that list the values which stay."""

    shape: Shape
    metrics: tuple[Metric, ...]
    bound: Mapping[str, object]


class Folding:
    """Decides for the metrics of one evaluation what folds. `kept` and `overflow` then tell what it decided."""

    def __init__(self, reader: Reader, terms: Terms, before: Kept) -> None:
        self.kept: dict[tuple[str, str], tuple[str, ...]] = {}
        self.overflow: dict[tuple[str, str], int] = {}
        self._reader = reader
        self._terms = terms
        self._before = before
        self._counts: dict[tuple[Shape, Window], tuple[int, ...]] = {}

    def folds(self, shape: Shape, cover: Window, metrics: Sequence[Metric]) -> tuple[Fold, ...]:
        """How to ask the metrics by their labels; `cover` is the span of all windows they are asked for.

        Raises QueryError.
        """
        counts = self._count(shape, cover)
        if max(counts) <= MOST_VALUES:
            return (Fold(shape, tuple(metrics), {}),)
        folded = replace(shape, folded=tuple(count > MOST_VALUES for count in counts))
        return tuple(Fold(folded, (metric,), self._places(folded, cover, metric, counts)) for metric in metrics)

    def seen(self, fold: Fold, metric: Metric, labels: Iterable[tuple[str, ...]]) -> None:
        """Takes note of the values that an answer shows: they have a place from now on."""
        for place, values in enumerate(zip(*labels, strict=True)):
            key = (metric.name, label_name(fold.shape.by[place]))
            if kept(place) not in fold.bound:
                self.kept[key] = tuple(sorted({*self.kept.get(key, ()), *values}))

    def _count(self, shape: Shape, cover: Window) -> tuple[int, ...]:
        if (shape, cover) not in self._counts:
            self._counts[shape, cover] = _counting(shape).fetch(self._reader, cover)[0]
        return self._counts[shape, cover]

    def _places(self, shape: Shape, cover: Window, metric: Metric, counts: tuple[int, ...]) -> dict[str, object]:
        bound: dict[str, object] = {}
        for place, count in enumerate(counts):
            if shape.folded[place]:
                key = (metric.name, label_name(shape.by[place]))
                before = {kept(place): list(self._before.get(key, ()))}
                ranked = _ranking(shape, place, Pinned(metric), self._terms).fetch(self._reader, cover, before)
                self.kept[key] = tuple(sorted(row[0] for row in ranked))
                self.overflow[key] = count - MOST_VALUES
                bound[kept(place)] = list(self.kept[key])
        return bound


@lru_cache(maxsize=256)
def _counting(shape: Shape) -> Statement:
    """How many values each label has."""
    values = [exp.Count(this=exp.Distinct(expressions=[label(shape, place)])) for place in range(len(shape.by))]
    return Statement.of(rows_of(shape, exp.select(*values)))


@lru_cache(maxsize=256)
def _ranking(shape: Shape, place: int, pinned: Pinned, terms: Terms) -> Statement:
    """The values of one label that stay."""
    stays = exp.Ordered(this=among(label(shape, place), kept(place)), desc=True)
    size = exp.Ordered(this=_size(pinned.metric, terms), desc=True)
    query = rows_of(shape, exp.select(label(shape, place), size.this.copy()))
    order = [stays, size, exp.Ordered(this=label(shape, place))]
    return Statement.of(query.group_by(label(shape, place)).order_by(*order).limit(MOST_VALUES))


def _size(metric: Metric, terms: Terms) -> exp.Expr:
    taken = parts(metric, terms)
    counted: exp.Expr = exp.Count(this=exp.Star())
    if metric.sum is not None and taken.value is not None:
        counted = exp.Sum(this=exp.Abs(this=taken.value))
    if taken.keep is not None:
        counted = exp.Filter(this=counted, expression=exp.Where(this=taken.keep))
    return exp.Coalesce(this=counted, expressions=[exp.Literal.number(0)])
