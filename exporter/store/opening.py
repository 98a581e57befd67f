"""Opening a data directory: the store as it was left, an empty one, or an empty one beside the damaged."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from exporter.errors import StoreDamagedError, StoreError
from exporter.settings import OnCorrupt
from exporter.store.connection import APPLICATION, Identity, connect, first_line, identify, inspect, verify
from exporter.store.schema import SCHEMA_VERSION, create_statements, entity_tables, shape
from exporter.store.sentinel import Sentinel, observe, read_sentinel, write_sentinel


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a data directory."""

    store: Path
    log: Path
    sentinel: Path
    lock: Path
    probe: Path
    spill: Path

    @classmethod
    def of(cls, data_dir: Path) -> Files:
        """The names inside `data_dir`; DuckDB derives those of the log and of the spilled data."""
        name = "kpi.duckdb"
        return cls(
            store=data_dir / name,
            log=data_dir / f"{name}.wal",
            sentinel=data_dir / "kpi.sentinel",
            lock=data_dir / "kpi.lock",
            probe=data_dir / "kpi.probe",
            spill=data_dir / f"{name}.tmp",
        )


@dataclass(frozen=True, slots=True)
class Opened:
    """An open store file. `rebuilt` says that a damaged one was moved aside for it."""

    connection: duckdb.DuckDBPyConnection
    identity: Identity
    rebuilt: bool


def open_file(files: Files, on_corrupt: OnCorrupt, *, suspect: bool = False) -> Opened:
    """The store file of the directory, whose lock the caller holds; `suspect` has every block of it read.

    Raises SchemaVersionError, StoreLockedError (another program has the file open), StoreError (rights, space)
    and, with `fail`, StoreDamagedError; with `rebuild` a damaged file becomes `kpi.duckdb.damaged-<n>`.
    """
    shutil.rmtree(files.spill, ignore_errors=True)
    sentinel = read_sentinel(files.sentinel)
    try:
        if sentinel is None and not files.store.exists() and not files.log.exists():
            return _empty(files, rebuilt=False)
        return _existing(files, sentinel, suspect=suspect)
    except StoreDamagedError:
        if on_corrupt == "fail":
            raise
        _set_aside(files)
        return _empty(files, rebuilt=True)


def _existing(files: Files, sentinel: Sentinel | None, *, suspect: bool) -> Opened:
    if not files.store.exists():
        raise StoreDamagedError(f"{files.store} is gone, though {files.sentinel.name} remembers it")
    inspect(files.store)
    untouched = sentinel is not None and sentinel.describes(files.store)
    connection = connect(files.store)
    try:
        identity = identify(connection, files.store)
        if sentinel is not None:
            _compare(identity, sentinel, files.store)
        if suspect or not untouched:
            verify(connection, files.store)
    except BaseException:
        connection.close()
        raise
    _remember(files, identity)
    return Opened(connection, identity, rebuilt=False)


def _compare(identity: Identity, sentinel: Sentinel, path: Path) -> None:
    if identity.store_id != sentinel.store_id:
        raise StoreDamagedError(f"{path} is another store than the one of this directory")
    if identity.commits < sentinel.commits:
        raise StoreDamagedError(f"{path} has lost {sentinel.commits - identity.commits} commits")


def _empty(files: Files, *, rebuilt: bool) -> Opened:
    # versions count on from a random number, so that no reader takes a rebuilt table for the one it knew
    identity = Identity(secrets.token_hex(16), secrets.randbits(48))
    _create(files.store, identity)
    _remember(files, identity)
    return Opened(connect(files.store), identity, rebuilt)


def _create(path: Path, identity: Identity) -> None:
    """Builds an empty store, which is complete under its name or not there at all."""
    draft = path.with_name(path.name + ".new")
    try:
        draft.unlink(missing_ok=True)
        draft.with_name(draft.name + ".wal").unlink(missing_ok=True)
        with connect(draft) as connection:
            for statement in create_statements():
                connection.execute(statement)
            for entity in entity_tables():
                connection.execute("INSERT INTO entity_state VALUES (?, ?, 0)", [entity, identity.commits])
            meta = [APPLICATION, identity.store_id, SCHEMA_VERSION, shape(), identity.commits]
            connection.execute("INSERT INTO store_meta VALUES (?, ?, ?, ?, ?)", meta)
            connection.execute("CHECKPOINT")
        draft.replace(path)
    except (OSError, duckdb.Error, StoreError) as error:
        raise StoreError(f"{path.parent} cannot be written: {first_line(error)}") from error


def _remember(files: Files, identity: Identity) -> None:
    try:
        write_sentinel(files.sentinel, observe(files.store, identity.store_id, identity.commits))
    except OSError as error:
        raise StoreError(f"{files.sentinel} cannot be written: {error.strerror}") from error


def _set_aside(files: Files) -> None:
    """Keeps what is left of the damaged store for whoever wants to look at it."""
    number = 1
    while (aside := files.store.with_name(f"{files.store.name}.damaged-{number}")).exists():
        number += 1
    try:
        if files.store.exists():
            files.store.rename(aside)
        if files.log.exists():
            files.log.rename(aside.with_name(f"{aside.name}.wal"))
        files.sentinel.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{files.store} cannot be moved aside: {error.strerror}") from error
