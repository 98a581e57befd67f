"""Until when an answer stays true while no record changes: windows move on with time, most records do not care."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from sqlglot import exp

from exporter.metrics.columns import ROW, instant_of
from exporter.metrics.connection import Reader
from exporter.metrics.instants import LAST
from exporter.metrics.rows import Shape
from exporter.metrics.statement import END, Statement
from exporter.metrics.values import Window


def next_event(reader: Reader, shape: Shape, after: datetime) -> datetime:
    """The first instant from `after` on at which a record begins to count, or at which a level ends.

    instants.LAST where there is none. Raises QueryError.
    """
    columns = (shape.opens,) if shape.closes is None else (shape.opens, shape.closes)
    rows = [_first(shape.entity, column).fetch(reader, Window(after, after)) for column in columns]
    return min((row[0].replace(tzinfo=UTC) for (row,) in rows if row[0] is not None), default=LAST)


@lru_cache(maxsize=64)
def _first(entity: str, column: str) -> Statement:
    instant = instant_of(entity, column)
    query = exp.select(exp.Min(this=instant.copy())).from_(exp.to_table(entity).as_(ROW))
    later = exp.GTE(this=instant.copy(), expression=exp.Placeholder(this=END))
    return Statement.of(query.where(exp.not_(exp.column("deleted", ROW)), later))
