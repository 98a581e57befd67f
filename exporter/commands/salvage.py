"""`salvage`: reads what can be read of a damaged store, and says what is lost."""

from __future__ import annotations

from pathlib import Path

import orjson
import typer
from rich.table import Table
from rich.text import Text

from exporter.clock import system_clock
from exporter.commands.terminal import PlainConsole
from exporter.errors import ExitCode, StoreError
from exporter.store.opening import DataFiles, DirectoryLock
from exporter.store.salvage import Salvage, salvage


def run(data_dir: Path, store: Path | None, out: Path | None, *, overwrite: bool, as_json: bool) -> ExitCode:
    """Prints what was read and lost of each table; STORE if anything is lost. Raises StoreError, StoreLockedError."""
    files = DataFiles.of(data_dir)
    store = store or files.store
    out = out or files.store.with_name(f"{files.store.name}.salvaged")
    if not store.is_file():
        raise StoreError(f"{store} is not a file: give the damaged store as --store")
    lock = DirectoryLock(files.lock)
    try:
        result = salvage(store, out, system_clock(), overwrite=overwrite)
    finally:
        lock.release()
    if as_json:
        typer.echo(orjson.dumps(result.as_json(), option=orjson.OPT_INDENT_2).decode())
    else:
        _print(result)
    return ExitCode.OK if result.is_complete else ExitCode.STORE


def _print(result: Salvage) -> None:
    console = PlainConsole(soft_wrap=True, highlight=False)
    table = Table("Table", "Rows read", "Rows lost")
    for part in result.tables:
        if part.rows or part.lost != 0:
            table.add_row(part.name, f"{part.rows:,}", "unknown" if part.lost is None else f"{part.lost:,}")
    console.print(table)
    if result.log_lost:
        console.print(Text("the log cannot be read: the latest commits are lost", "red"))
    console.print(Text("nothing is lost", "green") if result.is_complete else Text("the other rows are lost", "red"))
    console.print(Text(f"to use it: kpi-exporter restore {result.out}"))
