"""Upgrading the store file of an earlier version: a copy first, then all steps in one transaction.

The copy is named after the schema version that the upgrade leads to, such as `kpi.duckdb.before-7`, and stays beside
the store until the next upgrade. A process that is killed or finds the disk full leaves the store as it was, or
upgraded; the next start does the rest.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import duckdb

from exporter.disk import open_private, sync_to_disk
from exporter.errors import StoreError
from exporter.store.connection import connect, first_line, translate, verify
from exporter.store.migrations import migrate
from exporter.store.schema import SCHEMA_VERSION

_log = logging.getLogger(__name__)


def upgrade(connection: duckdb.DuckDBPyConnection, path: Path, number: int) -> duckdb.DuckDBPyConnection:
    """Upgrades the file from the shape with this number; returns a new connection in place of the closed one.

    Raises StoreDamagedError, StoreError; the file stays as it was then.
    """
    copy = path.with_name(f"{path.name}.before-{SCHEMA_VERSION}")
    try:
        verify(connection, path)
        connection.execute("CHECKPOINT")  # the copy has no log
    except duckdb.Error as error:
        raise translate(path, error) from error
    finally:
        connection.close()  # to read the file beside a connection would release the connection's lock on it
    keep_copy(path, copy)
    connection = connect(path)
    try:
        migrate(connection, number)
    except BaseException as error:
        connection.close()
        if isinstance(error, duckdb.Error):
            raise StoreError(f"{path} cannot be upgraded and stays as it was: {first_line(error)}") from error
        raise
    _drop_copies(path, copy)
    _log.info("%s was upgraded from shape %d to schema version %d; %s is a copy", path, number, SCHEMA_VERSION, copy)
    return connection


def keep_copy(path: Path, copy: Path) -> None:
    """Copies a closed store file; the copy appears under its name, readable by its owner only, once it is on disk.

    Raises StoreError.
    """
    draft = copy.with_name(f"{copy.name}.new")
    try:
        with path.open("rb") as source, open(draft, "wb", opener=open_private) as target:
            shutil.copyfileobj(source, target, 1024 * 1024)
            target.flush()
            os.fsync(target.fileno())
        draft.replace(copy)
        sync_to_disk(copy.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        size = path.stat().st_size // 1024**2 + 1
        raise StoreError(
            f"{path} cannot be upgraded, because its copy {copy.name} cannot be written: {error.strerror}. The upgrade"
            f" needs about {2 * size} MB of free space in {copy.parent}"
        ) from error


def _drop_copies(path: Path, newest: Path) -> None:
    """Deletes the copies of earlier upgrades, and what an interrupted one left of its copy."""
    for copy in path.parent.glob(f"{path.name}.before-*"):
        if copy != newest:
            try:
                copy.unlink()
            except OSError as error:
                _log.warning("%s, a copy of an earlier upgrade, cannot be deleted: %s", copy, error.strerror)
