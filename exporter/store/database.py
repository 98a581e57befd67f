"""The store file while it is in use: one writer at a time, readers beside it, damage noticed, faults healed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from weakref import WeakSet

import duckdb

from exporter.errors import StoreDamagedError, StoreError
from exporter.settings import OnCorrupt
from exporter.store.connection import connect, first_line, is_content, is_damage, translate
from exporter.store.lock import DirectoryLock
from exporter.store.opening import Files, open_file
from exporter.store.sentinel import observe, write_sentinel

PROBE_BYTES = 1024 * 1024
"""Less free space than this counts as a full disk."""

_LONGEST_STATEMENT = 5.0


class Database:
    """Owns the data directory: its lock, its sentinel and all connections.

    `rebuilds` counts how often a damaged file was moved aside for an empty one; `up` is False from a failed
    write until one succeeds.
    """

    def __init__(self, data_dir: Path, on_corrupt: OnCorrupt = "rebuild") -> None:
        """Raises StoreLockedError, SchemaVersionError, StoreDamagedError (with `fail`), StoreError."""
        self.rebuilds = 0
        self.up = True
        self._files = Files.of(data_dir)
        self._closed = self._broken = False
        self._on_corrupt = on_corrupt
        self._mutex = threading.RLock()
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
        """One transaction: all of it or nothing. Raises StoreError, StoreDamagedError."""
        with self._mutex, self._translated(writing=True):
            writer = self._ready()
            writer.execute("BEGIN TRANSACTION")
            try:
                yield writer
                writer.execute("COMMIT")
            except BaseException:
                with suppress(duckdb.Error):  # DuckDB has rolled back already where the disk is full
                    writer.execute("ROLLBACK")
                raise
            self.up = True

    def write_once(self, statement: str, values: Sequence[object]) -> None:
        """One statement in a transaction of its own. Raises StoreError, StoreDamagedError."""
        with self._mutex, self._translated(writing=True):
            self._ready().execute(statement, values)
            self.up = True

    def reader(self) -> duckdb.DuckDBPyConnection:
        """A connection of the caller's own, for SELECTs. Raises StoreError."""
        with self._mutex, self._translated(writing=False):
            self._ready()
            cursor = self._root.cursor()
            self._readers.add(cursor)
            return cursor

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that sees one state of the store, whatever is published meanwhile. Raises StoreError."""
        cursor = self.reader()
        with self._translated(writing=False):
            try:
                cursor.execute("BEGIN TRANSACTION READ ONLY")
                yield cursor
            finally:
                cursor.close()

    def committed(self, commits: int) -> None:
        """Notes outside of the file that it now holds so many commits."""
        with self._mutex:
            self._commits = commits
            with suppress(OSError):  # too old a count is still a true lower bound
                write_sentinel(self._files.sentinel, observe(self.path, self._store_id, commits))

    def ping(self) -> None:
        """Tries to write if the last write failed. Raises StoreDamagedError (file gone, damaged) or StoreError."""
        with self._mutex, self._translated(writing=False):
            if self.up:
                self._ready()
                return
            self._be_present()
            self._try_disk()
            with self.write() as writer:
                writer.execute("UPDATE store_meta SET commits = commits")
            self._empty_log()

    def recover(self) -> None:
        """After StoreDamagedError: opens the directory anew. Raises what the constructor raises."""
        with self._mutex:
            self._disconnect()
            self._open(suspect=True)
            self.up = True

    def interrupt(self) -> None:
        """Breaks off the write that is running in another thread; it is rolled back and raises StoreError."""
        self._writer.interrupt()

    def close(self) -> None:
        """Brings everything into the file and frees the data directory; a second time does nothing."""
        with self._mutex:
            if self._closed:
                return
            self._closed = True
            self._disconnect()
            if self._is_present():
                self.committed(self._commits)
            self._lock.release()

    def _open(self, *, suspect: bool = False) -> None:
        opened = open_file(self._files, self._on_corrupt, suspect=suspect)
        self.rebuilds += opened.rebuilt
        self._store_id, self._commits = opened.identity.store_id, opened.identity.commits
        self._inode = _inode(self.path)
        self._broken = False
        self._use(opened.connection)

    def _use(self, root: duckdb.DuckDBPyConnection) -> None:
        # statements run on cursors of the root: a connection refuses a second thread
        self._root = root
        self._writer = root.cursor()

    def _ready(self) -> duckdb.DuckDBPyConnection:
        if self._closed:
            raise StoreError(f"{self.path} is closed")
        self._be_present()
        if self._broken:
            self._disconnect()
            self._use(connect(self.path))
            self._broken = False
        return self._writer

    def _be_present(self) -> None:
        if not self._is_present():
            raise StoreDamagedError(f"{self.path} was removed or replaced while in use")

    def _is_present(self) -> bool:
        try:
            return _inode(self.path) == self._inode
        except OSError:
            return False

    def _disconnect(self) -> None:
        """Closes all connections; one that is busy in another thread is interrupted first."""
        deadline = time.monotonic() + _LONGEST_STATEMENT
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

    def _empty_log(self) -> None:
        """Moves the log into the file: a log that has reached its limit would fail at the next page again."""
        with self._translated(writing=True), suppress(duckdb.TransactionException):  # somebody reads meanwhile
            self._writer.execute("CHECKPOINT")

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
            if fatal or is_damage(error) or (writing and not is_content(error)):
                self.up = False
            raise translate(self.path, error) from error

    def _try_disk(self) -> None:
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
    found = path.stat()
    return found.st_dev, found.st_ino
