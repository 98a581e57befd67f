"""Salvage: reads what can be read of a damaged store into a new file.

DuckDB refuses a damaged block and reads the others. So each table is read in ranges of rows, which are halved around
what cannot be read, until only the rows of the damaged block are missing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from exporter.errors import StoreDamagedError, StoreError
from exporter.records import ENTITIES
from exporter.store.backup import drafting
from exporter.store.connection import first_line, identify, is_damage, is_foreign_log
from exporter.store.detached import attach, current_database, detached, is_own, quoted, table_names
from exporter.store.migrations import migrate
from exporter.store.rebuilds import Rebuild, add_rebuild
from exporter.store.schema import SCHEMA_VERSION

FEWEST_ROWS = 2048
"""Rows of a range that is not halved further, because DuckDB reads them together."""

_SOURCE = "damaged"


@dataclass(frozen=True, slots=True)
class SalvagedTable:
    """How many rows of a table were read and how many are lost; None if nobody can tell."""

    name: str
    rows: int
    lost: int | None


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was read of a damaged store into the file `out`. `log_lost` says that its latest commits are missing."""

    out: Path
    tables: tuple[SalvagedTable, ...]
    log_lost: bool

    @property
    def is_complete(self) -> bool:
        """True if nothing was lost."""
        return not self.log_lost and all(table.lost == 0 for table in self.tables)

    def as_json(self) -> dict[str, Any]:
        """`{"file", "complete", "log_lost", "tables": {NAME: {"rows", "lost"}}}`."""
        tables = {table.name: {"rows": table.rows, "lost": table.lost} for table in self.tables}
        return {"file": str(self.out), "complete": self.is_complete, "log_lost": self.log_lost, "tables": tables}


def salvage(store: Path, out: Path, now: datetime, *, overwrite: bool = False) -> Salvage:
    """Reads the store file, which no process uses, into a new store file; the damaged one stays as it is.

    If records are lost, the new store forgets the cursors of its sources, so that they are read again from the
    beginning. If anything is lost, it counts as a rebuild that nobody has accepted. Raises StoreError if not even the
    list of tables can be read, or if `out` cannot be written.
    """
    with drafting(out, overwrite=overwrite) as draft:
        copy = draft.with_name("damaged.duckdb")
        log_lost = _copy(store, copy)
        result = Salvage(out, _read_tables(store, copy, draft), log_lost)
        if not result.is_complete:
            _record_loss(store, draft, now)
    return result


def _copy(store: Path, copy: Path) -> bool:
    """Copies the file and its log, so that DuckDB writes to neither. Returns True if the log cannot be used."""
    log, copied_log = (path.with_name(f"{path.name}.wal") for path in (store, copy))
    shutil.copyfile(store, copy)
    if not log.exists():
        return False
    shutil.copyfile(log, copied_log)
    try:
        with detached(copy):
            return False
    except duckdb.Error as error:
        copied_log.unlink()
        return not is_foreign_log(error)


def _read_tables(store: Path, copy: Path, draft: Path) -> tuple[SalvagedTable, ...]:
    with _translated(store, draft), detached(draft, read_only=False) as connection:
        attach(connection, copy, _SOURCE)
        names = table_names(connection, _SOURCE)
        connection.execute(f'COPY FROM DATABASE {_SOURCE} TO "{current_database(connection)}" (SCHEMA)')
        tables = tuple(_read_table(connection, name) for name in names)
        if not is_own(connection):
            raise StoreDamagedError(f"{store}: its identity cannot be read, so it cannot be used: restore a backup")
        if any(table.lost != 0 for table in tables if table.name in ENTITIES):
            connection.execute("UPDATE outcomes SET cursor = NULL, last_full = NULL")
        connection.execute("CHECKPOINT")
    return tables


def _record_loss(store: Path, draft: Path, now: datetime) -> None:
    with _translated(store, draft), detached(draft, read_only=False) as connection:
        number = identify(connection, store).schema_version
        if number < SCHEMA_VERSION:
            migrate(connection, number)
        add_rebuild(connection, Rebuild(now, "what could be read of it was salvaged", str(store)))
        connection.execute("CHECKPOINT")


@contextmanager
def _translated(store: Path, draft: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if is_damage(error):
            raise StoreDamagedError(f"{store} cannot be read at all: {first_line(error)}: restore a backup") from error
        raise StoreError(f"{draft} cannot be written: {first_line(error)}") from error


def _read_table(connection: duckdb.DuckDBPyConnection, name: str) -> SalvagedTable:
    source = quoted(_SOURCE, "main", name)
    try:
        statement = f"SELECT count(*), coalesce(max(rowid) + 1, 0) FROM {source}"  # noqa: S608 - quoted
        ((expected, end),) = connection.execute(statement).fetchall()
    except duckdb.Error as error:
        if not is_damage(error):
            raise
        return SalvagedTable(name, 0, None)
    rows = _read_range(connection, name, 0, end)
    return SalvagedTable(name, rows, expected - rows)


def _read_range(connection: duckdb.DuckDBPyConnection, name: str, start: int, end: int) -> int:
    """Copies the rows in [start, end) as far as they can be read; returns their number."""
    if start >= end:
        return 0
    statement = f"""
        INSERT INTO {quoted(name)}
        SELECT * FROM {quoted(_SOURCE, "main", name)} WHERE rowid >= ? AND rowid < ?"""  # noqa: S608 - quoted
    try:
        row = connection.execute(statement, [start, end]).fetchone()
    except duckdb.Error as error:
        if not is_damage(error):
            raise
    else:
        return int(row[0]) if row else 0
    if end - start <= FEWEST_ROWS:
        return 0
    middle = (start + end) // 2
    return _read_range(connection, name, start, middle) + _read_range(connection, name, middle, end)
