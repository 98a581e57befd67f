"""How many records there are behind each metric, and of how many of them the time is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from sqlglot import exp

from exporter.config.metrics import Metric
from exporter.config.root import Config
from exporter.kpi.values import Freshness
from exporter.metrics.columns import ROW, operand
from exporter.metrics.connection import Reader
from exporter.metrics.rows import QueryShape, to_sql
from exporter.records import NOT_DATED_YET, is_always_dated


class _Count(NamedTuple):
    """One number of an entity's query: the records of `sources`, or of all if None.

    With a `column`, only those in which it is empty; if it is `due`, without those whose status explains that.
    """

    sources: tuple[str, ...] | None = None
    column: str | None = None
    due: bool = False


_CountResults = Mapping[_Count, int]


@dataclass(frozen=True, slots=True)
class RecordCounts:
    """Stored records, deleted ones left out.

    `records` has for each metric those of its sources, whatever else its `where` says, and `undated` those of them
    whose time is unknown. Instants that may never happen, such as `closed_at`, are not unknown where they are empty.
    `empty` has for each (entity, column) by which metrics date records how many are in no period and no level.
    """

    records: Mapping[str, int]
    undated: Mapping[str, int]
    empty: Mapping[tuple[str, str], int]


class RecordCounter:
    """Counts the records of one config, with one query for each entity whose rows have changed."""

    def __init__(self, config: Config) -> None:
        self._by_entity: dict[str, list[tuple[Metric, _Count, _Count | None]]] = {}
        for metric in config.metrics:
            counts = _counts_behind(config, metric)
            self._by_entity.setdefault(metric.entity, []).append((metric, *counts))
        self._numbers: dict[str, tuple[int, _CountResults]] = {}

    def count(self, reader: Reader, versions: Mapping[str, int]) -> RecordCounts:
        """The counts in a state of the store, which has these versions of the entities. Raises QueryError."""
        records: dict[str, int] = {}
        undated: dict[str, int] = {}
        empty: dict[tuple[str, str], int] = {}
        for entity, metrics in self._by_entity.items():
            numbers = self._of(reader, entity, versions.get(entity, 0))
            for metric, stored, unknown in metrics:
                records[metric.name] = numbers[stored]
                undated[metric.name] = 0 if unknown is None else numbers[unknown]
                column = QueryShape.of(metric).opens
                empty[entity, column] = numbers[_Count(column=column)]
        return RecordCounts(records, undated, empty)

    def _of(self, reader: Reader, entity: str, version: int) -> _CountResults:
        if entity not in self._numbers or self._numbers[entity][0] != version:
            counts = tuple(dict.fromkeys(self._wanted(entity)))
            row = reader.execute(_sql(entity, counts)).fetchall()[0]
            self._numbers[entity] = version, dict(zip(counts, row, strict=True))
        return self._numbers[entity][1]

    def _wanted(self, entity: str) -> Iterator[_Count]:
        for metric, stored, unknown in self._by_entity[entity]:
            yield _Count(column=QueryShape.of(metric).opens)
            yield stored
            if unknown is not None:
                yield unknown


def with_counts(freshness: Mapping[str, Freshness], counts: RecordCounts) -> dict[str, Freshness]:
    """The same freshness, with the number of records behind each metric and of those whose time is unknown."""
    return {
        name: replace(fresh, records=counts.records.get(name, 0), undated=counts.undated.get(name, 0))
        for name, fresh in freshness.items()
    }


def _counts_behind(config: Config, metric: Metric) -> tuple[_Count, _Count | None]:
    """The records of a metric's sources, and those of them whose time is unknown, None if it cannot be."""
    names = tuple(source.name for source in config.sources_of(metric))
    readers = [source.name for source in config.sources if metric.entity in source.reads]
    sources = None if len(names) == len(readers) else names
    column = QueryShape.of(metric).opens
    unknown = _Count(sources, column, due=True) if is_always_dated(metric.entity, column) else None
    return _Count(sources), unknown


@lru_cache(maxsize=64)
def _sql(entity: str, counts: tuple[_Count, ...]) -> str:
    query = exp.select(*(_expression(entity, count) for count in counts)).from_(exp.to_table(entity).as_(ROW))
    return to_sql(query.where(exp.not_(exp.column("deleted", ROW))))


def _expression(entity: str, count: _Count) -> exp.Expr:
    rows: exp.Expr = exp.Count(this=exp.Star())
    conditions = list(_conditions(entity, count))
    return exp.Filter(this=rows, expression=exp.Where(this=exp.and_(*conditions))) if conditions else rows


def _conditions(entity: str, count: _Count) -> Iterator[exp.Expr]:
    if count.sources is not None:
        yield exp.column("source", ROW).isin(*count.sources) if count.sources else exp.false()
    if count.column is not None:
        yield operand(entity, count.column).tree.is_(exp.null())
    if count.due and (early := NOT_DATED_YET.get(entity)):
        status = exp.Coalesce(this=exp.column("status", ROW), expressions=[exp.Literal.string("")])
        yield exp.not_(status.isin(*early))
