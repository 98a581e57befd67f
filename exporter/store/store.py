"""The store: records, cursors, outcomes and the last snapshot, in one file that survives a kill at any instant."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from exporter.errors import Reason
from exporter.passes import Listing, Page, Pass
from exporter.records import ENTITIES
from exporter.settings import OnCorrupt
from exporter.store import passes, snapshots, staging, state
from exporter.store.database import Database
from exporter.store.staging import Slot
from exporter.store.state import Outcome

if TYPE_CHECKING:
    from exporter.store.merge import Merged

_NO_LAG = timedelta(0)


class Store:
    """One data directory. Every method may be called from any thread; writes wait for each other.

    All but `open` and `close` raise StoreError where the disk is full or not writable (nothing is half done,
    and a later call may succeed) and StoreDamagedError where the file was removed or is damaged (see
    `recover`).
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers = itertools.count(self._last_page() + 1)

    @classmethod
    def open(cls, data_dir: Path, *, on_corrupt: OnCorrupt = "rebuild") -> Store:
        """Takes the directory and opens or creates its store.

        A damaged, emptied or foreign file is moved aside as `kpi.duckdb.damaged-<n>`, or raises
        StoreDamagedError with `fail`. Raises StoreLockedError, SchemaVersionError, StoreError.
        """
        return cls(Database(data_dir, on_corrupt))

    @property
    def path(self) -> Path:
        """The store file."""
        return self._database.path

    @property
    def rebuilds(self) -> int:
        """How often since `open` a damaged file was moved aside for an empty one."""
        return self._database.rebuilds

    @property
    def up(self) -> bool:
        """False from a failed write until one succeeds."""
        return self._database.up

    def begin(
        self, source: str, entity: str, started_at: datetime, *, full: bool = False, fingerprint: str = ""
    ) -> Pass:
        """The pass to make now: an interrupted one of the same kind goes on, else one begins at `started_at`.

        It is a full one (no cursor) where `full` asks for it, where there is no cursor yet, and where
        `fingerprint`, a digest of the options that decide about the records, is another than before.
        """
        with self._database.write() as connection:
            return passes.begin(connection, Slot(source, entity, full), started_at, fingerprint)

    def stage(self, sync_pass: Pass, source: str, page: Page) -> None:
        """Keeps a page of the pass, with its resume token, in one transaction."""
        slot = Slot(source, sync_pass.entity, sync_pass.cursor is None)
        values = staging.page_values(slot, next(self._numbers), page)
        self._database.write_once(staging.INSERT_PAGE, values)

    def publish(  # noqa: PLR0913 - everything a pass ends with, in one commit
        self,
        source: str,
        entity: str,
        *,
        full: bool | None = None,
        cursor: str | None = None,
        listing: Listing | None = None,
        at: datetime | None = None,
        lag: timedelta = _NO_LAG,
        seconds: float | None = None,
    ) -> Merged:
        """Ends a pass in one commit: merge, deletions, cursor, watermark, version, outcome; staging is emptied.

        `full` says which pass, where one of each kind is under way. `at` is now (default: the pass's start).
        Without a `cursor` the entity keeps the one it has. The watermark becomes the pass's start minus `lag`.
        """
        from exporter.store.merge import merge  # and with it sqlglot: a start has nothing to merge

        with self._database.write() as connection:
            slot, begun = passes.under_way(connection, source, entity, full)
            merged = merge(connection, slot, listing, staging.staged(connection, slot).records)
            known = state.outcome(connection, source, entity)
            now = at or begun.started_at
            ended = passes.succeeded(known, slot, begun, cursor, now, lag)
            last_full = ended.last_full if listing is None else now
            state.save(connection, replace(ended, last_full=last_full, seconds=seconds))
            commits = state.count_commit(connection)
            if merged.changed:
                state.bump(connection, entity, commits)
            if not slot.whole and passes.find(connection, replace(slot, whole=True)):
                staging.hand_over(connection, slot)
            passes.clear(connection, slot)
        self._database.committed(commits)
        return merged

    def deliver(self, source: str, pages: Mapping[str, Page], at: datetime) -> Mapping[str, Merged]:
        """Takes what was sent at `at`, a page for each entity, in one commit: all of it is kept, or nothing.

        Each is a whole pass: it may have a listing, its end is the watermark. `results` are told. Staging it apart
        from publishing could lose what the sender was told is kept.
        """
        from exporter.store.merge import merge

        merged: dict[str, Merged] = {}
        with self._database.write() as connection:
            commits = state.count_commit(connection)
            for entity, page in pages.items():
                slot = Slot(source, entity, page.listing is not None)
                passes.clear(connection, slot)
                values = staging.page_values(slot, next(self._numbers), page)
                connection.execute(staging.INSERT_PAGE, values)
                merged[entity] = merge(connection, slot, page.listing, len(page.records), told=True)
                known = state.outcome(connection, source, entity)
                begun = passes.Started(at, at, None, "")
                state.save(connection, passes.succeeded(known, slot, begun, None, at, _NO_LAG))
                if merged[entity].changed:
                    state.bump(connection, entity, commits)
                passes.clear(connection, slot)
        self._database.committed(commits)
        return merged

    def fail(
        self,
        source: str,
        entity: str,
        reason: Reason,
        at: datetime,
        *,
        retry_at: datetime | None = None,
        abandon: Pass | None = None,
    ) -> None:
        """Notes that a pass failed. What it staged is kept for the next to go on, unless it is to `abandon`."""
        with self._database.write() as connection:
            known = state.outcome(connection, source, entity)
            failed = replace(known, failures=known.failures + 1, reason=reason, failed_at=at, retry_at=retry_at)
            state.save(connection, failed)
            if abandon is not None:
                passes.clear(connection, Slot(source, entity, abandon.cursor is None))

    def retain(self, reads: Mapping[str, Collection[str]]) -> int:
        """Drops all that is known of sources and entities that `reads` (source to its entities) does not name.

        Gives the number of records dropped.
        """
        dropped = 0
        with self._database.write() as connection:
            gone = [o for o in state.outcomes(connection) if o.entity not in reads.get(o.source, ())]
            commits = state.count_commit(connection) if gone else None
            for known in gone:
                dropped += self._drop(connection, known, commits or 0)
        if commits is not None:
            self._database.committed(commits)
        return dropped

    def outcomes(self) -> tuple[Outcome, ...]:
        """How the passes went, by source and entity."""
        with self._database.reading() as connection:
            return state.outcomes(connection)

    def reader(self) -> duckdb.DuckDBPyConnection:
        """A connection of the calling thread's own, for SELECTs; the caller closes it."""
        return self._database.reader()

    def reading(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection for SELECTs that all see one state of the store, whatever is published meanwhile."""
        return self._database.reading()

    def save_snapshot(self, snapshot: bytes, memory: bytes, at: datetime) -> None:
        """Keeps the last snapshot and the evaluation's memory for the next start."""
        with self._database.write() as connection:
            snapshots.save(connection, snapshot, memory, at)

    def load_snapshot(self) -> tuple[bytes, bytes, datetime] | None:
        """The kept snapshot, memory and instant; None before the first."""
        with self._database.reading() as connection:
            return snapshots.load(connection)

    def ping(self) -> None:
        """Says whether the store is usable, after trying to heal it where the last write failed.

        Returns where it is; raises StoreDamagedError where the file is gone or damaged, else StoreError.
        """
        self._database.ping()

    def recover(self) -> None:
        """After StoreDamagedError: begins anew as `open` does, with its errors. All readers are closed."""
        self._database.recover()

    def interrupt(self) -> None:
        """Breaks off the write that runs in another thread; it is rolled back and raises StoreError there."""
        self._database.interrupt()

    def close(self) -> None:
        """Frees the directory; a second time does nothing."""
        self._database.close()

    def _last_page(self) -> int:
        with self._database.reading() as connection:
            return staging.last_page(connection)

    def _drop(self, connection: duckdb.DuckDBPyConnection, known: Outcome, commits: int) -> int:
        for whole in (True, False):
            passes.clear(connection, Slot(known.source, known.entity, whole))
        state.drop(connection, known.source, known.entity)
        if known.entity not in ENTITIES:
            return 0
        from exporter.store import merge_sql

        row = connection.execute(merge_sql.drop_source(known.entity), [known.source]).fetchone()
        dropped: int = row[0] if row else 0
        if dropped:
            state.bump(connection, known.entity, commits)
        return dropped
