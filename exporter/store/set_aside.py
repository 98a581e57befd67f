"""Records of removed push sources, which nobody can send again: set aside until they come back or are forgotten.

No KPI counts a record that is set aside. Each row is one JSON text with a text per column, so that it can be read after
columns were added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import duckdb

from exporter.records import ENTITIES
from exporter.store.detached import quoted
from exporter.store.merge import delete_source
from exporter.store.schema import entity_tables
from exporter.store.state import Outcome, aware_utc, delete_outcome, naive_utc, read_outcome, save_outcome

_OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class RemovedRecords:
    """How many records of one entity of a removed source are set aside, and since when."""

    source: str
    entity: str
    records: int
    removed_at: datetime


def is_pushed(outcome: Outcome) -> bool:
    """True if the records were pushed: what is read from a vendor has the digest of its options, or a cursor."""
    return outcome.entity in ENTITIES and not outcome.fingerprint and outcome.cursor is None


def put_aside(connection: duckdb.DuckDBPyConnection, outcome: Outcome, at: datetime) -> int:
    """Moves the records and versions of one entity of a source out of its tables; returns the number of records."""
    source, entity = outcome.source, outcome.entity
    rows = [_put_statement(table) for table in entity_tables(entity)]
    for statement in rows:
        connection.execute(statement, [source, entity, naive_utc(at), source])
    success, watermark = (value and naive_utc(value).isoformat() for value in (outcome.last_success, outcome.watermark))
    connection.execute(_PUT_OUTCOME, [source, entity, naive_utc(at), success, watermark])
    return delete_source(connection, source, entity)


def bring_back(connection: duckdb.DuckDBPyConnection, source: str, entity: str, name: str) -> int:
    """Moves what was set aside of a source back, under `name`; of a record that is stored under it that one stays.

    Returns the number of records, 0 if nothing was set aside.
    """
    counts = [
        connection.execute(_bring_statement(entity, table), [name, source, entity, table, name]).fetchone()
        for table in reversed(tuple(entity_tables(entity)))  # versions first: they ask which records are stored already
    ]
    outcome = connection.execute(_READ_OUTCOME, [source, entity]).fetchone()
    if outcome is None:
        return 0
    current = read_outcome(connection, name, entity)
    if current.last_success is None:
        success, watermark = map(aware_utc, outcome)
        save_outcome(connection, Outcome(name, entity, last_success=success, watermark=watermark))
    forget(connection, source, entity)
    return int(counts[-1][0]) if counts[-1] else 0


def removed(connection: duckdb.DuckDBPyConnection) -> tuple[RemovedRecords, ...]:
    """What is set aside, by source and entity."""
    rows = connection.execute(_REMOVED).fetchall()
    return tuple(RemovedRecords(source, entity, count, aware_utc(at)) for source, entity, count, at in rows)


def forget(connection: duckdb.DuckDBPyConnection, source: str, entity: str) -> None:
    """Deletes what is set aside of one entity of a source."""
    connection.execute("DELETE FROM set_aside WHERE source = ? AND entity = ?", [source, entity])


@contextmanager
def all_back(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Within the block, everything that is set aside is in its tables, under the names of its sources."""
    everything = removed(connection)
    for each in everything:
        bring_back(connection, each.source, each.entity, each.source)
    yield
    for each in everything:
        put_aside(connection, read_outcome(connection, each.source, each.entity), each.removed_at)
        delete_outcome(connection, each.source, each.entity)


_PUT_OUTCOME = f"""
    INSERT INTO set_aside
    SELECT ?, ?, '{_OUTCOME}', ?, json_object('last_success', ?::VARCHAR, 'watermark', ?::VARCHAR)"""
_READ_OUTCOME = f"""
    SELECT (record ->> 'last_success')::TIMESTAMP, (record ->> 'watermark')::TIMESTAMP FROM set_aside
    WHERE source = ? AND entity = ? AND origin = '{_OUTCOME}'"""  # noqa: S608
_REMOVED = f"""
    SELECT source, entity, count(*) FILTER (origin = entity AND record ->> 'deleted' = 'false'),
        min(removed_at) FILTER (origin = '{_OUTCOME}')
    FROM set_aside GROUP BY source, entity ORDER BY source, entity"""  # noqa: S608


@cache
def _columns() -> Mapping[str, tuple[tuple[str, str], ...]]:
    return {table: columns for entity in ENTITIES for table, columns in entity_tables(entity).items()}


@cache
def _put_statement(table: str) -> str:
    pairs = ", ".join(f"'{name}', {quoted(name)}::VARCHAR" for name, _ in _columns()[table] if name != "source")
    return f"""
        INSERT INTO set_aside
        SELECT ?, ?, '{table}', ?, json_object({pairs}) FROM {quoted(table)} WHERE source = ?"""  # noqa: S608


@cache
def _bring_statement(entity: str, table: str) -> str:
    own = [(name, sql_type) for name, sql_type in _columns()[table] if name != "source"]
    values = ", ".join(f"(record ->> '{name}')::{sql_type} AS {quoted(name)}" for name, sql_type in own)
    return f"""
        INSERT INTO {quoted(table)} BY NAME
        SELECT ?::VARCHAR AS source, {values} FROM set_aside
        WHERE source = ? AND entity = ? AND origin = ?
            AND record ->> 'id' NOT IN (SELECT id FROM {quoted(entity)} WHERE source = ?)"""  # noqa: S608
