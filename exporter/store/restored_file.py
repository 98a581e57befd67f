"""What opening a data directory does with a restored store, and with a backup that was put in the store's place."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from exporter.disk import sync_to_disk, unused_name
from exporter.errors import StoreError
from exporter.store.detached import current_database
from exporter.store.manifest import BackupManifest, describe, drop_manifest

if TYPE_CHECKING:
    from exporter.store.opening import DataFiles

_COMMITS_AHEAD = 2**20
"""A restored store continues at a number of commits that the former store did not reach."""


def finish_restore(files: DataFiles) -> None:
    """Puts a restored store in place, if there is one; the caller has the directory's lock, and no store is open.

    The former store is kept. After a kill, the next call does the rest. Raises StoreError.
    """
    if not files.restored.exists():
        return
    former = former_path(files)
    try:
        if files.log.exists():
            files.log.replace(former.with_name(f"{former.name}.wal"))
        if files.store.exists():
            files.store.rename(former)
        files.sentinel.unlink(missing_ok=True)
        sync_to_disk(files.store.parent)
        files.restored.rename(files.store)
        sync_to_disk(files.store.parent)
    except OSError as error:
        raise StoreError(f"{files.store} cannot be replaced: {error.strerror or error}") from error


def former_path(files: DataFiles) -> Path:
    """A free name for the store that a restored one replaces."""
    return unused_name(files.store, "former")


def check_contents(connection: duckdb.DuckDBPyConnection, manifest: BackupManifest, file: Path) -> None:
    """Compares the tables with the manifest of the backup. Raises StoreError, duckdb.Error."""
    contents = describe(connection, current_database(connection), manifest.taken_at)
    identity = (contents.store_id, contents.commits)
    if contents.rows != manifest.rows or identity != (manifest.store_id, manifest.commits):
        raise StoreError(f"{file} does not contain what its manifest says: restore another backup")


def adopt(connection: duckdb.DuckDBPyConnection, former_commits: int) -> None:
    """Makes a copy the store of the directory: it gets a number of commits that the former store did not reach.

    So no reader takes a table for one that it knows already. Raises duckdb.Error.
    """
    connection.execute("BEGIN TRANSACTION")
    ((commits,),) = connection.execute("SELECT commits FROM store_meta").fetchall()
    commits = max(commits, former_commits) + _COMMITS_AHEAD + secrets.randbelow(_COMMITS_AHEAD)
    connection.execute("UPDATE store_meta SET commits = ?", [commits])
    connection.execute("UPDATE entity_state SET version = ?", [commits])
    drop_manifest(connection)
    connection.execute("COMMIT")
    connection.execute("CHECKPOINT")
