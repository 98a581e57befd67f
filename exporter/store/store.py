"""The store: records, cursors, outcomes and the last snapshot, in one file that survives a kill at any instant."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from exporter.clock import CLOCK_JUMP, Clock, system_clock
from exporter.errors import Reason, StoreDamagedError, StoreError
from exporter.passes import Listing, Page, Pass
from exporter.seals import LedgerEntries, Restatement, Seal
from exporter.settings import OnCorrupt
from exporter.store import ledger, passes, rejects, set_aside, sources, staging, state
from exporter.store.backup import write_backup
from exporter.store.clock_record import ClockRecord
from exporter.store.database import Database
from exporter.store.manifest import BackupManifest
from exporter.store.merge import Arrival, MergeResult, PassEnd, merge
from exporter.store.passes import OpenPass
from exporter.store.rebuilds import Rebuild, accept_rebuilds, unaccepted_rebuilds
from exporter.store.replaced_names import TokenKind
from exporter.store.replaced_persons import FindNames, ReplacedPersons, Replacement
from exporter.store.set_aside import RemovedRecords
from exporter.store.sources import RetainedSources
from exporter.store.staging import Slot
from exporter.store.state import Outcome

VERSION_RETENTION = timedelta(days=400)
"""How long superseded versions stay, unless `Store.retain` says otherwise."""

CLOCK_FILE = "kpi.clock"

_NO_LAG = timedelta(0)


class Store:
    """The store in one data directory. Thread-safe; writes wait for each other.

    All methods but `open` and `close` raise StoreError if the disk is full or not writable (the transaction is rolled
    back, and a later call may succeed) and StoreDamagedError if the file was removed or is damaged (see `recover`).
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version_retention = VERSION_RETENTION
        self._persons = ReplacedPersons(database)
        self._adopt()

    @classmethod
    def open(cls, data_dir: Path, *, on_corrupt: OnCorrupt = "rebuild", clock: Clock = system_clock) -> Store:
        """Locks the directory and opens or creates its store, which is upgraded if an earlier version wrote it.

        With `rebuild`, a damaged, empty or foreign file is moved aside as `kpi.duckdb.damaged-<n>`; with `fail`, it
        raises StoreDamagedError. Raises StoreLockedError, SchemaVersionError, UnknownSchemaError, StoreError.
        """
        database = Database(data_dir, on_corrupt, clock)
        try:
            try:
                return cls(database)
            except StoreDamagedError:
                database.recover()
                return cls(database)
        except BaseException:
            database.close()
            raise

    @property
    def path(self) -> Path:
        """The store file."""
        return self._database.path

    @property
    def rebuilds(self) -> int:
        """The number of damaged files that were replaced by an empty one since `open`."""
        return self._database.rebuilds

    @property
    def up(self) -> bool:
        """False from a failed write until one succeeds, and while the file is damaged."""
        return self._database.up

    def decide_damage(self, on_corrupt: OnCorrupt) -> None:
        """Says what `recover` does from now on, as `open` does."""
        self._database.on_corrupt = on_corrupt

    def unaccepted_rebuilds(self) -> tuple[Rebuild, ...]:
        """The rebuilds whose loss no operator has accepted; KPIs that rest on pushed records are withheld meanwhile."""
        with self._database.reading() as connection:
            return unaccepted_rebuilds(connection)

    def accept_loss(self, at: datetime) -> tuple[Rebuild, ...]:
        """Accepts what was lost in all rebuilds so far; returns those that nobody had accepted."""
        with self._database.write() as connection:
            rebuilds = unaccepted_rebuilds(connection)
            accept_rebuilds(connection, at)
        return rebuilds

    def begin(
        self, source: str, entity: str, started_at: datetime, *, full: bool = False, fingerprint: str = ""
    ) -> Pass:
        """The pass to run now: an interrupted one of the same kind resumes, otherwise one starts at `started_at`.

        The pass is full (it has no cursor) if `full` is True, if there is no cursor yet, or if `fingerprint`, a digest
        of the options that determine the records, has changed.
        """
        with self._database.write() as connection:
            return passes.begin(connection, Slot(source, entity, full), started_at, fingerprint)

    def stage(self, sync_pass: Pass, source: str, page: Page) -> None:
        """Stores a page of the pass and its resume token in one transaction."""
        slot = Slot(source, sync_pass.entity, sync_pass.cursor is None)
        self._persons.bring_back(source, page)
        page, _ = self._persons.suppression.applied(source, page)
        values = staging.page_values(slot, next(self._page_numbers), page)
        self._database.write_once(staging.INSERT_PAGE, values)

    def publish(  # noqa: PLR0913 - all that a pass ends with, in one commit
        self,
        source: str,
        entity: str,
        *,
        full: bool | None = None,
        cursor: str | None = None,
        listing: Listing | None = None,
        at: datetime | None = None,
        lag: timedelta = _NO_LAG,
        complete_until: datetime | None = None,
        seconds: float | None = None,
    ) -> MergeResult:
        """Ends a pass in one commit: merges its pages, applies deletions, and saves cursor, watermark and outcome.

        `full` selects the pass if one of each kind is unfinished. `at` is the current time, by default the start of
        the pass. Without a `cursor` the entity keeps its cursor. The watermark becomes the start minus `lag`, or
        `complete_until` if that is earlier.
        """
        with self._database.write() as connection:
            slot, open_pass = passes.require(connection, source, entity, full)
            staged, _ = staging.progress(connection, slot)
            now = at or open_pass.started_at
            before = state.read_outcome(connection, source, entity)
            complete = min(filter(None, (open_pass.started_at - lag, complete_until)))
            outcome = passes.succeeded(before, slot, open_pass, cursor, now, complete)
            merged = merge(connection, PassEnd(slot, staged, listing), self._arrival(before, outcome, now))
            rejects.take(connection, slot, everything=slot.full or (listing is not None and listing.since is None))
            last_full = outcome.last_full if listing is None else now
            state.save_outcome(connection, replace(outcome, last_full=last_full, seconds=seconds))
            commits = self._count_commit(connection, {entity: merged})
            if not slot.full and passes.find(connection, replace(slot, full=True)):
                staging.hand_over(connection, slot)
            passes.clear(connection, slot)
        self._database.record_commits(commits)
        return merged

    def deliver(self, source: str, pages: Mapping[str, Page], at: datetime) -> Mapping[str, MergeResult]:
        """Stores pages that were pushed at `at`, one for each entity, in one commit, with `results` for each id.

        Each page is a whole pass, which may have a listing; its watermark is `at`. Publishing staged pages later
        instead could lose records that the sender was told are stored. Rejected records do not count as missing,
        because the sender is told of each.
        """
        merged: dict[str, MergeResult] = {}
        for delivered in pages.values():
            self._persons.bring_back(source, delivered)
        with self._database.write() as connection:
            for entity, delivered in pages.items():
                page, former_ids = self._persons.suppression.applied(source, delivered)
                slot = Slot(source, entity, page.listing is not None)
                passes.clear(connection, slot)
                values = staging.page_values(slot, next(self._page_numbers), page)
                connection.execute(staging.INSERT_PAGE, values)
                before = state.read_outcome(connection, source, entity)
                outcome = passes.succeeded(before, slot, OpenPass(at, at), None, at, at)
                end, arrival = PassEnd(slot, len(page.records), page.listing), self._arrival(before, outcome, at)
                result = merge(connection, end, arrival, with_results=True)
                by_id = {former_ids.get(row_id, row_id): change for row_id, change in result.results.items()}
                merged[entity] = replace(result, results=by_id)
                state.save_outcome(connection, outcome)
                passes.clear(connection, slot)
            commits = self._count_commit(connection, merged)
        self._database.record_commits(commits)
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
        """Records a failed pass. Its pages stay for the next pass to resume, unless the pass is given as `abandon`."""
        with self._database.write() as connection:
            outcome = state.read_outcome(connection, source, entity)
            failures = outcome.failures + 1
            failed = replace(outcome, failures=failures, reason=reason, failed_at=at, retry_at=retry_at)
            state.save_outcome(connection, failed)
            if abandon is not None:
                passes.clear(connection, Slot(source, entity, abandon.cursor is None))

    def retain(
        self,
        entities: Mapping[str, Collection[str]],
        versions: timedelta = VERSION_RETENTION,
        *,
        pushed: Mapping[str, Sequence[str]] | None = None,
        at: datetime | None = None,
    ) -> RetainedSources:
        """Removes records and state of every source and entity that `entities`, by source, does not contain.

        Records that were pushed are set aside, all others deleted. `pushed` has the push sources, each with the names
        of which the records that are set aside are its own. From now on, superseded versions stay for `versions`.
        """
        self._version_retention = versions
        with self._database.write() as connection:
            retained = sources.retain(connection, entities, pushed, at or datetime.now(UTC))
            commits = self._count_commit(connection, retained.changes) if retained.changes else None
        if commits is not None:
            self._database.record_commits(commits)
        return retained

    def removed_sources(self) -> tuple[RemovedRecords, ...]:
        """The records of removed push sources that are set aside, by source and entity."""
        with self._database.reading() as connection:
            return set_aside.removed(connection)

    def forget_source(self, source: str) -> int:
        """Deletes the records of a removed push source that are set aside; returns how many there were."""
        with self._database.write() as connection:
            removed = [each for each in set_aside.removed(connection) if each.source == source]
            for each in removed:
                set_aside.forget(connection, source, each.entity)
        return sum(each.records for each in removed)

    def adopt_clock(self, now: datetime) -> float:
        """Moves stored waits by the seconds that the wall clock jumped since the last call, and returns them.

        That holds across restarts of the program, but not of the machine.
        """
        path = self.path.with_name(CLOCK_FILE)
        current, previous = ClockRecord.at(now), ClockRecord.read(path)
        if current is None:
            return 0.0
        jump = current.jump_since(previous)
        if abs(jump) > CLOCK_JUMP:
            with self._database.write() as connection:
                state.shift_waits(connection, timedelta(seconds=jump), now)
        elif previous is not None and previous.boot == current.boot:
            return 0.0
        current.write(path)
        return jump

    def lift_waits(self, source: str) -> int:
        """Ends the waits that the vendor of a source asked for, and returns for how many entities there was one."""
        with self._database.write() as connection:
            return state.lift_waits(connection, source)

    def outcomes(self) -> tuple[Outcome, ...]:
        """How the passes went, by source and entity."""
        with self._database.reading() as connection:
            return state.read_outcomes(connection)

    def reader(self) -> duckdb.DuckDBPyConnection:
        """A new connection for SELECTs of one thread, which the caller closes."""
        return self._database.reader()

    def reading(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection for SELECTs with a constant view of the store, even while others publish."""
        return self._database.reading()

    def seals(self, kpi: str | None = None) -> tuple[Seal, ...]:
        """The seals of all KPIs or of one, by KPI, period and scope."""
        with self._database.reading() as connection:
            return ledger.read_seals(connection, kpi)

    def restatements(self, kpi: str | None = None) -> tuple[Restatement, ...]:
        """The restatements of all KPIs or of one, in the order in which they were made."""
        with self._database.reading() as connection:
            return ledger.read_restatements(connection, kpi)

    def write_ledger(self, entries: LedgerEntries) -> None:
        """Adds seals and restatements and replaces looks, in one transaction."""
        with self._database.write() as connection:
            ledger.write(connection, entries)

    def replace_persons(self, kind: TokenKind, find: FindNames) -> Replacement:
        """Replaces persons by tokens, now and in whatever sources deliver later; see `ReplacedPersons.replace`."""
        return self._persons.replace(kind, find)

    def digest(self, text: str) -> str:
        """A digest of a text that nobody can compare with those of another store."""
        return self._persons.suppression.digest(text)

    def save_snapshot(self, snapshot: bytes, memory: bytes, at: datetime) -> None:
        """Stores the last snapshot and the status memory for the next start."""
        with self._database.write() as connection:
            state.save_snapshot(connection, snapshot, memory, at)

    def load_snapshot(self) -> tuple[bytes, bytes, datetime] | None:
        """The stored snapshot, the status memory and the instant of both; None before the first."""
        with self._database.reading() as connection:
            return state.load_snapshot(connection)

    def backup(self, out: Path, at: datetime, *, overwrite: bool = False) -> BackupManifest:
        """Writes a verified copy of the store to a file; see `write_backup`."""
        return write_backup(self._database, out, at, overwrite=overwrite)

    def ping(self) -> None:
        """Returns if the store is usable, after a new attempt to write if the last write failed.

        Raises StoreDamagedError if the file is missing or damaged, otherwise StoreError.
        """
        self._database.ping()

    def read_failed(self, error: Exception) -> StoreError:
        """The error of a query on a reader, to be raised: StoreDamagedError if the file is damaged."""
        return self._database.read_failed(error)

    def recover(self) -> None:
        """Opens the directory again after StoreDamagedError, as `open` does and with its errors; closes all readers."""
        self._database.recover()
        self._adopt()

    def open_restored(self) -> None:
        """Opens the store that `prepare_restore` left, with the errors of `open`; closes all readers."""
        self._database.recover(suspect=False)
        self._adopt()

    def interrupt(self, thread: int) -> None:
        """Interrupts the write that runs in this thread, if one does; it is rolled back and raises StoreError there."""
        self._database.interrupt(thread)

    def close(self) -> None:
        """Releases the directory; closing again does nothing."""
        self._database.close()

    def _adopt(self) -> None:
        """Takes over what the file that was just opened contains."""
        self._persons.adopt()
        with self._database.reading() as connection:
            self._page_numbers = itertools.count(staging.last_page(connection) + 1)

    def _arrival(self, before: Outcome, after: Outcome, now: datetime) -> Arrival:
        """From when the changes of a pass hold, which turned the outcome `before` into `after`."""
        return Arrival(
            valid_from=after.watermark or now,
            known_from=now,
            oldest=now - self._version_retention,
            is_correction=before.fingerprint != after.fingerprint,
        )

    @staticmethod
    def _count_commit(connection: duckdb.DuckDBPyConnection, merged: Mapping[str, MergeResult]) -> int:
        """Counts the commit, whose number becomes the version of every entity that changed."""
        commits = state.count_commit(connection)
        for entity, result in merged.items():
            if result.changed:
                state.set_version(connection, entity, commits)
        return commits
