"""A metric's aggregate as SQL, and what its columns of a result mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from sqlglot import exp

from exporter.config.metrics import Metric
from exporter.metrics.columns import Operand, Terms, measured
from exporter.metrics.conditions import condition
from exporter.metrics.exchange_rates import converted
from exporter.metrics.values import Measured
from exporter.records import Kind


@dataclass(frozen=True, slots=True)
class Parts:
    """A metric taken apart: which rows count, and what each of them brings.

    `value` is None where rows are only counted. `native` is the amount before its conversion: where it is
    there and `value` is not, a rate is missing.
    """

    keep: exp.Expr | None
    value: exp.Expr | None = None
    native: exp.Expr | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns of the result hold a metric's numbers."""

    aggregate: str
    value: int
    rows: int
    held_out: int | None = None

    def read(self, columns: Sequence[Sequence[Any]]) -> Iterable[Measured]:
        """The number of every group, from the columns of the result."""
        values, rows = columns[self.value], columns[self.rows]
        held_out = repeat(0) if self.held_out is None else columns[self.held_out]
        return map(Measured, map(FINISH[self.aggregate], values, rows, held_out), rows, held_out)


class Columns:
    """Aggregates of one query, each of them once however many metrics need it, after its `first` columns."""

    def __init__(self, first: int = 0) -> None:
        self._trees: dict[str, exp.Expr] = {}
        self._first = first

    @property
    def trees(self) -> tuple[exp.Expr, ...]:
        """The aggregates in order."""
        return tuple(self._trees.values())

    def place(self, tree: exp.Expr, keep: exp.Expr | None) -> int:
        """The position of an aggregate over the rows to keep."""
        if keep is not None:
            tree = exp.Filter(this=tree, expression=exp.Where(this=keep.copy()))
        text = tree.sql()
        self._trees.setdefault(text, tree)
        return self._first + list(self._trees).index(text)


def parts(metric: Metric, terms: Terms) -> Parts:
    """Takes a metric apart; raises LookupError for what makes no sense."""
    keep = condition(metric.entity, metric.where, terms.zone)
    if metric.measured is None:
        return Parts(keep)
    field = measured(metric.entity, metric.measured)
    if metric.aggregate == "distinct":
        return Parts(keep, _identity(field))
    if field.kind is Kind.MONEY:
        return Parts(keep, converted(field.tree, terms), field.tree)
    return Parts(keep, field.number())


def layout(metric: Metric, terms: Terms, columns: Columns) -> Layout:
    """Adds what the metric needs to the query's columns and says where it stands."""
    taken = parts(metric, terms)
    if taken.value is None:
        rows = columns.place(exp.Count(this=exp.Star()), taken.keep)
        return Layout(metric.aggregate, rows, rows)
    rows = columns.place(exp.Count(this=taken.value.copy()), taken.keep)
    value = columns.place(_aggregate(metric, taken), taken.keep)
    if taken.native is None:
        return Layout(metric.aggregate, value, rows)
    missing = exp.and_(taken.native.copy().is_(exp.null()).not_(), taken.value.copy().is_(exp.null()))
    held_out = exp.and_(taken.keep, missing) if taken.keep is not None else missing
    return Layout(metric.aggregate, value, rows, columns.place(exp.Count(this=exp.Star()), held_out))


def _identity(field: Operand) -> exp.Expr:
    return field.text() if field.kind is Kind.TEXT else field.tree


def _aggregate(metric: Metric, taken: Parts) -> exp.Expr:
    if taken.value is None:
        raise AssertionError("a count has no value")
    value = taken.value.copy()
    if metric.percentile is not None:
        as_double = exp.cast(value, "DOUBLE") if taken.native is not None else value
        order = exp.Order(expressions=[exp.Ordered(this=as_double)])
        return exp.WithinGroup(this=exp.PercentileCont(this=exp.convert(metric.percentile.at)), expression=order)
    return _AGGREGATES[metric.aggregate](value)


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
    """Nothing adds up to 0, but amounts of which none could be converted are unknown."""
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
"""From an aggregate, the rows it rests on and those held out, to the value (None: unknown)."""
