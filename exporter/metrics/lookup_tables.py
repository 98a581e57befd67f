"""Small temporary tables that queries join: who stands behind an owner, their teams, and rates of currencies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any

from sqlglot import exp

from exporter.metrics.columns import ROW
from exporter.metrics.connection import Reader
from exporter.metrics.exchange_rates import RATE_SPANS, Rates
from exporter.metrics.instants import stored
from exporter.metrics.people import Directory
from exporter.metrics.rows import OWNER_PERSONS, OWNER_TEAMS, Shape, rows_of
from exporter.metrics.statement import Statement, write
from exporter.metrics.values import Window
from exporter.records import person_column

_COLUMNS: Mapping[str, Mapping[str, str]] = {
    OWNER_PERSONS: {"source": "VARCHAR", "owner": "VARCHAR", "person": "INT"},
    OWNER_TEAMS: {
        "source": "VARCHAR", "owner": "VARCHAR", "team": "INT", "since": "TIMESTAMP", "until": "TIMESTAMP",
    },
    RATE_SPANS: {"currency": "VARCHAR", "since": "TIMESTAMP", "until": "TIMESTAMP", "rate": "DECIMAL(22, 12)"},
}  # fmt: skip

Owner = tuple[str, str]
"""The source of a record, and the text that names its owner there."""


def owners(reader: Reader, spans: Iterable[tuple[Shape, Window]]) -> tuple[Owner, ...]:
    """Everybody who owns a row of these shapes in these windows, those with most rows first."""
    found: Counter[Owner] = Counter()
    for shape, window in spans:
        for source, owner, count in _owners(shape.whole).fetch(reader, window):
            found[source, owner] += count
    return _by_size(found)


def all_owners(reader: Reader, entities: Iterable[str]) -> tuple[Owner, ...]:
    """Everybody who owns a row of these entities at any time, those with most rows first."""
    found: Counter[Owner] = Counter()
    for entity in entities:
        query = _counted(entity, exp.select()).from_(exp.to_table(entity).as_(ROW))
        for source, owner, count in reader.execute(write(query.where(exp.not_(exp.column("deleted", ROW))))).fetchall():
            found[source, owner] += count
    return _by_size(found)


def write_owners(reader: Reader, directory: Directory, found: Iterable[Owner]) -> None:
    """Makes the tables of persons and teams for these owners anew."""
    numbers = {team: number for number, team in enumerate(directory.teams)}
    persons: list[tuple[Any, ...]] = []
    teams: list[tuple[Any, ...]] = []
    for source, owner in found:
        person = directory.owner(source, owner)
        if person is None:
            continue
        persons.append((source, owner, person))
        teams += (
            (source, owner, numbers[stay.team], stored(stay.since), stored(stay.until))
            for stay in directory.spans(person)
            if stay.team is not None
        )
    _write(reader, OWNER_PERSONS, persons)
    _write(reader, OWNER_TEAMS, teams)


def write_rates(reader: Reader, rates: Rates) -> None:
    """Makes the table of rates anew."""
    _write(reader, RATE_SPANS, [(s.currency, stored(s.since), stored(s.until), s.rate) for s in rates.spans])


def _write(reader: Reader, table: str, values: list[tuple[Any, ...]]) -> None:
    names = tuple(_COLUMNS[table])
    lists = zip(*values, strict=True) if values else ((),) * len(names)
    reader.execute(_creation(table), {name: list(column) for name, column in zip(names, lists, strict=True)})


@cache
def _creation(table: str) -> str:
    """A temporary table made of one bound list a column: the fastest way in that needs no further library."""
    lists = [
        exp.alias_(exp.Unnest(expressions=[exp.cast(exp.Placeholder(this=name), f"{kind}[]")]), name)
        for name, kind in _COLUMNS[table].items()
    ]
    temporary = exp.Properties(expressions=[exp.TemporaryProperty()])
    made = exp.Create(
        this=exp.to_table(table), kind="TABLE", replace=True, properties=temporary, expression=exp.select(*lists)
    )
    return write(made)


@lru_cache(maxsize=256)
def _owners(shape: Shape) -> Statement:
    return Statement.of(rows_of(shape, _counted(shape.entity, exp.select())))


def _counted(entity: str, query: exp.Select) -> exp.Select:
    owner = exp.column(str(person_column(entity)), ROW)
    pair = [exp.column("source", ROW), owner]
    counted = query.select(*pair, exp.Count(this=exp.Star()))
    return counted.where(owner.is_(exp.null()).not_()).group_by(*pair)


def _by_size(found: Counter[Owner]) -> tuple[Owner, ...]:
    return tuple(sorted(found, key=lambda owner: (-found[owner], owner)))
