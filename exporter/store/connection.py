"""Connections to the database file: settings, identity checks, and translation of DuckDB's errors."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

import duckdb

from exporter.errors import (
    SchemaVersionError,
    StoreDamagedError,
    StoreError,
    StoreLockedError,
    UnknownSchemaError,
)
from exporter.store.migrations import Shape, shape_number
from exporter.store.permissions import unusable
from exporter.store.schema import SCHEMA_VERSION, checksum_statement

APPLICATION = "kpi-exporter"

MEMORY_SHARE = 0.5
"""Share of DuckDB's default memory limit, which is most of the memory of the machine or container."""

MEMORY_LIMIT = 1024**3

_MAGIC_OFFSET, _MAGIC = 8, b"DUCK"
_SETTINGS = {
    "threads": "1",  # passes are small: more threads cost more CPU than they save time, and scrapes need a core
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "enable_external_access": "false",
}
_UNITS = {"bytes": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}
_DAMAGE_SIGNS = (
    "Corrupt", "checksum", "Could not read enough bytes", "not a valid DuckDB", "WAL file", "deserialize",
)  # fmt: skip
_MACHINE_SIGNS = (
    "No space left",
    "Permission denied",
    "Read-only file system",
    "File too large",
    "Too many open files",
    "memory",
)


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """Which store a file holds, its number of commits, and the number of the shape of its tables."""

    store_id: str
    commits: int
    schema_version: int = SCHEMA_VERSION


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Opens or creates the file. Raises StoreLockedError, StoreDamagedError, StoreError."""
    try:
        connection = duckdb.connect(str(path), config=dict(_SETTINGS))
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        ((default,),) = connection.execute("SELECT current_setting('memory_limit')").fetchall()
        number, unit = default.split()
        limit = int(min(float(number) * _UNITS[unit] * MEMORY_SHARE, MEMORY_LIMIT))
        connection.execute("SET GLOBAL memory_limit = ?", [f"{limit}B"])
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise StoreLockedError(path) from error
        raise translate(path, error) from error
    return connection


def translate(path: Path, error: Exception) -> StoreError:
    """The error as a StoreError; StoreDamagedError only if DuckDB reports damage, because the file is then moved."""
    error_type = StoreDamagedError if is_damage(error) else StoreError
    # DuckDB quotes the offending value, which may be a record's
    detail = "" if is_content(error) else f": {first_line(error)}"
    return error_type(f"{path}: {type(error).__name__}{detail}")


def is_damage(error: Exception) -> bool:
    """True if the file's content is at fault, rather than the machine or a statement's values."""
    text = str(error)
    if is_content(error) or any(sign in text for sign in _MACHINE_SIGNS):
        return False
    return isinstance(error, duckdb.SerializationException) or any(sign in text for sign in _DAMAGE_SIGNS)


def is_content(error: Exception) -> bool:
    """True if a value or a statement is at fault and the store itself is fine."""
    return isinstance(error, duckdb.DataError | duckdb.ProgrammingError)


def is_foreign_log(error: Exception) -> bool:
    """True if the write-ahead log beside the file was written for another file, or another state of it."""
    return "replaying WAL" in str(error) and "does not match" in str(error)


def first_line(error: Exception) -> str:
    """The error's first line, without DuckDB's debugging hints."""
    return str(error).partition("\n")[0]


def inspect(path: Path) -> None:
    """Checks the file before DuckDB opens it. Raises StoreDamagedError if it is not a DuckDB database."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise StoreDamagedError(f"{path} is not a file")
        with path.open("r+b") as file:
            head = file.read(_MAGIC_OFFSET + len(_MAGIC))
    except OSError as error:
        raise unusable(path, error) from error
    if not status.st_size:
        raise StoreDamagedError(f"{path} is empty")
    if head[_MAGIC_OFFSET:] != _MAGIC:
        raise StoreDamagedError(f"{path} is not a database of this program")


def identify(connection: duckdb.DuckDBPyConnection, path: Path) -> StoreIdentity:
    """The identity in the file, whose shape is the current or an earlier one, which can be migrated.

    Raises StoreDamagedError for a foreign database, SchemaVersionError for a newer one, and UnknownSchemaError for
    tables that no version of this program has.
    """
    try:
        # fetch all rows: an unfinished result keeps its transaction open, which blocks checkpoints
        rows = connection.execute(
            "SELECT application, store_id, schema_version, shape, commits FROM store_meta"
        ).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        rows = []
    except duckdb.Error as error:
        raise translate(path, error) from error
    if not rows or rows[0][0] != APPLICATION:
        raise StoreDamagedError(f"{path} is not a database of this program")
    _, store_id, version, digest, commits = rows[0]
    if version is not None and version > SCHEMA_VERSION:
        raise SchemaVersionError(path, version, SCHEMA_VERSION)
    number = shape_number(Shape(version, digest))
    if number is None:
        raise UnknownSchemaError(path, version, digest)
    return StoreIdentity(store_id, commits, number)


def verify(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Reads every block, so that DuckDB verifies its checksums. Raises StoreDamagedError, StoreError."""
    try:
        for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            connection.execute(checksum_statement(table)).fetchall()
    except duckdb.Error as error:
        raise translate(path, error) from error
