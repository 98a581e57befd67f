"""Which windows the changes of records since an instant can affect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from sqlglot import exp

from exporter.config.metrics import Metric
from exporter.metrics.columns import ROW, instant_of
from exporter.metrics.connection import Reader
from exporter.metrics.rows import QueryShape, to_sql
from exporter.metrics.values import Window, stored
from exporter.store.schema import versions_table

KNOWN = "known"
"""Parameter for the instant since which rows changed."""


def newest_known(reader: Reader, entity: str) -> datetime | None:
    """The instant at which the newest row of the entity became known; None if there is none. Raises QueryError."""
    instant = reader.execute(_newest_known(entity)).fetchall()[0][0]
    return None if instant is None else instant.replace(tzinfo=UTC)


class ChangeReach:
    """The windows of metrics that rows which became known after `since` can affect, now or as they were before."""

    def __init__(self, reader: Reader, since: datetime) -> None:
        self._reader = reader
        self._since = since
        self._spans: dict[tuple[str, str], tuple[datetime, datetime] | None] = {}

    def touches(self, metrics: Mapping[str, Metric], basis: Iterable[tuple[str, Window]]) -> bool:
        """True if a changed row may count in a window of one of the metrics."""
        return any(self._affects(metrics[name], window) for name, window in basis)

    def _affects(self, metric: Metric, window: Window) -> bool:
        shape = QueryShape.of(metric)
        span = self._span(shape.entity, shape.opens)
        if span is None:
            return False
        first, last = span
        if metric.is_level:
            return first <= window.end
        return first < window.end and last >= window.start

    def _span(self, entity: str, opens: str) -> tuple[datetime, datetime] | None:
        """The first and the last instant by which a changed row is dated, or was."""
        key = entity, opens
        if key not in self._spans:
            values = {KNOWN: stored(self._since)}
            first, last = self._reader.execute(_dates(entity, opens), values).fetchall()[0]
            self._spans[key] = None if first is None else (first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))
        return self._spans[key]


@lru_cache(maxsize=64)
def _newest_known(entity: str) -> str:
    return to_sql(exp.select(exp.Max(this=exp.column("known_from"))).from_(exp.to_table(entity)))


@lru_cache(maxsize=64)
def _dates(entity: str, opens: str) -> str:
    tables = ((entity, "known_from"), (versions_table(entity), "known_until"))
    dates = [
        exp.select(exp.alias_(instant_of(entity, opens), "dated"))
        .from_(exp.to_table(table).as_(ROW))
        .where(after_known(exp.column(name, ROW)))
        for table, name in tables
    ]
    dated = exp.column("dated")
    query = exp.select(exp.Min(this=dated), exp.Max(this=dated.copy()))
    return to_sql(query.from_(exp.union(*dates, distinct=False).subquery("changed")))


def after_known(instant: exp.Expr) -> exp.Expr:
    """True if an instant lies after the parameter KNOWN."""
    return exp.GT(this=instant, expression=exp.Placeholder(this=KNOWN))
