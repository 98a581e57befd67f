"""The open store file: one writer at a time, concurrent readers, detection of damage, recovery from errors."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from weakref import WeakSet

import duckdb

from exporter.clock import Clock, system_clock
from exporter.errors import StoreDamagedError, StoreError
from exporter.settings import OnCorrupt
from exporter.store.connection import StoreIdentity, connect, first_line, is_content, is_damage, translate
from exporter.store.detached import rewrite_file
from exporter.store.opening import DataFiles, DirectoryLock, open_file, write_sentinel
from exporter.store.permissions import private_files

PROBE_BYTES = 1024 * 1024
"""A disk with less free space than this counts as full."""

_CLOSE_TIMEOUT = 5.0
_HEADER_BYTES = 3 * 4096  # DuckDB changes a file's headers with each checkpoint
_COPY_BYTES = 1024 * 1024
_FORMER_STORES = ("damaged-", "former-", "salvaged")
"""What the names of files beside the store that were one, or were read from one, continue with."""


class Database:
    """Owns the data directory: its lock, its sentinel and all connections.

    `rebuilds` counts the damaged files that were replaced by an empty one. `up` is False from a failed write until
    one succeeds, and while the file is damaged. `on_corrupt` says what `recover` does about a damaged file.
    """

    def __init__(self, data_dir: Path, on_corrupt: OnCorrupt = "rebuild", clock: Clock = system_clock) -> None:
        """Raises StoreLockedError, SchemaVersionError, StoreDamagedError (with `fail`), StoreError."""
        self.rebuilds = 0
        self.up = True
        self.on_corrupt = on_corrupt
        self._clock = clock
        self._damage: StoreDamagedError | None = None
        self._files = DataFiles.of(data_dir)
        self._identity: StoreIdentity
        self._closed = self._broken = False
        self._checkpoints_held = False
        self._descriptors: dict[tuple[int, int], int] = {}
        self._backup = threading.Lock()
        self._backup_connections: WeakSet[duckdb.DuckDBPyConnection] = WeakSet()
        self._mutex, self._copying = threading.RLock(), threading.Lock()
        self._writing_thread: int | None = None
        self._interrupting = threading.Lock()
        self._readers: WeakSet[duckdb.DuckDBPyConnection] = WeakSet()
        self._lock = DirectoryLock(self._files.lock)
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise

    @property
    def path(self) -> Path:
        """The store file."""
        return self._files.store

    @contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction, which is committed at the end or rolled back. Raises StoreError, StoreDamagedError."""
        with self._mutex, self._translated(writing=True), private_files():
            writer = self._usable_writer()
            writer.execute("BEGIN TRANSACTION")
            try:
                with self._interruptible():
                    yield writer
                    writer.execute("COMMIT")
            except BaseException:
                with suppress(duckdb.Error):  # on a full disk DuckDB has already rolled back
                    writer.execute("ROLLBACK")
                raise
            self.up = True

    def write_once(self, statement: str, values: Sequence[object]) -> None:
        """Runs one statement in its own transaction. Raises StoreError, StoreDamagedError."""
        with self._mutex, self._translated(writing=True), private_files(), self._interruptible():
            self._usable_writer().execute(statement, values)
            self.up = True

    def reader(self) -> duckdb.DuckDBPyConnection:
        """A new connection for SELECTs, which the caller closes. Raises StoreError."""
        with self._mutex, self._translated(writing=False):
            self._usable_writer()
            cursor = self._root.cursor()
            self._readers.add(cursor)
            return cursor

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with a constant view of the store, even while others publish. Raises StoreError."""
        cursor = self.reader()
        with self._translated(writing=False):
            try:
                cursor.execute("BEGIN TRANSACTION READ ONLY")
                yield cursor
            finally:
                cursor.close()

    def record_commits(self, commits: int) -> None:
        """Records the number of commits in the sentinel."""
        with self._mutex:
            self._identity = StoreIdentity(self._identity.store_id, commits)
            with suppress(OSError):  # an outdated count is still a correct lower bound
                write_sentinel(self._files, self._identity, intact=self._damage is None)

    def ping(self) -> None:
        """Retries a write if the last one failed. Raises StoreDamagedError (missing or damaged file) or StoreError."""
        with self._mutex, self._translated(writing=False):
            self._usable_writer()
            if self.up:
                return
            self._probe_disk()
            with self.write() as writer:
                writer.execute("UPDATE store_meta SET commits = commits")
            if self._checkpoints_held:
                return
            # checkpoint, because a log at its size limit would fail again at the next page
            with (
                self._translated(writing=True),
                private_files(),
                suppress(duckdb.TransactionException),
            ):  # a reader is active
                self._writer.execute("CHECKPOINT")

    def read_failed(self, error: Exception) -> StoreError:
        """The error of a query on a reader, to be raised. After damage nothing is read or written until `recover`."""
        try:
            with self._translated(writing=False):
                raise error
        except StoreError as translated:
            return translated

    def recover(self, *, suspect: bool = True) -> None:
        """Opens the directory again, after StoreDamagedError or a restore; `suspect` verifies every block.

        Raises what the constructor raises.
        """
        with self._mutex:
            self._disconnect()
            self._broken = True  # until a file is open
            try:
                self._open(suspect=suspect)
            except StoreDamagedError as error:
                self._damage = error
                raise
            self._damage, self.up = None, True

    def copy_file(self, out: Path) -> bool:
        """Copies the file as of a checkpoint that is made now, while writes go on; False if it changed meanwhile.

        Writes wait for the checkpoint. Raises StoreError.
        """
        with self._copying, self._without_checkpoints() as file, out.open("wb") as copy:
            before, position = os.pread(file, _HEADER_BYTES, 0), 0
            while block := os.pread(file, _COPY_BYTES, position):
                if self._closed:
                    raise StoreError(f"{self.path} is closed")
                position += copy.write(block)
            return os.pread(file, _HEADER_BYTES, 0) == before

    def rewrite(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Writes all tables to a new file, so that nothing of what was deleted is left, in place of this one.

        Copies from before an upgrade are deleted; other files that were stores stay. Returns the names of both.
        Closes all readers. Raises StoreError, and the file stays as it was.
        """
        with self._mutex, self._translated(writing=True):
            self._usable_writer()
            self._disconnect()
            try:
                rewrite_file(self.path)
            finally:
                self._use(connect(self.path))
                self._inode = _inode(self.path)
        copies = sorted(self.path.parent.glob(f"{self.path.name}.before-*"))
        for copy in copies:
            copy.unlink(missing_ok=True)
        files = (path for purpose in _FORMER_STORES for path in self.path.parent.glob(f"{self.path.name}.{purpose}*"))
        return tuple(path.name for path in copies), tuple(sorted(path.name for path in files))

    def interrupt(self, thread: int) -> None:
        """Interrupts the write that runs in the thread with this identifier; it is rolled back and raises StoreError.

        Writes of other threads, such as posts, are not affected.
        """
        with self._interrupting:
            if self._writing_thread == thread:
                self._writer.interrupt()

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """The block is a write of this thread."""
        self._writing_thread = threading.get_ident()
        try:
            yield
        finally:
            with self._interrupting:  # an interrupt never reaches the next write
                self._writing_thread = None

    def close(self) -> None:
        """Writes everything to the file and releases the data directory; closing again does nothing."""
        with self._mutex:
            if self._closed:
                return
            self._closed = True
            with private_files():
                self._disconnect()
            if self._is_present() and self._damage is None:
                self.record_commits(self._identity.commits)
            self._lock.release()
        self._end_backup()
        # otherwise it hangs, and the descriptors end with the process
        if self._copying.acquire(timeout=_CLOSE_TIMEOUT):
            for descriptor in self._descriptors.values():
                os.close(descriptor)
            self._descriptors.clear()
            self._copying.release()

    @contextmanager
    def backing_up(self) -> Iterator[WeakSet[duckdb.DuckDBPyConnection]]:
        """One backup at a time; `close` interrupts the connections that are added to the set, and waits for the end."""
        with self._backup:
            yield self._backup_connections

    def _end_backup(self) -> None:
        """A thread that is inside DuckDB when the process ends would abort it."""
        deadline = time.monotonic() + _CLOSE_TIMEOUT
        while not self._backup.acquire(timeout=0.05):
            for connection in tuple(self._backup_connections):
                with suppress(duckdb.Error):
                    connection.interrupt()
            if time.monotonic() > deadline:
                return
        self._backup.release()

    @contextmanager
    def _without_checkpoints(self) -> Iterator[int]:
        """Makes a checkpoint and holds off further ones; gives a descriptor of the file, whose blocks do not change."""
        with self._mutex, self._translated(writing=True):
            writer = self._usable_writer()
            # stays open, because closing it would release the lock that DuckDB has on the file
            if self._inode not in self._descriptors:
                self._descriptors[self._inode] = os.open(self.path, os.O_RDONLY)
            file = self._descriptors[self._inode]
            writer.execute("SET GLOBAL checkpoint_threshold = '1TB'")
            self._checkpoints_held = True
        try:
            with self._mutex, self._translated(writing=True):
                self._usable_writer().execute("CHECKPOINT")
            yield file
        finally:
            with self._mutex, suppress(duckdb.Error, StoreError):  # a store that was opened again has the default
                self._checkpoints_held = False
                self._usable_writer().execute("RESET GLOBAL checkpoint_threshold")

    def _open(self, *, suspect: bool = False) -> None:
        opened = open_file(self._files, self.on_corrupt, self._clock, suspect=suspect)
        self.rebuilds += opened.is_rebuilt
        self._identity = opened.identity
        self._inode = _inode(self.path)
        self._broken = False
        self._use(opened.connection)

    def _use(self, root: duckdb.DuckDBPyConnection) -> None:
        # statements run on cursors of the root: a connection rejects a second thread
        self._root = root
        self._writer = root.cursor()

    def _usable_writer(self) -> duckdb.DuckDBPyConnection:
        if self._closed:
            raise StoreError(f"{self.path} is closed")
        if self._damage is not None:
            raise self._damage
        self._require_presence()
        if self._broken:
            self._disconnect()
            self._use(connect(self.path))
            self._broken = False
        return self._writer

    def _require_presence(self) -> None:
        if not self._is_present():
            raise StoreDamagedError(f"{self.path} was removed or replaced while in use")

    def _is_present(self) -> bool:
        try:
            return _inode(self.path) == self._inode
        except OSError:
            return False

    def _disconnect(self) -> None:
        """Closes all connections, interrupting those that are busy in other threads."""
        deadline = time.monotonic() + _CLOSE_TIMEOUT
        while True:
            for cursor in (*self._readers, self._writer):
                with suppress(duckdb.Error):
                    cursor.interrupt()
            try:
                self._root.close()
            except duckdb.Error as error:
                if time.monotonic() > deadline:
                    raise StoreError(f"{self.path} cannot be closed: {first_line(error)}") from error
                time.sleep(0.01)
            else:
                return

    @contextmanager
    def _translated(self, *, writing: bool) -> Iterator[None]:
        try:
            yield
        except StoreDamagedError:
            self.up = False
            raise
        except (duckdb.Error, OSError, MemoryError) as error:
            fatal = isinstance(error, duckdb.FatalException)
            self._broken = self._broken or fatal
            translated = translate(self.path, error)
            if isinstance(translated, StoreDamagedError):
                self._suspect(translated)
            if fatal or is_damage(error) or (writing and not is_content(error)):
                self.up = False
            raise translated from error

    def _suspect(self, damage: StoreDamagedError) -> None:
        """Uses the file no more, and has the next open verify every block of it, even after a kill."""
        self._damage = damage
        with suppress(OSError):
            write_sentinel(self._files, self._identity, intact=False)

    def _probe_disk(self) -> None:
        probe = self._files.probe
        try:
            with probe.open("wb") as file:
                file.write(bytes(PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(f"{probe.parent} cannot be written: {error.strerror}") from error
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)


def _inode(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
