"""Restoring a store from a backup, or from any other copy of a store file.

The copy is verified, upgraded and complete in the data directory before anything is replaced. From then on its name,
`kpi.duckdb.restored`, says that it is the directory's store: whoever opens the directory next puts it in place, so that
a kill at any moment leaves either the former store or the restored one.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from exporter.disk import open_private, sync_to_disk
from exporter.errors import StoreDamagedError, StoreError
from exporter.store.connection import connect, identify, inspect, is_foreign_log, translate, verify
from exporter.store.detached import current_database
from exporter.store.manifest import BackupManifest, describe, read_manifest
from exporter.store.opening import DataFiles, DirectoryLock, read_sentinel
from exporter.store.restored_file import adopt, check_contents, finish_restore, former_path
from exporter.store.schema import SCHEMA_VERSION
from exporter.store.upgrade import upgrade


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored store: the file it comes from, what it contains, and the manifest of the file if it is a backup.

    `former` is where the store that it replaces is kept, None if there is none.
    """

    file: Path
    contents: BackupManifest
    manifest: BackupManifest | None
    former: Path | None

    def as_json(self) -> dict[str, Any]:
        """`{"file", "taken_at", "program", "records", "sources", "former", ...}`; null where the file does not say."""
        origin = self.manifest
        return {
            **self.contents.as_json(),
            "file": str(self.file),
            "former": None if self.former is None else str(self.former),
            "schema_version": SCHEMA_VERSION,
            "taken_at": None if origin is None else origin.taken_at.isoformat(timespec="seconds"),
            "program": None if origin is None else origin.program,
        }


def prepare_restore(files: DataFiles, file: Path, now: datetime) -> Restored:
    """Verifies a copy of `file` and makes it the store that the next `open_file` puts in place.

    Raises SchemaVersionError for a backup of a newer version, and StoreError if the file is not a backup, if it is
    damaged or incomplete, or if there is no space; the store stays as it is then.
    """
    draft = files.store.with_name(f"{files.store.name}.restoring")
    _remove(draft)
    try:
        _copy(file, draft)
        restored = _prepare(draft, file, files, now)
        for descriptor in (draft, draft.parent):
            sync_to_disk(descriptor)
        draft.replace(files.restored)
        sync_to_disk(draft.parent)
    except OSError as error:
        raise StoreError(f"{file} cannot be restored to {draft.parent}: {error.strerror or error}") from error
    finally:
        _remove(draft)
    return restored


def restore(data_dir: Path, file: Path, now: datetime) -> Restored:
    """Replaces the store of a directory that no process uses. Raises what `prepare_restore` does, StoreLockedError."""
    files = DataFiles.of(data_dir)
    lock = DirectoryLock(files.lock)
    try:
        restored = prepare_restore(files, file, now)
        finish_restore(files)
    finally:
        lock.release()
    return restored


def discard_restore(files: DataFiles) -> None:
    """Undoes `prepare_restore`, unless the former store has already been moved aside."""
    if files.store.exists():
        files.restored.unlink(missing_ok=True)


def _copy(file: Path, draft: Path) -> None:
    inspect(file)
    for source, target in ((file, draft), (_log_of(file), _log_of(draft))):
        if source.exists():
            with source.open("rb") as opened, open(target, "wb", opener=open_private) as copy:
                shutil.copyfileobj(opened, copy, 1024 * 1024)


def _prepare(draft: Path, file: Path, files: DataFiles, now: datetime) -> Restored:
    """Verifies and upgrades the draft, whose messages name the file that it is a copy of."""
    connection = _connect(draft, file)
    try:
        identity = identify(connection, file)
        verify(connection, file)
        manifest = read_manifest(connection)
        if manifest is not None:
            check_contents(connection, manifest, file)
        if identity.schema_version < SCHEMA_VERSION:
            connection = upgrade(connection, draft, identity.schema_version)
        sentinel = read_sentinel(files.sentinel)
        adopt(connection, 0 if sentinel is None else sentinel.commits)
        contents = describe(connection, current_database(connection), now)
    except duckdb.Error as error:
        raise translate(file, error) from error
    finally:
        connection.close()
    return Restored(file, contents, manifest, former_path(files) if files.store.exists() else None)


def _connect(draft: Path, file: Path) -> duckdb.DuckDBPyConnection:
    """Opens the draft; without the log beside the file, if that belongs to another file."""
    try:
        return connect(draft)
    except StoreDamagedError as error:
        if not is_foreign_log(error):
            raise StoreDamagedError(str(error).replace(str(draft), str(file))) from error
        _log_of(draft).unlink()
        return connect(draft)


def _remove(draft: Path) -> None:
    """Deletes a draft and everything that was made of it."""
    for path in draft.parent.glob(f"{draft.name}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")
