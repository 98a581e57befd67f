"""The query behind a track: the rows of a metric one by one, each with when it counts, for whom, and what it brings.

It reads the same rows, owners, rates and values as the metric's query, so that both come to the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlglot import exp

from exporter.config.fields import Scope
from exporter.metrics.aggregates import Parts
from exporter.metrics.columns import ROW, instant_of
from exporter.metrics.exchange_rates import RATES
from exporter.metrics.instants import LAST, stored
from exporter.metrics.query import keys
from exporter.metrics.rows import OWNERS, Shape, holds, with_owner, with_rate

_When = Callable[[str], list[exp.Expr]]


def tracking(shape: Shape, taken: Parts) -> exp.Select:
    """The instant, for a level also its end, the group and the value of each row, in the order of time."""
    opens = instant_of(shape.entity, shape.opens)
    if shape.closes is None:
        return _query(shape, taken, [opens], opens.is_(exp.null()).not_(), lambda span: holds(span, opens))
    closes = exp.Coalesce(this=instant_of(shape.entity, shape.closes), expressions=[_timestamp(LAST)])
    life = _life(opens, closes, _spans(shape, taken))
    alive = exp.LT(this=life[0].copy(), expression=life[1].copy())
    dated = exp.and_(opens.is_(exp.null()).not_(), alive)
    return _query(shape, taken, life, dated, lambda span: _overlaps(span, opens, closes))


def _query(shape: Shape, taken: Parts, marks: Sequence[exp.Expr], dated: exp.Expr, when: _When) -> exp.Select:
    columns = [exp.UnixMicros(this=mark.copy()) for mark in marks]
    query = exp.select(*columns, *keys(shape), *([] if taken.value is None else [taken.value]))
    query = query.from_(exp.to_table(shape.entity).as_(ROW))
    query = with_rate(with_owner(shape, query, when(OWNERS)), when(RATES))
    there = exp.not_(exp.column("deleted", ROW))
    return query.where(there, dated, *_counted(taken)).order_by(exp.Literal.number(1))


def _counted(taken: Parts) -> list[exp.Expr]:
    """The rows that bring something: they are to be kept, and have a value or an amount to hold out."""
    found = [taken.keep] if taken.keep is not None else []
    there = taken.native if taken.native is not None else taken.value
    return [*found, there.is_(exp.null()).not_()] if there is not None else found


def _spans(shape: Shape, taken: Parts) -> list[str]:
    """The joined tables whose spans cut a level's life into pieces."""
    rated = taken.value is not None and any(column.table == RATES for column in taken.value.find_all(exp.Column))
    return [OWNERS] * (shape.scope is Scope.TEAM) + [RATES] * rated


def _life(opens: exp.Expr, closes: exp.Expr, spans: Sequence[str]) -> list[exp.Expr]:
    """From when until when a level has a row in one team and at one rate."""
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


def _timestamp(instant: datetime) -> exp.Expr:
    return exp.cast(exp.Literal.string(stored(instant).isoformat(sep=" ")), "TIMESTAMP")
