"""Merging staged pages into the entity's table, within the caller's transaction.

Tables have no key: an index would triple the file and slow merges a hundredfold. Instead the staged ids are looked up
once, the stored rows are compared by row id, and changed rows are deleted and inserted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import duckdb

from exporter.passes import Listing
from exporter.store.staging import Slot
from exporter.store.state import naive_utc

if TYPE_CHECKING:
    from exporter.store.merge_sql import MergeStatements

ROW_GROUP = 122_880
"""DuckDB's unit of storage; a query skips groups whose instants lie outside its window."""

LATE_MARGIN = timedelta(days=1)
LATE_SHARE = 0.2


def _no_results() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What a merge changed, in records; `unchanged` includes repeated and outdated versions.

    `results` maps ids to new, updated, deleted or unchanged, if requested.
    """

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    results: Mapping[str, str] = field(default_factory=_no_results)

    @property
    def changed(self) -> bool:
        """True if any row changed."""
        return bool(self.new or self.updated or self.deleted)


def merge(
    connection: duckdb.DuckDBPyConnection,
    slot: Slot,
    listing: Listing | None,
    staged: int,
    *,
    with_results: bool = False,
) -> MergeResult:
    """Merges the slot's pages into the table; `staged` is the number of records in them.

    The newest version of each id wins, by modification time and then by arrival; versions that are equal to the
    stored one, or older, change nothing. Stored records in the listing's span that were not staged become deleted.
    """
    if not staged and listing is None:
        return MergeResult()
    sql = _statements(slot.entity)
    connection.execute(sql.incoming, slot.key)
    connection.execute(sql.hits, [slot.source])
    connection.execute(sql.changes)
    results = dict(connection.execute("SELECT id, change FROM changes").fetchall()) if with_results else {}
    counts = dict(connection.execute("SELECT change, count(*) FROM changes GROUP BY change").fetchall())
    unlisted = _delete_unlisted(connection, slot, listing) if listing else 0
    new, updated, deleted = (counts.get(change, 0) for change in ("new", "updated", "deleted"))
    if new or updated or deleted:
        late = _count(connection, sql.late, LATE_MARGIN) if sql.late and new + updated < ROW_GROUP else 0
        connection.execute(sql.delete)
        connection.execute(sql.insert, [slot.source])
        if late:
            _keep_order(connection, sql, late)
    for drop in ("DROP TABLE temp.changes", "DROP TABLE temp.hits", "DROP TABLE temp.incoming"):
        connection.execute(drop)
    return MergeResult(new, updated, max(staged - new - updated - deleted, 0), deleted + unlisted, results)


def delete_source(connection: duckdb.DuckDBPyConnection, source: str, entity: str) -> int:
    """Deletes the source's rows from the entity's table and returns their number."""
    return _count(connection, _statements(entity).delete_source, source)


def _statements(entity: str) -> MergeStatements:
    from exporter.store.merge_sql import merge_statements  # imports sqlglot, which would slow every start

    return merge_statements(entity)


def _count(connection: duckdb.DuckDBPyConnection, statement: str, *values: object) -> int:
    row = connection.execute(statement, list(values)).fetchone()
    return row[0] if row else 0


def _delete_unlisted(connection: duckdb.DuckDBPyConnection, slot: Slot, listing: Listing) -> int:
    sql = _statements(slot.entity)
    if listing.column is None or listing.since is None:
        return _count(connection, sql.delete_unlisted(None), slot.source, *slot.key)
    start = naive_utc(listing.since)
    return _count(connection, sql.delete_unlisted(listing.column), slot.source, *slot.key, start)


def _keep_order(connection: duckdb.DuckDBPyConnection, sql: MergeStatements, late: int) -> None:
    """Sorts the table by time once a fifth of its rows arrived late, so that each row moves five times at most."""
    update = "UPDATE entity_state SET late = late + ? WHERE entity = ? RETURNING late"
    total = _count(connection, update, late, sql.entity)
    if total > max(ROW_GROUP, _count(connection, sql.size) * LATE_SHARE):
        for statement in sql.sort:
            connection.execute(statement)
        connection.execute("UPDATE entity_state SET late = 0 WHERE entity = ?", [sql.entity])
