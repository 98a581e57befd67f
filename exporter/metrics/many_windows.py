"""A metric over many windows in one query: what changes its numbers, by the first window that includes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from exporter.config.metrics import Metric
from exporter.metrics.aggregates import MetricParts, ResultLayout, parts_of
from exporter.metrics.as_of import events_of
from exporter.metrics.columns import END, START, QueryContext
from exporter.metrics.query import MetricKey, group_columns
from exporter.metrics.rows import PreparedStatement, QueryShape
from exporter.metrics.segments import segments_of

ADDITIVE = frozenset({"count", "sum", "mean"})
"""Aggregates that accumulate: what a row contributes can be added and removed."""

STARTS = "metric_starts"
"""Table of period, start: the distinct starts of all windows, numbered in order."""

ENDS = "metric_ends"
"""Table of number, end: the distinct ends of all windows, numbered in order."""


@dataclass(frozen=True, slots=True)
class ChangesQuery:
    """A query whose rows are: number of the first end that includes a change, period, groups, rows, then `layouts`.

    The period is that of the last start by which the changed rows opened, 0 for levels. Rows counts what the group
    gains, or loses if negative, whether a metric counts it or not.
    """

    statement: PreparedStatement
    layouts: tuple[ResultLayout, ...]


@lru_cache(maxsize=512)
def compiled_changes(shape: QueryShape, keys: tuple[MetricKey, ...], context: QueryContext) -> ChangesQuery:
    """The query for metrics that are all additive, or for one that is not."""
    tree, layouts = changes_tree(shape, [key.metric for key in keys], context)
    return ChangesQuery(PreparedStatement.of(tree), layouts)


def changes_tree(
    shape: QueryShape, metrics: Sequence[Metric], context: QueryContext
) -> tuple[exp.Select, tuple[ResultLayout, ...]]:
    """The changes of each group: numbers to add or, for a metric that is not additive, values that come and go."""
    groups = [exp.alias_(column, f"g{index}") for index, column in enumerate(group_columns(shape))]
    keys = ["number", "period", *(f"g{index}" for index in range(len(groups)))]
    contributions = _Contributions(len(keys))
    layouts = tuple(contributions.add(metric, parts_of(metric, context)) for metric in metrics)
    events = frozenset[str]().union(*map(events_of, metrics), _label_events(shape))
    segments = segments_of(shape, [*groups, *contributions.columns], events)
    ends = bool(events) or shape.closes is not None or shape.as_it_was
    sides = [_side(keys[1:], contributions, "first", 1), _side(keys[1:], contributions, "last", -1)]
    changes = exp.union(*sides, distinct=False) if ends else sides[0]
    query = exp.select(*map(exp.column, keys), *contributions.totals).from_(changes.subquery("d"))
    query = query.group_by(*map(exp.column, (*keys, *contributions.values))).order_by(exp.column("number"))
    placed = _placed(shape, ends=ends)
    return query.with_("segments", as_=segments).with_("placed", as_=placed), layouts


def _label_events(shape: QueryShape) -> frozenset[str]:
    return frozenset(event for name in shape.by for event in shape.as_of.events_read(name))


class _Contributions:
    """What each row adds to the aggregates, in columns from `first` on; the first one counts the rows of the group.

    `values` names the columns that are not added up, because a metric is not additive.
    """

    def __init__(self, first: int) -> None:
        self._first = first
        self._trees: dict[str, exp.Expr] = {}
        self.values: list[str] = []
        self._index(exp.Literal.number(1))

    @property
    def names(self) -> list[str]:
        return [f"m{index}" for index in range(len(self._trees))]

    @property
    def columns(self) -> list[exp.Expr]:
        return [exp.alias_(tree, name) for name, tree in zip(self.names, self._trees.values(), strict=True)]

    @property
    def totals(self) -> list[exp.Expr]:
        return [exp.column(n) if n in self.values else exp.Sum(this=exp.column(n)) for n in self.names]

    def add(self, metric: Metric, parts: MetricParts) -> ResultLayout:
        if parts.value is None:
            rows = value = self._index(_when(parts.keep, exp.Literal.number(1)))
        else:
            has_value = exp.not_((parts.counted or parts.value).copy().is_(exp.null()))
            kept = has_value if parts.keep is None else exp.and_(parts.keep.copy(), has_value)
            rows = self._index(_when(kept, exp.Literal.number(1)))
            value = rows if metric.aggregate == "count" else self._value(metric, parts.value, kept)
        if parts.held_out is None:
            return ResultLayout(metric.aggregate, value, rows)
        held_out = self._index(_when(parts.held_out, exp.Literal.number(1)))
        return ResultLayout(metric.aggregate, value, rows, held_out)

    def _value(self, metric: Metric, value: exp.Expr, kept: exp.Expr) -> int:
        if metric.aggregate in ADDITIVE:
            return self._index(_when(kept, value))
        index = self._index(exp.Case().when(kept.copy(), value.copy()))
        self.values.append(f"m{index - self._first}")
        return index

    def _index(self, tree: exp.Expr) -> int:
        text = tree.sql()
        self._trees.setdefault(text, tree)
        return self._first + list(self._trees).index(text)


def _when(condition: exp.Expr | None, value: exp.Expr) -> exp.Expr:
    if condition is None:
        return value.copy()
    return exp.Case().when(condition.copy(), value.copy()).else_(exp.Literal.number(0))


def _placed(shape: QueryShape, *, ends: bool) -> exp.Select:
    """The first end by which each segment counts, the first one after it if it `ends`, and the period of its row."""
    last: exp.Expr = exp.column("number", "e") if ends else exp.null()
    period: exp.Expr = exp.column("period", "p") if shape.closes is None else exp.Literal.number(0)
    names = {"first": exp.column("number", "b"), "last": last, "period": period}
    query = exp.select("s.*", *(exp.alias_(tree, name, quoted=True) for name, tree in names.items()))
    query = query.from_(exp.to_table("segments").as_("s"))
    query.append("joins", _asof(ENDS, "b", exp.LTE(this=exp.column("begin", "s"), expression=exp.column(END, "b"))))
    if ends:
        by_end = exp.LTE(this=exp.column("until", "s"), expression=exp.column(END, "e"))
        query.append("joins", _asof(ENDS, "e", by_end, side="LEFT"))
    if shape.closes is None:
        since = exp.GTE(this=exp.column("opened", "s"), expression=exp.column(START, "p"))
        query.append("joins", _asof(STARTS, "p", since))
    return query


def _asof(table: str, alias: str, on: exp.Expr, side: str | None = None) -> exp.Join:
    return exp.Join(this=exp.to_table(table).as_(alias), method="ASOF", side=side, on=on)


def _side(keys: Sequence[str], contributions: _Contributions, end: str, sign: int) -> exp.Select:
    """The changes at the ends by which segments begin to count (1) or count no more (-1)."""
    measures = [
        exp.alias_(
            exp.Neg(this=exp.column(name)) if sign < 0 and name not in contributions.values else exp.column(name), name
        )
        for name in contributions.names
    ]
    number = exp.alias_(exp.column(end), "number")
    query = exp.select(number, *map(exp.column, keys), *measures).from_("placed")
    differs = exp.NullSafeNEQ(this=exp.column("first"), expression=exp.column("last"))
    return query.where(differs, exp.not_(exp.column(end).is_(exp.null())))
