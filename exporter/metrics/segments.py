"""Rows as segments of time: the spans during which a row contributes the same to a metric, whenever one asks.

A segment [begin, until) says that the row contributes to every window whose end is in it. It begins when the row
starts to count, and again whenever an event that the metric reads happens, its owner changes team or its rate changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

from exporter.config.fields import Scope
from exporter.metrics.columns import END, ROW, START, instant_of, timestamp_literal
from exporter.metrics.exchange_rates import RATES
from exporter.metrics.row_versions import VALID_FROM, VALID_UNTIL
from exporter.metrics.rows import OWNERS, QueryShape, row_source, with_owner, with_rate, within_span
from exporter.metrics.values import LAST

SEGMENT = "s"
"""Alias of the numbers of segments in a query."""


def segments_of(shape: QueryShape, columns: Sequence[exp.Expr], events: Iterable[str]) -> exp.Select:
    """The columns of each segment of a shape's rows, cut at `events`, then begin, until and the instant it opened.

    Placeholders for the end of the window in the columns become the segment's begin. Rows are those that count in any
    window between the bounds that are bound as parameters: for a level the first and the last instant.
    """
    start, end = exp.Placeholder(this=START), exp.Placeholder(this=END)
    opens = instant_of(shape.entity, shape.opens)
    if shape.closes is None:
        owned, rated = within_span(OWNERS, opens), within_span(RATES, opens)
        lifetime = _after(opens), timestamp_literal(LAST)
        cuts = [_after(instant_of(shape.entity, event)) for event in sorted(events)]
        counts: list[exp.Expr] = [
            exp.GTE(this=opens.copy(), expression=start),
            exp.LT(this=opens.copy(), expression=end),
        ]
    else:
        closes = exp.Coalesce(this=instant_of(shape.entity, shape.closes), expressions=[timestamp_literal(LAST)])
        owned, rated = (_overlaps(table, opens, closes) for table in (OWNERS, RATES))
        lifetime = _lifetime(opens, closes, _spans(shape, columns))
        cuts = [instant_of(shape.entity, event) for event in sorted(events)]
        counts = [exp.LTE(this=opens.copy(), expression=end), exp.GT(this=closes.copy(), expression=start)]
    if shape.as_it_was:
        lifetime = _while_valid(*lifetime)
    spans = [lifetime]
    if cuts:
        spans.append(_numbered_span(*lifetime, cuts))
    query = exp.select(*(_with_end(column, spans[-1][0]) for column in columns))
    instants = zip(("begin", "until", "opened"), (*spans[-1], opens), strict=True)
    query = query.select(*(exp.alias_(instant.copy(), name, quoted=True) for name, instant in instants))
    query = with_rate(with_owner(shape, query.from_(row_source(shape)), owned), rated)
    if cuts:
        query = query.join(_numbers(len(cuts) + 1), join_type="cross")
    not_empty = [exp.LT(this=first.copy(), expression=last.copy()) for first, last in spans]
    return query.where(exp.not_(exp.column("deleted", ROW)), *counts, *not_empty)


def _with_end(tree: exp.Expr, instant: exp.Expr) -> exp.Expr:
    return tree.transform(lambda node: instant.copy() if _is_end(node) else node)


def _is_end(node: exp.Expr) -> bool:
    return isinstance(node, exp.Placeholder) and node.this == END


def _after(instant: exp.Expr) -> exp.Expr:
    """The first end of a window that includes the instant: windows are half-open."""
    microsecond = exp.Interval(this=exp.Literal.string("1"), unit=exp.var("MICROSECOND"))
    return exp.Add(this=instant.copy(), expression=microsecond)


def _spans(shape: QueryShape, columns: Sequence[exp.Expr]) -> list[str]:
    """The joined tables whose spans split the life of a row."""
    rated = any(column.table == RATES for tree in columns for column in tree.find_all(exp.Column))
    return [OWNERS] * (shape.scope is Scope.TEAM) + [RATES] * rated


def _lifetime(opens: exp.Expr, closes: exp.Expr, spans: Sequence[str]) -> tuple[exp.Expr, exp.Expr]:
    if not spans:
        return opens, closes
    since, until = ([exp.column(name, span) for span in spans] for name in ("since", "until"))
    return (
        exp.Greatest(this=opens.copy(), expressions=since, ignore_nulls=True),
        exp.Least(this=closes.copy(), expressions=until, ignore_nulls=True),
    )


def _while_valid(begin: exp.Expr, until: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    """The part of a lifetime in which the version of the row was valid."""
    return (
        exp.Greatest(this=begin, expressions=[exp.column(VALID_FROM, ROW)], ignore_nulls=True),
        exp.Least(this=until, expressions=[exp.column(VALID_UNTIL, ROW)], ignore_nulls=True),
    )


def _overlaps(span: str, opens: exp.Expr, closes: exp.Expr) -> list[exp.Expr]:
    return [
        exp.LT(this=exp.column("since", span), expression=closes.copy()),
        exp.GT(this=exp.column("until", span), expression=opens.copy()),
    ]


def _numbered_span(begin: exp.Expr, until: exp.Expr, cuts: Sequence[exp.Expr]) -> tuple[exp.Expr, exp.Expr]:
    """The span between the cuts with a number and the next one; cuts beyond the lifetime make empty spans.

    A lateral join would say it in fewer words, but takes ten times as long.
    """
    clipped = [
        exp.Least(
            this=exp.Greatest(this=_or(cut, begin), expressions=[begin.copy()], ignore_nulls=True),
            expressions=[until.copy()],
            ignore_nulls=True,
        )
        for cut in cuts
    ]
    bounds = exp.Array(expressions=[begin.copy(), *clipped, until.copy()])
    ordered = exp.func("list_sort", bounds, dialect="duckdb")
    number = exp.column("number", SEGMENT)
    following = exp.Add(this=number.copy(), expression=exp.Literal.number(1))
    first, last = (exp.func("list_extract", ordered.copy(), index, dialect="duckdb") for index in (number, following))
    return first, last


def _numbers(count: int) -> exp.Subquery:
    """A table of the numbers from 1 to `count`."""
    numbers = exp.Array(expressions=[exp.Literal.number(number) for number in range(1, count + 1)])
    return exp.select(exp.alias_(exp.Unnest(expressions=[numbers]), "number")).subquery(SEGMENT)


def _or(instant: exp.Expr, default: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=instant.copy(), expressions=[default.copy()])
