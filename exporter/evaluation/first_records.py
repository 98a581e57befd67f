"""When the records of each entity begin: growth over an earlier period has no meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from sqlglot import exp

from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.config.targets import Growth
from exporter.kpi.values import Freshness
from exporter.metrics.columns import ROW, instant_of
from exporter.metrics.connection import Reader
from exporter.metrics.rows import QueryShape, to_sql


def first_records(reader: Reader, config: Config) -> dict[str, datetime]:
    """For each metric behind a growth target: the first instant by which a record of its entity is dated.

    Metrics of entities without a record are left out. Raises QueryError.
    """
    growing = [kpi for kpi in config.kpis if isinstance(kpi.target, Growth)]
    return first_instants(reader, [config.metric_by_name[name] for kpi in growing for name in kpi.metrics])


def first_instants(reader: Reader, metrics: Sequence[Metric]) -> dict[str, datetime]:
    """For each metric the first instant by which a record of its entity is dated. Raises QueryError."""
    columns: dict[str, dict[str, None]] = {}
    for metric in metrics:
        columns.setdefault(metric.entity, {})[QueryShape.of(metric).opens] = None
    by_entity = {}
    for entity, names in columns.items():
        row = reader.execute(_first_sql(entity, tuple(names))).fetchall()[0]
        instants = [instant for instant in row if instant is not None]
        if instants:
            by_entity[entity] = min(instants).replace(tzinfo=UTC)
    return {metric.name: by_entity[metric.entity] for metric in metrics if metric.entity in by_entity}


def with_first_records(freshness: Mapping[str, Freshness], firsts: Mapping[str, datetime]) -> dict[str, Freshness]:
    """The same freshness, with the instants since when records are known."""
    return {name: replace(fresh, known_since=firsts.get(name)) for name, fresh in freshness.items()}


@lru_cache(maxsize=64)
def _first_sql(entity: str, names: tuple[str, ...]) -> str:
    query = exp.select(*(exp.Min(this=instant_of(entity, name)) for name in names))
    return to_sql(query.from_(exp.to_table(entity).as_(ROW)).where(exp.not_(exp.column("deleted", ROW))))
