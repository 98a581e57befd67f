"""`backup`: has the running `serve` back up its store, or does it itself."""

from __future__ import annotations

from pathlib import Path

import orjson
import typer
from rich.text import Text

from exporter.clock import system_clock
from exporter.commands.terminal import PlainConsole
from exporter.control.client import ask_or_perform
from exporter.control.requests import Answer, BackupRequest
from exporter.errors import StoreError
from exporter.store.backup import back_up
from exporter.store.opening import DataFiles
from exporter.store.store import Store


def run(data_dir: Path, out: Path, *, overwrite: bool, as_json: bool) -> None:
    """Writes the backup and prints what it contains. Raises StoreError, ControlError."""
    out = out.absolute()

    def perform() -> Answer:
        require_store(data_dir)
        store = Store.open(data_dir, on_corrupt="fail")
        try:
            return back_up(store, out, system_clock(), overwrite=overwrite)
        finally:
            store.close()

    answer = ask_or_perform(data_dir, BackupRequest(str(out), overwrite), perform)
    print_summary(answer, as_json=as_json)


def require_store(data_dir: Path) -> None:
    """Raises StoreError if there is no store, because opening it would create an empty one."""
    if not DataFiles.of(data_dir).store.exists():
        raise StoreError(f"there is no store in {data_dir}: give its directory as --data-dir")


def print_summary(answer: Answer, *, as_json: bool) -> None:
    """Prints the contents of a backup, as `back_up` returns them."""
    if as_json:
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())
        return
    console = PlainConsole(soft_wrap=True, highlight=False)
    console.print(Text(f"{answer['file']}: {answer['bytes']:,} bytes, verified", "bold green"))
    console.print(Text(describe(answer)))


def describe(answer: Answer) -> str:
    """When a backup was taken, by which version, and how many records of which sources it has; several lines."""
    records = {entity: count for entity, count in answer["records"].items() if count}
    counts = ", ".join(f"{count:,} {entity}" for entity, count in records.items()) or "no records"
    sources = ", ".join(answer["sources"]) or "none"
    origin = f"schema version {answer['schema_version']}, {answer['commits']} commits"
    if answer["taken_at"] is not None:
        origin = f"taken {answer['taken_at']} by kpi-exporter {answer['program']}, {origin}"
    return f"{origin}\nrecords: {counts}\nsources: {sources}"
