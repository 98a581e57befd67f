"""Rejected records: what a source delivered, and the entity's table lacks because it could not be accepted.

A rejected record counts once, however often it is delivered, until an acceptable version arrives or a pass over
everything no longer contains it. Rows whose id is unknown cannot be recognised when they come again. Therefore the
largest number of them in any pass since the last one over everything counts.
"""

from __future__ import annotations

from functools import cache

import duckdb

from exporter.store.staging import Slot

_STAGED = """
    SELECT count(present) > 0, coalesce(sum(unnamed) FILTER (NOT visiting), 0)::BIGINT
    FROM pages WHERE source = ? AND entity = ? AND whole = ?"""
_COUNTED = """
    SELECT count(id) > 0, coalesce(sum(records) FILTER (id IS NULL), 0)::BIGINT
    FROM rejects WHERE source = ? AND entity = ?"""
_ADD = """
    INSERT INTO rejects
    SELECT DISTINCT source, entity, id, 1
    FROM (
        SELECT source, entity, unnest(from_json_strict(present, '["VARCHAR"]')) AS id FROM pages
        WHERE source = ? AND entity = ? AND whole = ? AND present IS NOT NULL
    ) ANTI JOIN rejects USING (source, entity, id)"""


def take(connection: duckdb.DuckDBPyConnection, slot: Slot, *, everything: bool) -> None:
    """Updates the rejects of an entity from the slot's pages, which were just merged.

    `everything` says that the pass contained every record of the source.
    """
    has_ids, unnamed = _row(connection, _STAGED, slot.key)
    if everything:
        clear(connection, slot.source, slot.entity)
    has_older_ids, older_unnamed = _row(connection, _COUNTED, slot.key[:2])
    if unnamed > older_unnamed:
        connection.execute("DELETE FROM rejects WHERE source = ? AND entity = ? AND id IS NULL", slot.key[:2])
        connection.execute("INSERT INTO rejects VALUES (?, ?, NULL, ?)", [slot.source, slot.entity, unnamed])
    if has_ids:
        connection.execute(_ADD, slot.key)
    if has_ids or has_older_ids:
        connection.execute(_accepted(slot.entity), [*slot.key[:2], slot.source])


def clear(connection: duckdb.DuckDBPyConnection, source: str, entity: str) -> None:
    """Forgets the rejects of an entity."""
    connection.execute("DELETE FROM rejects WHERE source = ? AND entity = ?", [source, entity])


def _row(connection: duckdb.DuckDBPyConnection, query: str, values: list[object]) -> tuple[bool, int]:
    row = connection.execute(query, values).fetchone()
    return row or (False, 0)


@cache
def _accepted(entity: str) -> str:
    """Deletes the rejects of which the entity's table has a version."""
    from sqlglot import exp  # imported at the first rejection: it would slow every start

    mine = exp.column("source").eq(exp.Placeholder())
    ids = exp.select("id").from_(exp.to_table(entity)).where(mine)
    where = exp.and_(mine.copy(), exp.column("entity").eq(exp.Placeholder()), exp.column("id").isin(query=ids))
    return exp.delete("rejects", where=where).sql("duckdb", identify=True)
