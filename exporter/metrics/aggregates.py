"""A metric's aggregate as SQL, and how to read its columns of a result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from sqlglot import exp

from exporter.config.metrics import Metric
from exporter.metrics.as_of import AsOf
from exporter.metrics.columns import QueryContext
from exporter.metrics.conditions import filter_of
from exporter.metrics.exchange_rates import converted
from exporter.metrics.values import MeasuredValue
from exporter.records import ColumnKind


@dataclass(frozen=True, slots=True)
class MetricParts:
    """The parts of a metric: which rows count, and what each of them contributes.

    `value` is None if rows are only counted. `counted`, if any, is empty exactly where `value` is, and cheaper.
    `native` is the amount before conversion: a row with `native` but without `value` has no exchange rate. `unknown`
    is true for rows that may count, but lack a rate to say so.
    """

    keep: exp.Expr | None
    value: exp.Expr | None = None
    native: exp.Expr | None = None
    unknown: exp.Expr | None = None
    counted: exp.Expr | None = None

    @property
    def held_out(self) -> exp.Expr | None:
        """True for the rows that are left out for want of an exchange rate; None if there can be none."""
        conditions = [] if self.unknown is None else [self.unknown.copy()]
        if self.native is not None and self.value is not None:
            without_rate = [exp.not_(self.native.copy().is_(exp.null())), self.value.copy().is_(exp.null())]
            conditions.append(exp.and_(*([] if self.keep is None else [self.keep.copy()]), *without_rate))
        return exp.or_(*conditions) if conditions else None


@dataclass(frozen=True, slots=True)
class ResultLayout:
    """Which columns of the result hold a metric's numbers."""

    aggregate: str
    value: int
    rows: int
    held_out: int | None = None

    def read(self, columns: Sequence[Sequence[Any]]) -> Iterable[MeasuredValue]:
        """The number of every group, from the columns of the result."""
        values, rows = columns[self.value], columns[self.rows]
        held_out = repeat(0) if self.held_out is None else columns[self.held_out]
        return map(MeasuredValue, map(FINISH[self.aggregate], values, rows, held_out), rows, held_out)


class AggregateColumns:
    """The aggregates of one query after its `first` columns; metrics that need the same aggregate share a column."""

    def __init__(self, first: int = 0) -> None:
        self._trees: dict[str, exp.Expr] = {}
        self._first = first

    @property
    def trees(self) -> tuple[exp.Expr, ...]:
        """The aggregates in order."""
        return tuple(self._trees.values())

    def index(self, tree: exp.Expr, keep: exp.Expr | None) -> int:
        """The column of an aggregate over the rows to keep, added if necessary."""
        if keep is not None:
            tree = exp.Filter(this=tree, expression=exp.Where(this=keep.copy()))
        text = tree.sql()
        self._trees.setdefault(text, tree)
        return self._first + list(self._trees).index(text)


def parts_of(metric: Metric, context: QueryContext, as_of: AsOf | None = None) -> MetricParts:
    """Takes a metric apart, by default as of the end of the window.

    Raises LookupError for a column or value that makes no sense.
    """
    as_of = as_of or AsOf.end_of_window(metric)
    rows = filter_of(metric.where, as_of, context)
    if metric.measured is None:
        return MetricParts(rows.keep, unknown=rows.unknown)
    field = as_of.measured(metric.measured, context.zone)
    if metric.aggregate == "distinct":
        value = field.text() if field.kind is ColumnKind.TEXT else field.tree
        return MetricParts(rows.keep, value, unknown=rows.unknown)
    if field.kind is ColumnKind.MONEY:
        return MetricParts(rows.keep, converted(field.tree, context), field.tree, rows.unknown)
    return MetricParts(rows.keep, field.number(), unknown=rows.unknown, counted=as_of.elapsed(metric.measured))


def layout(metric: Metric, context: QueryContext, columns: AggregateColumns) -> ResultLayout:
    """Adds the columns that the metric needs to the query and says where they are."""
    parts = parts_of(metric, context)
    if parts.value is None:
        rows = value = columns.index(exp.Count(this=exp.Star()), parts.keep)
    else:
        rows = columns.index(exp.Count(this=(parts.counted or parts.value).copy()), parts.keep)
        value = columns.index(_aggregate(metric, parts.value.copy(), is_money=parts.native is not None), parts.keep)
    if parts.held_out is None:
        return ResultLayout(metric.aggregate, value, rows)
    held_out = columns.index(exp.Count(this=exp.Star()), parts.held_out)
    return ResultLayout(metric.aggregate, value, rows, held_out)


def _aggregate(metric: Metric, value: exp.Expr, *, is_money: bool) -> exp.Expr:
    if metric.percentile is None:
        return _AGGREGATES[metric.aggregate](value)
    order = exp.Order(expressions=[exp.Ordered(this=exp.cast(value, "DOUBLE") if is_money else value)])
    return exp.WithinGroup(this=exp.PercentileCont(this=exp.convert(metric.percentile.at)), expression=order)


_AGGREGATES: Mapping[str, Callable[[exp.Expr], exp.Expr]] = {
    "sum": lambda value: exp.Sum(this=value),
    "mean": lambda value: exp.Sum(this=value),
    "min": lambda value: exp.Min(this=value),
    "max": lambda value: exp.Max(this=value),
    "distinct": lambda value: exp.Count(this=exp.Distinct(expressions=[value])),
}


def _known(value: Any, rows: int, _: int) -> float | None:
    return float(value) if rows else None


def _count(value: Any, rows: int, held_out: int) -> float | None:  # noqa: ARG001
    return float(value)


def _sum(value: Any, rows: int, held_out: int) -> float | None:
    """The sum of nothing is 0, but amounts of which none could be converted are unknown."""
    if rows:
        return float(value)
    return None if held_out else 0.0


def _mean(value: Any, rows: int, _: int) -> float | None:
    return float(value) / rows if rows else None


FINISH: Mapping[str, Callable[[Any, int, int], float | None]] = {
    "count": _count,
    "sum": _sum,
    "mean": _mean,
    "min": _known,
    "max": _known,
    "distinct": _count,
    "percentile": _known,
}
"""From an aggregate, the rows it rests on and those held out, to the value; None if it is unknown."""
