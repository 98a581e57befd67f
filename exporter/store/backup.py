"""Backups: a consistent, compact and verified copy of the store in one file, while the store stays in use.

After a checkpoint the store's file holds everything, and DuckDB does not write to its blocks until the next one. So
checkpoints are held off, the file is copied while writes go on into the log, and the copy is what the store was at the
checkpoint. The copied tables are then written to a new file, which has no remains of deleted rows, and compared.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import duckdb

from exporter.disk import FILE_MODE, sync_to_disk
from exporter.errors import StoreDamagedError, StoreError
from exporter.store.connection import is_damage, translate
from exporter.store.database import Database
from exporter.store.detached import attach, checksums, current_database, detached
from exporter.store.manifest import MANIFEST_TABLE, BackupManifest, describe, read_manifest, write_manifest

if TYPE_CHECKING:
    from exporter.store.store import Store

PARTIAL = ".partial"
"""The suffix of the directory that a backup is written in until it is complete."""

_ATTEMPTS = 3
_SOURCE = "source"


def write_backup(database: Database, out: Path, at: datetime, *, overwrite: bool = False) -> BackupManifest:
    """Writes a backup, which appears under its name once it is verified and on disk; only its owner can read it.

    Writes to the store wait for a checkpoint, and readers never. Raises StoreError if the file exists and may not be
    overwritten, if it cannot be written, or if the store is closed meanwhile; StoreDamagedError if a block of the
    store is damaged.
    """
    with drafting(out, overwrite=overwrite) as draft:
        _require_space(out, 2 * database.path.stat().st_size)
        copy = draft.with_name("copy.duckdb")
        _copy_file(database, copy)
        with database.backing_up() as connections:
            return _rewrite(database.path, copy, draft, at, connections)


def back_up(store: Store, out: Path, at: datetime, *, overwrite: bool = False) -> dict[str, Any]:
    """Writes a backup, see `write_backup`; returns its manifest as JSON, with `file` and `bytes`."""
    manifest = store.backup(out, at, overwrite=overwrite)
    return {"file": str(out), "bytes": out.stat().st_size, **manifest.as_json()}


@contextmanager
def drafting(out: Path, *, overwrite: bool) -> Iterator[Path]:
    """The draft of a store file, in a directory of its own; at the end it becomes `out`, private and on disk.

    Raises StoreError if the file exists and may not be overwritten, or cannot be written.
    """
    _refuse_existing(out, overwrite=overwrite)
    folder = out.with_name(out.name + PARTIAL)
    draft = folder / "draft.duckdb"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        yield draft
        draft.chmod(FILE_MODE)
        sync_to_disk(draft)
        _refuse_existing(out, overwrite=overwrite)
        draft.replace(out)
        sync_to_disk(out.parent)
    except OSError as error:
        raise StoreError(f"{out} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_existing(out: Path, *, overwrite: bool) -> None:
    """Raises StoreError if the file cannot become a backup: it exists, or its directory does not."""
    if out.is_dir() or not out.parent.is_dir():
        raise StoreError(f"{out} cannot be written: give the path of a file in a directory that exists")
    if out.exists() and not overwrite:
        raise StoreError(f"{out} exists: choose another name, or add --overwrite")


def _require_space(out: Path, size: int) -> None:
    """Raises StoreError if the disk, which the store may be on too, would become full."""
    free = shutil.disk_usage(out.parent).free
    if free < size:
        raise StoreError(f"{out} needs about {size >> 20} MB of free space while it is written, there are {free >> 20}")


def _copy_file(database: Database, out: Path) -> None:
    for _ in range(_ATTEMPTS):
        if database.copy_file(out):
            return
    raise StoreError(f"{database.path} changed while it was copied: try again")


def _rewrite(
    store: Path, copy: Path, out: Path, at: datetime, connections: WeakSet[duckdb.DuckDBPyConnection]
) -> BackupManifest:
    """Writes the tables of the copy to a new file with a manifest, and verifies it."""
    try:
        with detached(out, read_only=False) as connection:
            connections.add(connection)
            attach(connection, copy, _SOURCE)
            name = current_database(connection)
            connection.execute(f'COPY FROM DATABASE {_SOURCE} TO "{name}"')
            manifest = describe(connection, name, at)
            write_manifest(connection, manifest)
            expected = checksums(connection, _SOURCE)
        with detached(out) as connection:
            connections.add(connection)
            actual = dict(checksums(connection, current_database(connection)))
            is_readable = read_manifest(connection) == manifest
    except duckdb.Error as error:
        if is_damage(error):
            raise translate(store, error) from error
        raise translate(out, error) from error
    actual.pop(MANIFEST_TABLE)
    if actual != {name: row for name, row in expected.items() if name != MANIFEST_TABLE} or not is_readable:
        raise StoreDamagedError(f"the backup of {store} does not contain what the store does")
    return manifest
