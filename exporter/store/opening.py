"""Opening a data directory: its lock, its sentinel, and the store file, which is rebuilt if it is damaged.

The sentinel is a small file beside the store that records the store's identity and its number of commits. DuckDB
opens a file whose write-ahead log was deleted without complaint; only the sentinel's count shows that commits are
missing. The count is never ahead of the store, because it is written after each commit.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from exporter.clock import Clock
from exporter.disk import FILE_MODE, open_private, unused_name
from exporter.errors import StoreDamagedError, StoreError, StoreLockedError, StoreReplacedError
from exporter.records import ENTITIES
from exporter.settings import OnCorrupt
from exporter.store.connection import (
    APPLICATION,
    StoreIdentity,
    connect,
    first_line,
    identify,
    inspect,
    is_foreign_log,
    verify,
)
from exporter.store.manifest import read_manifest
from exporter.store.permissions import make_directory, private_files, unusable
from exporter.store.rebuilds import Rebuild, add_rebuild
from exporter.store.restored_file import adopt, check_contents, finish_restore
from exporter.store.schema import SCHEMA_VERSION, create_statements, schema_digest
from exporter.store.upgrade import upgrade

_SENTINEL_BYTES = 256  # one write of constant length within a disk sector cannot be torn

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DataFiles:
    """The files of a data directory."""

    store: Path
    log: Path
    sentinel: Path
    lock: Path
    probe: Path
    spill: Path
    restored: Path

    @classmethod
    def of(cls, data_dir: Path) -> DataFiles:
        """The paths in `data_dir`; DuckDB derives those of the log and the spilled data from the store's."""
        name = "kpi.duckdb"
        return cls(
            store=data_dir / name,
            log=data_dir / f"{name}.wal",
            sentinel=data_dir / "kpi.sentinel",
            lock=data_dir / "kpi.lock",
            probe=data_dir / "kpi.probe",
            spill=data_dir / f"{name}.tmp",
            restored=data_dir / f"{name}.restored",
        )


class DirectoryLock:
    """An exclusive lock on the data directory. The kernel releases it when the process dies, for whatever reason."""

    def __init__(self, path: Path) -> None:
        """Closes the directory to other users and takes the lock, without waiting for it.

        Raises StoreLockedError, StoreError.
        """
        make_directory(path.parent)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        except OSError as error:
            raise unusable(path.parent, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise StoreLockedError(path.parent) from error

    def release(self) -> None:
        """Lets another process take the lock."""
        os.close(self._file)


@dataclass(frozen=True, slots=True)
class Sentinel:
    """The store's identity, its commits, and the size and modification time of its file when they were recorded."""

    store_id: str
    commits: int
    size: int = -1
    modified: int = -1

    @property
    def is_of_file(self) -> bool:
        """True if it was recorded with the file itself."""
        return self.size >= 0

    def describes(self, path: Path) -> bool:
        """True if the file looks as this program left it."""
        status = path.stat()
        return (status.st_size, status.st_mtime_ns) == (self.size, self.modified)


def read_sentinel(path: Path) -> Sentinel | None:
    """The sentinel; None if there is none or its content is not one. Raises StoreError if it cannot be read."""
    try:
        return Sentinel(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(path, error) from error
    except (ValueError, TypeError):
        return None


def write_sentinel(files: DataFiles, identity: StoreIdentity, *, intact: bool = True) -> None:
    """Replaces the sentinel in place; unless the file is `intact`, the next open verifies it. Raises OSError."""
    sentinel = Sentinel(identity.store_id, identity.commits)
    if intact:
        status = files.store.stat()
        sentinel = replace(sentinel, size=status.st_size, modified=status.st_mtime_ns)
    path = files.sentinel
    text = json.dumps(asdict(sentinel)).ljust(_SENTINEL_BYTES - 1) + "\n"
    with open(path, "r+b" if path.exists() else "wb", opener=open_private) as file:
        file.write(text.encode())


@dataclass(frozen=True, slots=True)
class OpenStore:
    """An open store file. `is_rebuilt` is True if a damaged file was moved aside for it."""

    connection: duckdb.DuckDBPyConnection
    identity: StoreIdentity
    is_rebuilt: bool


def open_file(files: DataFiles, on_corrupt: OnCorrupt, clock: Clock, *, suspect: bool = False) -> OpenStore:
    """Opens the directory's store file; the caller holds the lock. `suspect` verifies every block.

    With `rebuild`, a damaged file becomes `kpi.duckdb.damaged-<n>`; with `fail`, it raises StoreDamagedError.
    A file of an earlier version is upgraded. Raises SchemaVersionError and UnknownSchemaError (never moved aside),
    StoreLockedError (another program has the file open), StoreReplacedError (somebody put another store there),
    StoreError (permissions, space).
    """
    shutil.rmtree(files.spill, ignore_errors=True)
    finish_restore(files)
    sentinel = read_sentinel(files.sentinel)
    with private_files():
        try:
            if sentinel is None and not files.store.exists() and not files.log.exists():
                return _create(files)
            return _open_existing(files, sentinel, suspect=suspect)
        except StoreDamagedError as error:
            if on_corrupt == "fail":
                raise
            return _rebuild(files, error, clock())


def _open_existing(files: DataFiles, sentinel: Sentinel | None, *, suspect: bool) -> OpenStore:
    path = files.store
    if not path.exists():
        raise StoreDamagedError(f"{path} is missing, but {files.sentinel.name} refers to it")
    inspect(path)
    untouched = sentinel is not None and sentinel.describes(path)
    connection = _connect(path, untouched=untouched or sentinel is None)
    try:
        identity = identify(connection, path)
        manifest = read_manifest(connection)
        if manifest is not None:
            check_contents(connection, manifest, path)
        elif sentinel is not None:
            _require_successor(path, identity, sentinel, untouched=untouched)
        if identity.schema_version < SCHEMA_VERSION:
            connection = upgrade(connection, path, identity.schema_version)
            identity = StoreIdentity(identity.store_id, identity.commits)
        elif suspect or not untouched:
            verify(connection, path)
        if manifest is not None:
            adopt(connection, 0 if sentinel is None else sentinel.commits)
            identity = identify(connection, path)
            _log.warning("%s is the backup of %s: continuing from there", path, manifest.taken_at)
    except BaseException:
        connection.close()
        raise
    _record(files, identity)
    return OpenStore(connection, identity, is_rebuilt=False)


def _connect(path: Path, *, untouched: bool) -> duckdb.DuckDBPyConnection:
    try:
        return connect(path)
    except StoreDamagedError as error:
        if not untouched and is_foreign_log(error):
            raise StoreReplacedError(path, "was replaced, and the log beside it belongs to another file") from error
        raise


def _require_successor(path: Path, identity: StoreIdentity, sentinel: Sentinel, *, untouched: bool) -> None:
    """Raises StoreReplacedError if somebody replaced the file, StoreDamagedError if it is the same and lost commits."""
    if identity.store_id != sentinel.store_id:
        if not sentinel.is_of_file:
            raise StoreDamagedError(f"{path} is not the store of this directory")
        raise StoreReplacedError(path, "is the store of another directory")
    if identity.commits < sentinel.commits:
        missing = sentinel.commits - identity.commits
        if untouched or not sentinel.is_of_file:
            raise StoreDamagedError(f"{path} has lost {missing} commits")
        raise StoreReplacedError(path, f"is an older copy of this directory's store ({missing} fewer commits)")


def _create(files: DataFiles) -> OpenStore:
    identity, draft = _draft(files, None)
    _replace(draft, files.store)
    _record(files, identity)
    return OpenStore(connect(files.store), identity, is_rebuilt=False)


def _rebuild(files: DataFiles, damage: StoreDamagedError, now: datetime) -> OpenStore:
    """Moves the damaged store aside and creates an empty one that tells so.

    A kill on the way leaves a directory that is damaged as well, because the sentinel names the new store first.
    """
    aside = unused_name(files.store, "damaged") if files.store.exists() else None
    rebuild = Rebuild(now, str(damage), None if aside is None else str(aside))
    _log.error(
        "%s: %s; polled sources are read again, and KPIs that rest on pushed records are withheld until a backup is"
        " restored or the loss is accepted: kpi-exporter accept-loss",
        damage,
        "the file is gone, an empty store takes its place" if aside is None else f"it is moved aside as {aside}",
    )
    identity, draft = _draft(files, rebuild)
    try:
        write_sentinel(files, identity, intact=False)
        if aside is not None:
            files.store.rename(aside)
        if files.log.exists():
            log = aside or unused_name(files.store, "damaged")
            files.log.rename(log.with_name(f"{log.name}.wal"))
    except OSError as error:
        raise StoreError(f"{files.store} cannot be moved aside: {error.strerror}") from error
    _replace(draft, files.store)
    _record(files, identity)
    return OpenStore(connect(files.store), identity, is_rebuilt=True)


def _draft(files: DataFiles, rebuild: Rebuild | None) -> tuple[StoreIdentity, Path]:
    """A complete, empty store beside the place where it belongs."""
    # versions start at a random number, so that no reader mistakes a rebuilt table for the one it cached
    identity = StoreIdentity(secrets.token_hex(16), secrets.randbits(48))
    path = files.store
    draft = path.with_name(path.name + ".new")
    try:
        draft.unlink(missing_ok=True)
        draft.with_name(draft.name + ".wal").unlink(missing_ok=True)
        with connect(draft) as connection:
            for statement in create_statements():
                connection.execute(statement)
            for entity in ENTITIES:
                connection.execute("INSERT INTO entity_state VALUES (?, ?, 0)", [entity, identity.commits])
            meta = [APPLICATION, identity.store_id, SCHEMA_VERSION, schema_digest(), identity.commits]
            connection.execute("INSERT INTO store_meta VALUES (?, ?, ?, ?, ?)", meta)
            if rebuild is not None:
                add_rebuild(connection, rebuild)
            connection.execute("CHECKPOINT")
    except (OSError, duckdb.Error, StoreError) as error:
        raise StoreError(f"{path.parent} cannot be written: {first_line(error)}") from error
    return identity, draft


def _replace(draft: Path, path: Path) -> None:
    try:
        draft.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error


def _record(files: DataFiles, identity: StoreIdentity) -> None:
    try:
        write_sentinel(files, identity)
    except OSError as error:
        raise StoreError(f"{files.sentinel} cannot be written: {error.strerror}") from error
