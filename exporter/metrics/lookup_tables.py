"""Small temporary tables that queries join: the person and teams of an owner, and exchange rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlglot import exp

from exporter.metrics.columns import END, ROW, START
from exporter.metrics.connection import Reader
from exporter.metrics.exchange_rates import RATE_SPANS, ExchangeRates
from exporter.metrics.many_windows import ENDS, STARTS
from exporter.metrics.people import Directory
from exporter.metrics.row_versions import all_versions
from exporter.metrics.rows import OWNER_PERSONS, OWNER_TEAMS, PreparedStatement, QueryShape, row_source, rows_of, to_sql
from exporter.metrics.values import Window, stored
from exporter.records import person_column

_COLUMNS: Mapping[str, Mapping[str, str]] = {
    OWNER_PERSONS: {"source": "VARCHAR", "owner": "VARCHAR", "person": "INT"},
    OWNER_TEAMS: {
        "source": "VARCHAR", "owner": "VARCHAR", "team": "INT", "since": "TIMESTAMP", "until": "TIMESTAMP",
    },
    RATE_SPANS: {"currency": "VARCHAR", "since": "TIMESTAMP", "until": "TIMESTAMP", "rate": "DECIMAL(22, 12)"},
    STARTS: {"period": "INT", START: "TIMESTAMP"},
    ENDS: {"number": "INT", END: "TIMESTAMP"},
}  # fmt: skip

Owner = tuple[str, str]
"""The source of a record, and the text that names its owner there."""


def owners(reader: Reader, spans: Iterable[tuple[QueryShape, Window]]) -> tuple[Owner, ...]:
    """All owners of rows of these shapes in these windows, those with most rows first.

    For rows as they were, the owners at any time: somebody else may have owned a row at the end of a shorter window.
    """
    return _by_size(row for shape, window in spans for row in _owners_in_window(shape.ungrouped).fetch(reader, window))


def all_owners(reader: Reader, entities: Iterable[str]) -> tuple[Owner, ...]:
    """All owners that a row of these entities ever had, those with most rows first."""
    queries = (_count_by_owner(entity, exp.select()).from_(all_versions(entity)) for entity in entities)
    statements = [to_sql(query.where(exp.not_(exp.column("deleted", ROW)))) for query in queries]
    return _by_size(row for sql in statements for row in reader.execute(sql).fetchall())


def write_owners(reader: Reader, directory: Directory, owners: Iterable[Owner]) -> None:
    """Replaces the tables of persons and teams by those of these owners."""
    numbers = {team: number for number, team in enumerate(directory.teams)}
    persons: list[tuple[Any, ...]] = []
    teams: list[tuple[Any, ...]] = []
    for source, owner in owners:
        person = directory.owner(source, owner)
        if person is None:
            continue
        persons.append((source, owner, person))
        teams += (
            (source, owner, numbers[span.team], stored(span.since), stored(span.until))
            for span in directory.spans(person)
            if span.team is not None
        )
    _write(reader, OWNER_PERSONS, persons)
    _write(reader, OWNER_TEAMS, teams)


def write_rates(reader: Reader, rates: ExchangeRates) -> None:
    """Replaces the table of exchange rates."""
    _write(reader, RATE_SPANS, [(s.currency, stored(s.since), stored(s.until), s.rate) for s in rates.spans])


def write_bounds(reader: Reader, starts: Iterable[datetime], ends: Iterable[datetime]) -> None:
    """Replaces the tables of the bounds of windows, which are numbered in the given order."""
    _write(reader, STARTS, [*enumerate(map(stored, starts))])
    _write(reader, ENDS, [*enumerate(map(stored, ends))])


def _write(reader: Reader, table: str, rows: list[tuple[Any, ...]]) -> None:
    names = tuple(_COLUMNS[table])
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    reader.execute(_creation(table), {name: list(column) for name, column in zip(names, columns, strict=True)})


@cache
def _creation(table: str) -> str:
    """Creates a temporary table from one bound list per column: the fastest way that needs no other library."""
    lists = [
        exp.alias_(exp.Unnest(expressions=[exp.cast(exp.Placeholder(this=name), f"{kind}[]")]), name)
        for name, kind in _COLUMNS[table].items()
    ]
    temporary = exp.Properties(expressions=[exp.TemporaryProperty()])
    statement = exp.Create(
        this=exp.to_table(table), kind="TABLE", replace=True, properties=temporary, expression=exp.select(*lists)
    )
    return to_sql(statement)


@lru_cache(maxsize=256)
def _owners_in_window(shape: QueryShape) -> PreparedStatement:
    if shape.as_it_was:
        query = _count_by_owner(shape.entity, exp.select()).from_(row_source(shape))
        return PreparedStatement.of(query.where(exp.not_(exp.column("deleted", ROW))))
    return PreparedStatement.of(rows_of(shape, _count_by_owner(shape.entity, exp.select())))


def _count_by_owner(entity: str, query: exp.Select) -> exp.Select:
    owner = exp.column(str(person_column(entity)), ROW)
    pair = [exp.column("source", ROW), owner]
    counted = query.select(*pair, exp.Count(this=exp.Star()))
    return counted.where(owner.is_(exp.null()).not_()).group_by(*pair)


def _by_size(rows: Iterable[tuple[Any, ...]]) -> tuple[Owner, ...]:
    counts: Counter[Owner] = Counter()
    for source, owner, count in rows:
        counts[source, owner] += count
    return tuple(sorted(counts, key=lambda owner: (-counts[owner], owner)))
