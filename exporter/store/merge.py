"""Merging what a pass staged into the entity's table, inside the caller's transaction.

Tables have no key: an index would triple the file and slow merging a hundredfold. Instead the staged ids are
looked up once, the rows found are compared by their row ids, and changed ones are deleted and inserted anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import duckdb

from exporter.passes import Listing
from exporter.store import merge_sql as sql
from exporter.store.staging import Slot
from exporter.store.state import naive

ROW_GROUP = 122_880
"""DuckDB's unit of storage: it skips a group whose instants lie outside a query's window."""

LATE = timedelta(days=1)
LATE_SHARE = 0.2


def _none() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Merged:
    """What a pass changed, in records: `unchanged` counts repeated and older versions too.

    `results` says of each id what became of it, where that was asked for.
    """

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    results: Mapping[str, str] = field(default_factory=_none)

    @property
    def changed(self) -> bool:
        """True where rows are other than before."""
        return bool(self.new or self.updated or self.deleted)


def merge(
    connection: duckdb.DuckDBPyConnection, slot: Slot, listing: Listing | None, brought: int, *, told: bool = False
) -> Merged:
    """Brings the slot's pages into the table; `brought` is the number of records in them.

    The newest version of each id wins, by its change time and then by arrival; versions older than the stored
    one and equal ones change nothing. Records in the listing's span that were not staged become deleted.
    `told` asks for what became of each id.
    """
    if not brought and listing is None:
        return Merged()
    entity = slot.entity
    connection.execute(sql.incoming(entity), slot.key)
    connection.execute(sql.hits(entity), [slot.source])
    connection.execute(sql.verdicts(entity))
    counts = dict(connection.execute(sql.COUNTS).fetchall())
    vanished = _delete_unlisted(connection, slot, listing) if listing else 0
    new, updated, deleted = (counts.get(verdict, 0) for verdict in ("new", "updated", "deleted"))
    if new or updated or deleted:
        late = _late(connection, entity) if new + updated < ROW_GROUP else 0
        connection.execute(sql.delete(entity))
        connection.execute(sql.insert(entity), [slot.source])
        _keep_order(connection, entity, late)
    results = dict(connection.execute(sql.RESULTS).fetchall()) if told else {}
    for table in sql.TEMPORARY:
        connection.execute(table)
    return Merged(new, updated, max(brought - new - updated - deleted, 0), deleted + vanished, results)


def _delete_unlisted(connection: duckdb.DuckDBPyConnection, slot: Slot, listing: Listing) -> int:
    if listing.column is None or listing.since is None:
        row = connection.execute(sql.delete_unlisted(slot.entity, None), [slot.source, *slot.key]).fetchone()
    else:
        statement = sql.delete_unlisted(slot.entity, listing.column)
        row = connection.execute(statement, [slot.source, *slot.key, naive(listing.since)]).fetchone()
    return row[0] if row else 0


def _late(connection: duckdb.DuckDBPyConnection, entity: str) -> int:
    """How many of the rows to insert lie well before what the table already holds."""
    statement = sql.late(entity)
    row = connection.execute(statement, [LATE]).fetchone() if statement else None
    return row[0] if row else 0


def _keep_order(connection: duckdb.DuckDBPyConnection, entity: str, late: int) -> None:
    """Sorts the table by time once a fifth of it arrived late: every row is moved five times at most."""
    if not late:
        return
    row = connection.execute(sql.COUNT_LATE, [late, entity]).fetchone()
    size = connection.execute(sql.size(entity)).fetchone()
    if row and size and row[0] > max(ROW_GROUP, size[0] * LATE_SHARE):
        for statement in sql.sort(entity):
            connection.execute(statement)
        connection.execute(sql.SORTED, [entity])
