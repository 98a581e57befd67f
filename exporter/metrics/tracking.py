"""The query behind a track: the rows of a metric one by one, each with its time, group and value.

It reads the same rows, owners, rates and values as the metric's query, so that both give the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from exporter.config.fields import Scope
from exporter.metrics.aggregates import MetricParts
from exporter.metrics.columns import END, ROW, instant_of, timestamp_literal
from exporter.metrics.exchange_rates import RATES
from exporter.metrics.query import group_columns
from exporter.metrics.rows import OWNERS, QueryShape, with_owner, with_rate, within_span
from exporter.metrics.values import LAST

_When = Callable[[str], list[exp.Expr]]


def tracking(shape: QueryShape, parts: MetricParts) -> exp.Select:
    """The instant, for a level also its end, the group and the value of each row, in the order of time."""
    opens = instant_of(shape.entity, shape.opens)
    if shape.closes is None:
        return _query(shape, parts, [opens], opens.is_(exp.null()).not_(), lambda span: within_span(span, opens))
    closes = exp.Coalesce(this=instant_of(shape.entity, shape.closes), expressions=[timestamp_literal(LAST)])
    lifetime = _lifetime(opens, closes, _spans(shape, parts))
    not_empty = exp.LT(this=lifetime[0].copy(), expression=lifetime[1].copy())
    dated = exp.and_(opens.is_(exp.null()).not_(), not_empty)
    return _query(shape, parts, lifetime, dated, lambda span: _overlaps(span, opens, closes))


def _query(
    shape: QueryShape, parts: MetricParts, instants: Sequence[exp.Expr], dated: exp.Expr, when: _When
) -> exp.Select:
    columns = [exp.UnixMicros(this=instant.copy()) for instant in instants]
    query = exp.select(*columns, *group_columns(shape), *([] if parts.value is None else [parts.value]))
    query = query.from_(exp.to_table(shape.entity).as_(ROW))
    query = with_rate(with_owner(shape, query, when(OWNERS)), when(RATES))
    not_deleted = exp.not_(exp.column("deleted", ROW))
    query = query.where(not_deleted, dated, *_counted(parts)).order_by(exp.Literal.number(1))
    for instant in list(query.find_all(exp.Placeholder)):
        if instant.this == END:
            instant.replace(timestamp_literal(LAST))
    return query


def _counted(parts: MetricParts) -> list[exp.Expr]:
    """Conditions for rows that contribute: they count, and have a value or an amount to hold out."""
    conditions = [parts.keep] if parts.keep is not None else []
    value = parts.native if parts.native is not None else parts.value
    return [*conditions, value.is_(exp.null()).not_()] if value is not None else conditions


def _spans(shape: QueryShape, parts: MetricParts) -> list[str]:
    """The joined tables whose spans split a row of a level into parts."""
    rated = parts.value is not None and any(column.table == RATES for column in parts.value.find_all(exp.Column))
    return [OWNERS] * (shape.scope is Scope.TEAM) + [RATES] * rated


def _lifetime(opens: exp.Expr, closes: exp.Expr, spans: Sequence[str]) -> list[exp.Expr]:
    """The start and end of a row of a level in one team and at one rate."""
    if not spans:
        return [opens, closes]
    return [
        exp.Greatest(this=opens.copy(), expressions=[exp.column("since", span) for span in spans], ignore_nulls=True),
        exp.Least(this=closes.copy(), expressions=[exp.column("until", span) for span in spans], ignore_nulls=True),
    ]


def _overlaps(span: str, opens: exp.Expr, closes: exp.Expr) -> list[exp.Expr]:
    return [
        exp.LT(this=exp.column("since", span), expression=closes.copy()),
        exp.GT(this=exp.column("until", span), expression=opens.copy()),
    ]
