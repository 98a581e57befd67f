"""Store files that no running process has open: backups, drafts of backups, and damaged files to salvage.

Each is opened in a DuckDB instance of its own, so that a full disk or a damaged block cannot disturb the running store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from exporter.disk import sync_to_disk
from exporter.store.connection import APPLICATION

_SETTINGS = {
    "threads": "1",
    "memory_limit": "256MiB",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


@contextmanager
def detached(path: Path, *, read_only: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the file, or, unless `read_only`, to a new one. Raises duckdb.Error."""
    connection = duckdb.connect(str(path), read_only=read_only, config={**_SETTINGS, "temp_directory": f"{path}.tmp"})
    try:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def rewrite_file(path: Path) -> None:
    """Writes all tables of a closed file to a new one, which takes its place once it is on disk.

    DuckDB leaves the bytes of deleted rows in a file until others need their room. Raises duckdb.Error, OSError.
    """
    draft = path.with_name(f"{path.name}.rewritten")
    draft.unlink(missing_ok=True)
    try:
        with detached(path, read_only=False) as connection:
            connection.execute("CHECKPOINT")  # a log that stayed would be replayed into the new file
        with detached(draft, read_only=False) as connection:
            attach(connection, path, "source")
            name = current_database(connection)
            connection.execute(f"COPY FROM DATABASE source TO {quoted(name)}")
            if checksums(connection, "source") != checksums(connection, name):
                raise duckdb.IOException(f"{draft} does not contain what {path} does")
        draft.chmod(path.stat().st_mode & 0o777)
        sync_to_disk(draft)
        draft.replace(path)
        sync_to_disk(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Makes the tables of another file readable as `name`. Raises duckdb.Error."""
    from sqlglot import exp

    connection.execute(f"ATTACH {exp.Literal.string(str(path)).sql('duckdb')} AS {quoted(name)} (READ_ONLY)")


def quoted(*names: str) -> str:
    """An identifier, such as the name of a database and that of its table."""
    from sqlglot import exp

    return ".".join(exp.to_identifier(name, quoted=True).sql("duckdb") for name in names)


def table_names(connection: duckdb.DuckDBPyConnection, database: str) -> tuple[str, ...]:
    """The names of all tables of an attached database. Raises duckdb.Error."""
    statement = "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND NOT internal ORDER BY table_name"
    return tuple(name for (name,) in connection.execute(statement, [database]).fetchall())


def checksums(connection: duckdb.DuckDBPyConnection, database: str) -> Mapping[str, tuple[int, ...]]:
    """Number of rows and checksum of each column of every table, which reads every block. Raises duckdb.Error."""
    from sqlglot import exp, parse_one

    select = exp.select("count(*)", parse_one("bit_xor(hash(COLUMNS(*)))", read="duckdb"))
    results = {}
    for name in table_names(connection, database):
        statement = select.from_(exp.table_(name, db="main", catalog=database, quoted=True)).sql("duckdb")
        (row,) = connection.execute(statement).fetchall()
        results[name] = row
    return results


def current_database(connection: duckdb.DuckDBPyConnection) -> str:
    """The name under which the connection knows the file that it was opened with."""
    ((name,),) = connection.execute("SELECT current_database()").fetchall()
    return str(name)


def is_own(connection: duckdb.DuckDBPyConnection) -> bool:
    """True if the file was written by this program, in whatever version. Raises duckdb.Error."""
    try:
        rows = connection.execute("SELECT application FROM store_meta").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return False
    return bool(rows) and rows[0][0] == APPLICATION
