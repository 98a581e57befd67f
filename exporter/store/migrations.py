"""Upgrading the tables of a store that an earlier version of this program wrote, without losing its records.

A step from one schema version to the next creates what is missing. To change the schema: raise SCHEMA_VERSION, add the
digest of the former shape to EARLIER_SHAPES, and add a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType

import duckdb

from exporter.records import ENTITIES
from exporter.store.schema import (
    REJECTS_TABLE,
    SCHEMA_VERSION,
    SPAN_STARTS,
    UNNAMED_COLUMN,
    create_ledger,
    create_table,
    entity_tables,
    schema_digest,
    versions_table,
)

EARLIER_SHAPES: Mapping[int, str] = MappingProxyType({1: "1f0a7ff9ca6551cc"})
"""The digest of the tables of each earlier schema version that can be upgraded."""


def upgrade(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    """Brings a store from an earlier schema version to the current one in one transaction. Raises duckdb.Error."""
    connection.execute("BEGIN TRANSACTION")
    try:
        for number in range(version, SCHEMA_VERSION):
            for statement in _STEPS[number]():
                connection.execute(statement)
        connection.execute("UPDATE store_meta SET schema_version = ?, shape = ?", [SCHEMA_VERSION, schema_digest()])
        connection.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):  # on a full disk DuckDB has already rolled back
            connection.execute("ROLLBACK")
        raise


def _add_past_and_rejects() -> Iterator[str]:
    """From 1 to 2: rows tell since when they hold, always if they are from before; there are versions and a ledger.

    Rejected records are counted from now on.
    """
    for entity in ENTITIES:
        for name, sql_type in SPAN_STARTS:
            yield f'ALTER TABLE "{entity}" ADD COLUMN IF NOT EXISTS "{name}" {sql_type}'
        versions = versions_table(entity)
        yield create_table(versions, entity_tables(entity)[versions])
    yield from create_ledger()
    name, sql_type = UNNAMED_COLUMN
    yield f'ALTER TABLE pages ADD COLUMN "{name}" {sql_type}'
    yield REJECTS_TABLE


_STEPS: Mapping[int, Callable[[], Iterator[str]]] = MappingProxyType({1: _add_past_and_rejects})
"""The statements that lead from each version to the next."""
