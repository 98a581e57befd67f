"""When the records behind each metric begin: growth over an earlier period has no meaning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from sqlglot import exp

from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.config.targets import Growth
from exporter.kpi.values import Freshness
from exporter.metrics.columns import ROW, instant_of
from exporter.metrics.connection import Reader
from exporter.metrics.rows import QueryShape, to_sql
from exporter.records import SERIES_COLUMNS, first_instant


class _Records(NamedTuple):
    """Records of one source, of some series alone if their entity consists of series, dated by a column.

    `source` is None for the only source that reads the entity: to compare its name would cost most of the query.
    """

    source: str | None
    series: tuple[str, ...]
    column: str


def first_records(reader: Reader, config: Config) -> dict[str, datetime]:
    """For each metric behind a growth target: the instant since when all its sources have records.

    Where several sources contribute, the one that begins last counts, because before it a part of the rows is missing.
    Sources without a record have no say, and metrics of which no source has any are left out. Raises QueryError.
    """
    names = dict.fromkeys(name for kpi in config.kpis if isinstance(kpi.target, Growth) for name in kpi.metrics)
    begins = _begins(reader, config, [config.metric_by_name[name] for name in names])
    return {name: max(by_source) for name, by_source in begins.items() if by_source}


def earliest_records(reader: Reader, config: Config) -> dict[str, datetime]:
    """For each metric the instant since when any of its sources has a record. Raises QueryError."""
    return {name: min(by_source) for name, by_source in _begins(reader, config, config.metrics).items() if by_source}


def with_first_records(freshness: Mapping[str, Freshness], firsts: Mapping[str, datetime]) -> dict[str, Freshness]:
    """The same freshness, with the instants since when records are known."""
    return {name: replace(fresh, known_since=firsts.get(name)) for name, fresh in freshness.items()}


def _behind(config: Config, metric: Metric) -> Iterator[_Records]:
    """The records of each source of the metric, by each column that tells when they begin."""
    rule = metric.where.get(SERIES_COLUMNS.get(metric.entity, ""))
    names = (rule,) if isinstance(rule, str) else rule if isinstance(rule, tuple) else ()
    series = tuple(sorted(map(str, names)))
    columns = dict.fromkeys([first_instant(metric.entity), QueryShape.of(metric).opens])
    is_only = sum(metric.entity in source.reads for source in config.sources) == 1
    for source in config.sources_of(metric):
        for column in columns:
            if column is not None:
                yield _Records(None if is_only else source.name, series, column)


def _begins(reader: Reader, config: Config, metrics: Iterable[Metric]) -> dict[str, list[datetime]]:
    """For each metric when the records of each of its sources begin, without sources that have none.

    A source begins with the first instant of its records, or with the first one by which the metric dates them if that
    is earlier: a deal that was created tells that none was closed before.
    """
    behind = {metric.name: (metric, list(_behind(config, metric))) for metric in metrics}
    by_entity: dict[str, dict[_Records, None]] = {}
    for metric, records in behind.values():
        by_entity.setdefault(metric.entity, {}).update(dict.fromkeys(records))
    firsts = {entity: _firsts(reader, entity, tuple(records)) for entity, records in by_entity.items()}
    begins = {}
    for metric, records in behind.values():
        by_source: dict[str | None, datetime] = {}
        for key in records:
            first = firsts[metric.entity].get(key)
            if first is not None:
                by_source[key.source] = min(first, by_source.get(key.source, first))
        begins[metric.name] = list(by_source.values())
    return begins


def _firsts(reader: Reader, entity: str, records: tuple[_Records, ...]) -> dict[_Records, datetime]:
    row = reader.execute(_first_sql(entity, records)).fetchall()[0] if records else ()
    instants = zip(records, row, strict=True)
    return {key: instant.replace(tzinfo=UTC) for key, instant in instants if instant is not None}


@lru_cache(maxsize=64)
def _first_sql(entity: str, keys: tuple[_Records, ...]) -> str:
    query = exp.select(*(_first(entity, records) for records in keys)).from_(exp.to_table(entity).as_(ROW))
    return to_sql(query.where(exp.not_(exp.column("deleted", ROW))))


def _first(entity: str, records: _Records) -> exp.Expr:
    first = exp.Min(this=instant_of(entity, records.column))
    conditions: list[exp.Expr] = []
    if records.source is not None:
        conditions.append(exp.column("source", ROW).eq(exp.Literal.string(records.source)))
    if records.series:
        conditions.append(exp.column(SERIES_COLUMNS[entity], ROW).isin(*records.series))
    return exp.Filter(this=first, expression=exp.Where(this=exp.and_(*conditions))) if conditions else first
