"""Merging staged pages into the entity's table, within the caller's transaction.

Tables have no key: an index would triple the file and slow merges a hundredfold. Instead the staged ids are looked up
once, the stored rows are compared by row id, and changed rows are deleted and inserted again. The rows that they
replace are copied to the entity's versions. The spans of a record's versions never overlap and leave no gap, on either
clock, even if the machine's clock goes back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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

_PARAMETER = re.compile(r"\$(\w+)")


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


@dataclass(frozen=True, slots=True)
class PassEnd:
    """What a pass ends with: its slot, the number of records that are staged there, and what it listed, if anything."""

    slot: Slot
    staged: int
    listing: Listing | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """From when the changes of a pass hold: `valid_from` in the world, `known_from` in this store.

    A correction changes how records are read (a new mapping), not the world: new rows hold since their predecessors
    did. Versions that were known until before `oldest` are dropped.
    """

    valid_from: datetime
    known_from: datetime
    oldest: datetime
    is_correction: bool = False


def merge(
    connection: duckdb.DuckDBPyConnection, end: PassEnd, arrival: Arrival, *, with_results: bool = False
) -> MergeResult:
    """Merges the slot's pages into the table, and copies the rows that they replace to the versions.

    The newest version of each id wins, by modification time and then by arrival; versions that are equal to the
    stored one, or older, change nothing. Stored records in the listing's span that were not staged become deleted.
    """
    if not end.staged and end.listing is None:
        return MergeResult()
    sql = _statements(end.slot.entity)
    run = _Statements(connection, _values(end, arrival))
    for statement in (sql.incoming, sql.hits, sql.changes):
        run.execute(statement)
    results = dict(connection.execute("SELECT id, change FROM changes").fetchall()) if with_results else {}
    counts = dict(connection.execute("SELECT change, count(*) FROM changes GROUP BY change").fetchall())
    unlisted = run.count(sql.unlisted(_column(end.listing))) if end.listing else 0
    new, updated, deleted = (counts.get(change, 0) for change in ("new", "updated", "deleted"))
    if updated or deleted or unlisted:
        _supersede(run, sql, unlisted)
    if new or updated or deleted:
        late = run.count(sql.late) if sql.late and new + updated < ROW_GROUP else 0
        run.execute(sql.delete)
        run.execute(sql.insert)
        if late:
            _keep_order(run, sql, late)
    if updated or deleted or unlisted:
        for statement in sql.expired:
            run.execute(statement)
    for drop in ("DROP TABLE temp.changes", "DROP TABLE temp.hits", "DROP TABLE temp.incoming"):
        connection.execute(drop)
    return MergeResult(new, updated, max(end.staged - new - updated - deleted, 0), deleted + unlisted, results)


def delete_source(connection: duckdb.DuckDBPyConnection, source: str, entity: str) -> int:
    """Deletes the source's rows and versions from the entity's tables and returns the number of rows."""
    sql = _statements(entity)
    run = _Statements(connection, {"source": source})
    run.execute(sql.delete_versions)
    return run.count(sql.delete_source)


@dataclass(frozen=True, slots=True)
class _Statements:
    """Executes statements, each with the values of the parameters that it names."""

    connection: duckdb.DuckDBPyConnection
    values: Mapping[str, object]

    def execute(self, statement: str) -> None:
        self.connection.execute(statement, self._named(statement))

    def count(self, statement: str) -> int:
        row = self.connection.execute(statement, self._named(statement)).fetchone()
        return row[0] if row else 0

    def _named(self, statement: str) -> dict[str, object]:
        return {name: self.values[name] for name in _PARAMETER.findall(statement)}


def _column(listing: Listing) -> str | None:
    """The column that bounds the listing, None if it is not bounded."""
    return listing.column if listing.since is not None else None


def _values(end: PassEnd, arrival: Arrival) -> Mapping[str, object]:
    since = end.listing and end.listing.since
    return {
        "source": end.slot.source,
        "entity": end.slot.entity,
        "whole": end.slot.full,
        "since": since and naive_utc(since),
        "valid": naive_utc(arrival.valid_from),
        "known": naive_utc(arrival.known_from),
        "oldest": naive_utc(arrival.oldest),
        "is_correction": arrival.is_correction,
        "margin": LATE_MARGIN,
    }


def _statements(entity: str) -> MergeStatements:
    from exporter.store.merge_sql import merge_statements  # imports sqlglot, which would slow every start

    return merge_statements(entity)


def _supersede(run: _Statements, sql: MergeStatements, unlisted: int) -> None:
    run.execute(sql.superseded)
    if unlisted:
        run.execute(sql.bury)
        run.execute(sql.buried)


def _keep_order(run: _Statements, sql: MergeStatements, late: int) -> None:
    """Sorts the table by time once a fifth of its rows arrived late, so that each row moves five times at most."""
    update = "UPDATE entity_state SET late = late + ? WHERE entity = ? RETURNING late"
    row = run.connection.execute(update, [late, sql.entity]).fetchone()
    if row and row[0] > max(ROW_GROUP, run.count(sql.size) * LATE_SHARE):
        for statement in sql.sort:
            run.execute(statement)
        run.connection.execute("UPDATE entity_state SET late = 0 WHERE entity = ?", [sql.entity])
