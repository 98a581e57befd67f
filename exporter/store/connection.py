"""How the database file is opened: settings, identity, and what counts as damage."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

import duckdb

from exporter.errors import SchemaVersionError, StoreDamagedError, StoreError, StoreLockedError
from exporter.store.schema import SCHEMA_VERSION, reading_statements, shape

APPLICATION = "kpi-exporter"

MEMORY_SHARE = 0.5
"""Of what DuckDB would take by itself, which is most of the machine's or the container's memory."""

MEMORY_LIMIT = 1024**3

_MAGIC_AT, _MAGIC = 8, b"DUCK"
_SETTINGS = {
    "threads": "1",  # passes are small: sharing them out costs more CPU than it saves time, and scrapes need a core
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "enable_external_access": "false",
}
_UNITS = {"bytes": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}
_DAMAGE = (
    "Corrupt", "checksum", "Could not read enough bytes", "not a valid DuckDB", "WAL file", "deserialize",
)  # fmt: skip
_MACHINE = (
    "No space left",
    "Permission denied",
    "Read-only file system",
    "File too large",
    "Too many open files",
    "memory",
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Which store a file is, and how many commits it holds."""

    store_id: str
    commits: int


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Opens or creates the file. Raises StoreLockedError, StoreDamagedError, StoreError."""
    try:
        connection = duckdb.connect(str(path), config=dict(_SETTINGS))
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute("SET GLOBAL memory_limit = ?", [f"{_memory(connection)}B"])
    except duckdb.Error as error:
        raise opening_error(path, error) from error
    return connection


def opening_error(path: Path, error: duckdb.Error) -> StoreError:
    """What an error while opening means: somebody else's lock, damage, or a want of space or rights."""
    if "Could not set lock" in str(error):
        return StoreLockedError(path)
    return translate(path, error)


def translate(path: Path, error: Exception) -> StoreError:
    """The error as this program's: damage only where DuckDB says so, because a damaged file is moved aside."""
    kind = StoreDamagedError if is_damage(error) else StoreError
    # DuckDB quotes the offending value, which is a record's
    told = "" if is_content(error) else f": {first_line(error)}"
    return kind(f"{path}: {type(error).__name__}{told}")


def is_damage(error: Exception) -> bool:
    """True where the file's content is at fault, and not the machine or the values of a statement."""
    text = str(error)
    if is_content(error) or any(cause in text for cause in _MACHINE):
        return False
    return isinstance(error, duckdb.SerializationException) or any(sign in text for sign in _DAMAGE)


def is_content(error: Exception) -> bool:
    """True where a value or a statement is at fault: the store is as good as before."""
    return isinstance(error, duckdb.DataError | duckdb.ProgrammingError)


def first_line(error: Exception) -> str:
    """The error's first line, without DuckDB's advice on how to debug it."""
    return str(error).partition("\n")[0]


def inspect(path: Path) -> None:
    """Looks at the file before DuckDB does. Raises StoreDamagedError for what is not a database of DuckDB's."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise StoreDamagedError(f"{path} is not a file")
        with path.open("r+b") as file:
            head = file.read(_MAGIC_AT + len(_MAGIC))
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
    if not found.st_size:
        raise StoreDamagedError(f"{path} is empty")
    if head[_MAGIC_AT:] != _MAGIC:
        raise StoreDamagedError(f"{path} is not a database of this program")


def identify(connection: duckdb.DuckDBPyConnection, path: Path) -> Identity:
    """Whose file it is. Raises StoreDamagedError for a foreign database, SchemaVersionError for a newer one."""
    try:
        # all rows are fetched: an unfinished result is an open transaction, and nothing is checkpointed meanwhile
        rows = connection.execute(
            "SELECT application, store_id, schema_version, shape, commits FROM store_meta"
        ).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        rows = []
    except duckdb.Error as error:
        raise translate(path, error) from error
    if not rows or rows[0][0] != APPLICATION:
        raise StoreDamagedError(f"{path} is not a database of this program")
    _, store_id, version, found, commits = rows[0]
    if version > SCHEMA_VERSION:
        raise SchemaVersionError(path, version, SCHEMA_VERSION)
    if version < SCHEMA_VERSION or found != shape():
        raise StoreDamagedError(f"{path} has tables of another version of this program")
    return Identity(store_id, commits)


def verify(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Reads every block, so that DuckDB checks their sums. Raises StoreDamagedError, StoreError."""
    try:
        for statement in reading_statements():
            connection.execute(statement).fetchall()
    except duckdb.Error as error:
        raise translate(path, error) from error


def _memory(connection: duckdb.DuckDBPyConnection) -> int:
    ((limit,),) = connection.execute("SELECT current_setting('memory_limit')").fetchall()
    number, unit = limit.split()
    return int(min(float(number) * _UNITS[unit] * MEMORY_SHARE, MEMORY_LIMIT))
