"""Metrics that share their rows, as one SQL query with an aggregate for each number.

A query remains a syntax tree until the last moment, so that it can be written for another warehouse. The bounds of
the window are parameters: a query is compiled once and executed for every window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.metrics.aggregates import AggregateColumns, ResultLayout, layout
from exporter.metrics.columns import QueryContext
from exporter.metrics.label_values import label_value_tree
from exporter.metrics.rows import OWNERS, PreparedStatement, QueryShape, rows_of
from exporter.naming import OTHER
from exporter.records import is_free_text


@dataclass(frozen=True, slots=True, eq=False)
class MetricKey:
    """A metric compared by identity, so that it can be used as a cache key."""

    metric: Metric

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MetricKey) and other.metric is self.metric

    def __hash__(self) -> int:
        return id(self.metric)


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """A query ready to execute, its number of columns, and which of them hold each metric's numbers."""

    statement: PreparedStatement
    width: int
    layouts: tuple[ResultLayout, ...]


@lru_cache(maxsize=4096)
def query_error(shape: QueryShape, key: MetricKey, context: QueryContext) -> str | None:
    """Why a metric cannot be expressed in SQL, or None if it can."""
    try:
        query_tree(shape, (key.metric,), context)
    except LookupError as error:
        return str(error.args[0])
    return None


@lru_cache(maxsize=512)
def compiled(shape: QueryShape, keys: tuple[MetricKey, ...], context: QueryContext) -> CompiledQuery:
    """The query that answers all of these metrics, none of which may have a query error."""
    query, layouts = query_tree(shape, [key.metric for key in keys], context)
    return CompiledQuery(PreparedStatement.of(query), len(query.selects), layouts)


def query_tree(
    shape: QueryShape, metrics: Iterable[Metric], context: QueryContext
) -> tuple[exp.Select, tuple[ResultLayout, ...]]:
    """The query as a syntax tree; raises LookupError for what makes no sense."""
    groups = group_columns(shape)
    columns = AggregateColumns(first=len(groups))
    layouts = tuple(layout(metric, context, columns) for metric in metrics)
    return grouped(shape, groups, columns.trees), layouts


def grouped(shape: QueryShape, groups: Sequence[exp.Expr], aggregates: Sequence[exp.Expr]) -> exp.Select:
    """Aggregates over the rows of a shape for each group, sorted by group."""
    query = rows_of(shape, exp.select(*groups, *aggregates))
    if not groups:
        return query
    ordinals = [exp.Literal.number(ordinal) for ordinal in range(1, len(groups) + 1)]
    return query.group_by(*ordinals).order_by(*ordinals)


def group_columns(shape: QueryShape) -> tuple[exp.Expr, ...]:
    """The columns that identify a group of the shape."""
    if shape.scope is not Scope.COMPANY:
        return (exp.column(shape.scope.value, OWNERS),)
    folded = shape.folded or (False,) * len(shape.by)
    return tuple(_folded(shape, index) if folds else label(shape, index) for index, folds in enumerate(folded))


def label(shape: QueryShape, index: int) -> exp.Expr:
    """The value of a label, empty text if the column is empty."""
    name = shape.by[index]
    text = exp.Coalesce(this=shape.as_of.operand(name).text(), expressions=[exp.Literal.string("")])
    return label_value_tree(text) if is_free_text(shape.entity, name) else text


def retained_parameter(index: int) -> str:
    """The parameter that lists the values of a label which do not fold."""
    return f"kept_{index}"


def among(value: exp.Expr, parameter: str) -> exp.Expr:
    """True if a text is in the list bound to a parameter."""
    values = exp.cast(exp.Placeholder(this=parameter), "VARCHAR[]")
    return exp.EQ(this=value, expression=exp.Any(this=exp.Paren(this=values)))


def _folded(shape: QueryShape, index: int) -> exp.Expr:
    is_retained = among(label(shape, index), retained_parameter(index))
    return exp.Case().when(is_retained, label(shape, index)).else_(exp.Literal.string(OTHER))
