"""When the records of each entity begin: growth over an earlier period has no meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from sqlglot import exp

from exporter.config.expression import metrics_of
from exporter.config.root import Config
from exporter.config.targets import Growth
from exporter.kpi.values import Freshness
from exporter.metrics.columns import ROW, instant_of
from exporter.metrics.connection import Reader
from exporter.metrics.rows import QueryShape, to_sql


def first_records(reader: Reader, config: Config) -> dict[str, datetime]:
    """For each entity behind a growth target: the first instant by which its metrics date a record.

    Entities without a record are left out. Raises QueryError.
    """
    columns: dict[str, dict[str, None]] = {}
    for kpi in config.kpis:
        if isinstance(kpi.target, Growth):
            for name in metrics_of(kpi.value):
                metric = config.metric_by_name[name]
                columns.setdefault(metric.entity, {})[QueryShape.of(metric).opens] = None
    result = {}
    for entity, names in columns.items():
        row = reader.execute(_first_sql(entity, tuple(names))).fetchall()[0]
        instants = [instant for instant in row if instant is not None]
        if instants:
            result[entity] = min(instants).replace(tzinfo=UTC)
    return result


def with_first_records(freshness: Mapping[str, Freshness], firsts: Mapping[str, datetime]) -> dict[str, Freshness]:
    """The same freshness, with the instants since when records are known."""
    return {name: replace(fresh, known_since=firsts.get(name)) for name, fresh in freshness.items()}


@lru_cache(maxsize=64)
def _first_sql(entity: str, names: tuple[str, ...]) -> str:
    query = exp.select(*(exp.Min(this=instant_of(entity, name)) for name in names))
    return to_sql(query.from_(exp.to_table(entity).as_(ROW)).where(exp.not_(exp.column("deleted", ROW))))
