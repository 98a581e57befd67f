"""Metrics that share their rows, as one SQL query with an aggregate for each number.

A query is a syntax tree until the last moment, so that it can be written for another warehouse. The bounds
of the window are parameters: a query is compiled once and then run for every window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.metrics.aggregates import Columns, Layout, layout
from exporter.metrics.columns import Terms, operand
from exporter.metrics.rows import OWNERS, Shape, rows_of
from exporter.metrics.statement import Statement
from exporter.naming import OTHER


@dataclass(frozen=True, slots=True, eq=False)
class Pinned:
    """A metric that equals itself alone, so that what was compiled for it can be kept by it."""

    metric: Metric

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pinned) and other.metric is self.metric

    def __hash__(self) -> int:
        return id(self.metric)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query ready to run, how many columns it gives, and where each metric's numbers stand among them."""

    statement: Statement
    width: int
    layouts: tuple[Layout, ...]


@lru_cache(maxsize=4096)
def fault(shape: Shape, pinned: Pinned, terms: Terms) -> str | None:
    """Why a metric cannot be put into SQL, or None where it can."""
    try:
        tree(shape, (pinned.metric,), terms)
    except LookupError as error:
        return str(error.args[0])
    return None


@lru_cache(maxsize=512)
def compiled(shape: Shape, pinned: tuple[Pinned, ...], terms: Terms) -> Compiled:
    """The query that answers all of these metrics, none of which may have a fault."""
    query, layouts = tree(shape, [one.metric for one in pinned], terms)
    return Compiled(Statement.of(query), len(query.selects), layouts)


def tree(shape: Shape, metrics: Iterable[Metric], terms: Terms) -> tuple[exp.Select, tuple[Layout, ...]]:
    """The query as a syntax tree; raises LookupError for what makes no sense."""
    groups = keys(shape)
    columns = Columns(first=len(groups))
    layouts = tuple(layout(metric, terms, columns) for metric in metrics)
    return grouped(shape, groups, columns.trees), layouts


def grouped(shape: Shape, groups: Sequence[exp.Expr], aggregates: Sequence[exp.Expr]) -> exp.Select:
    """Aggregates over the rows of a shape for each group, in the order of the groups."""
    query = rows_of(shape, exp.select(*groups, *aggregates))
    if not groups:
        return query
    places = [exp.Literal.number(place) for place in range(1, len(groups) + 1)]
    return query.group_by(*places).order_by(*places)


def keys(shape: Shape) -> tuple[exp.Expr, ...]:
    """What tells one group of the shape from another."""
    if shape.scope is not Scope.COMPANY:
        return (exp.column(shape.scope.value, OWNERS),)
    folded = shape.folded or (False,) * len(shape.by)
    return tuple(_folding(shape, place) if fold else label(shape, place) for place, fold in enumerate(folded))


def label(shape: Shape, place: int) -> exp.Expr:
    """The value of a label, empty text where the column is empty."""
    return exp.Coalesce(this=operand(shape.entity, shape.by[place]).text(), expressions=[exp.Literal.string("")])


def kept(place: int) -> str:
    """The parameter that lists the values of a label which do not fold."""
    return f"kept_{place}"


def among(value: exp.Expr, parameter: str) -> exp.Expr:
    """True where a text is in the list bound to a parameter."""
    values = exp.cast(exp.Placeholder(this=parameter), "VARCHAR[]")
    return exp.EQ(this=value, expression=exp.Any(this=exp.Paren(this=values)))


def _folding(shape: Shape, place: int) -> exp.Expr:
    stays = among(label(shape, place), kept(place))
    return exp.Case().when(stays, label(shape, place)).else_(exp.Literal.string(OTHER))
