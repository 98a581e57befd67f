"""A metric over many windows in one query: what changes from one window to the next, and the sum of all changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce

from sqlglot import exp

from exporter.config.metrics import Metric
from exporter.metrics.aggregates import MetricParts, ResultLayout, parts_of
from exporter.metrics.as_of import events_of
from exporter.metrics.columns import END, START, QueryContext
from exporter.metrics.query import MetricKey, group_columns, query_tree
from exporter.metrics.rows import PreparedStatement, QueryShape
from exporter.metrics.segments import PERIOD, SEGMENT, WINDOWS, segments_of

ADDITIVE = frozenset({"count", "sum", "mean"})
"""Aggregates that accumulate: what a row contributes can be added and removed."""


@dataclass(frozen=True, slots=True)
class ManyWindowsQuery:
    """A query whose rows are: number of the window, groups, the columns of the layouts.

    If `running`, a row holds from its window on until the next one of its group and period, and column `present`
    says how many rows the group has. Otherwise each row holds for its window alone.
    """

    statement: PreparedStatement
    layouts: tuple[ResultLayout, ...]
    running: bool


@lru_cache(maxsize=512)
def compiled_for_many(shape: QueryShape, keys: tuple[MetricKey, ...], context: QueryContext) -> ManyWindowsQuery:
    """The query for metrics that are all additive, or none of which is."""
    metrics = [key.metric for key in keys]
    if metrics[0].aggregate in ADDITIVE:
        tree, layouts = running_tree(shape, metrics, context)
        return ManyWindowsQuery(PreparedStatement.of(tree), layouts, running=True)
    tree, layouts = joined_tree(shape, metrics, context)
    return ManyWindowsQuery(PreparedStatement.of(tree), layouts, running=False)


def joined_tree(
    shape: QueryShape, metrics: Sequence[Metric], context: QueryContext
) -> tuple[exp.Select, tuple[ResultLayout, ...]]:
    """The query of a single window, joined with all windows, with the number of the window as its last column."""
    query, layouts = query_tree(shape, metrics, context)
    for bound in list(query.find_all(exp.Placeholder)):
        if bound.this in (START, END):
            bound.replace(exp.column(bound.this, "w"))
    number = exp.column("number", "w")
    joins = query.args.get("joins") or []
    query.set("joins", [exp.Join(this=exp.to_table(WINDOWS).as_("w"), kind="CROSS"), *joins])
    return query.select(number).group_by(number.copy()), layouts


def running_tree(
    shape: QueryShape, metrics: Sequence[Metric], context: QueryContext
) -> tuple[exp.Select, tuple[ResultLayout, ...]]:
    """Sums up the changes of each group and period in the order of windows."""
    groups = [exp.alias_(column, f"g{index}") for index, column in enumerate(group_columns(shape))]
    contributions = _Contributions(len(groups))
    layouts = tuple(contributions.add(metric, parts_of(metric, context)) for metric in metrics)
    bounds = [exp.column("period", PERIOD), exp.column("begin", SEGMENT), exp.column("until", SEGMENT)]
    measures = [exp.alias_(tree, name) for name, tree in contributions.columns]
    events = frozenset[str]().union(*map(events_of, metrics), _label_events(shape))
    segments = segments_of(shape, [*groups, *bounds, *measures], events)
    keys = [f"g{index}" for index in range(len(groups))]
    names = [name for name, _ in contributions.columns]
    changes = exp.union(_side(keys, names, "first", 1), _side(keys, names, "last", -1), distinct=False)
    partition = [exp.column(name) for name in (*keys, "period")]
    by_number = exp.Order(expressions=[exp.Ordered(this=exp.column("number"))])
    totals = [
        exp.Window(
            this=exp.Sum(this=exp.Sum(this=exp.column(name))),
            partition_by=[column.copy() for column in partition],
            order=by_number.copy(),
        )
        for name in names
    ]
    query = exp.select(*map(exp.column, keys), *totals, exp.column("number")).from_(changes.subquery("d"))
    query = query.group_by(*(column.copy() for column in partition), exp.column("number"))
    return query.with_("segments", as_=segments).with_("placed", as_=_placed()), layouts


def _label_events(shape: QueryShape) -> frozenset[str]:
    return frozenset(event for name in shape.by for event in shape.as_of.events_read(name))


class _Contributions:
    """What each row adds to the aggregates; the first one counts the rows of the group."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._trees: dict[str, exp.Expr] = {}
        self._index(exp.Literal.number(1))

    @property
    def columns(self) -> list[tuple[str, exp.Expr]]:
        return [(f"m{index}", tree) for index, tree in enumerate(self._trees.values())]

    def add(self, metric: Metric, parts: MetricParts) -> ResultLayout:
        if parts.value is None:
            rows = value = self._index(_when(parts.keep, exp.Literal.number(1)))
        else:
            has_value = exp.not_(parts.value.copy().is_(exp.null()))
            kept = has_value if parts.keep is None else exp.and_(parts.keep.copy(), has_value)
            rows = self._index(_when(kept, exp.Literal.number(1)))
            value = self._index(_when(kept, parts.value)) if metric.aggregate != "count" else rows
        if parts.held_out is None:
            return ResultLayout(metric.aggregate, value, rows)
        held_out = self._index(_when(parts.held_out, exp.Literal.number(1)))
        return ResultLayout(metric.aggregate, value, rows, held_out)

    def _index(self, tree: exp.Expr) -> int:
        text = tree.sql()
        self._trees.setdefault(text, tree)
        return self._first + list(self._trees).index(text)


def _when(condition: exp.Expr | None, value: exp.Expr) -> exp.Expr:
    if condition is None:
        return value.copy()
    return exp.Case().when(condition.copy(), value.copy()).else_(exp.Literal.number(0))


def _placed() -> exp.Select:
    """The first window in which each segment counts, and the first one after it; NULL if there is none."""
    first, last = (exp.alias_(exp.column("number", alias), name) for alias, name in (("b", "first"), ("e", "last")))
    query = exp.select("s.*", first, last).from_(exp.to_table("segments").as_("s"))
    return reduce(_asof, (("begin", "b", ""), ("until", "e", "LEFT")), query)


def _asof(query: exp.Select, bound: tuple[str, str, str]) -> exp.Select:
    name, alias, side = bound
    same_period = exp.column("period", alias).eq(exp.column("period", "s"))
    by_then = exp.LTE(this=exp.column(name, "s"), expression=exp.column(END, alias))
    join = exp.Join(this=exp.to_table(WINDOWS).as_(alias), method="ASOF", on=exp.and_(same_period, by_then))
    if side:
        join.set("side", side)
    query.append("joins", join)
    return query


def _side(keys: Sequence[str], names: Sequence[str], window: str, sign: int) -> exp.Select:
    """The changes in the windows where segments begin (1) or end (-1)."""
    signed: Callable[[exp.Expr], exp.Expr] = (lambda tree: tree) if sign > 0 else (lambda tree: exp.Neg(this=tree))
    measures = [exp.alias_(signed(exp.column(name)), name) for name in names]
    number = exp.alias_(exp.column(window), "number")
    query = exp.select(*map(exp.column, (*keys, "period")), number, *measures).from_("placed")
    differs = exp.NullSafeNEQ(this=exp.column("first"), expression=exp.column("last"))
    return query.where(differs, exp.not_(exp.column(window).is_(exp.null())))
