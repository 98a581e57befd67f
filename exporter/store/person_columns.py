"""Where the store's tables name persons: as owner, agent or manager of a record, and within texts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import duckdb

from exporter.records import ENTITIES, columns, is_free_text, person_column
from exporter.store.detached import quoted
from exporter.store.schema import entity_tables

_OWN = frozenset({("people", "name"), ("people", "email"), ("people", "manager")})
"""Columns that are replaced by whose record it is."""


def filled_tables(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str]]:
    """Each table that has rows, with its entity."""
    for entity in ENTITIES:
        for table in entity_tables(entity):
            if connection.execute(f"SELECT 1 FROM {quoted(table)} LIMIT 1").fetchall():  # noqa: S608
                yield entity, table


def owner_column(entity: str) -> str | None:
    """The column that names the owner, agent or manager of a record, if there is one."""
    return "manager" if entity == "people" else person_column(entity)


@cache
def free_texts(entity: str) -> tuple[str, ...]:
    """The columns that may name anybody within a text; `attributes` is JSON."""
    names = (c.name for c in columns(entity) if is_free_text(entity, c.name) and not c.person)
    return (*(name for name in names if (entity, name) not in _OWN), "attributes")
