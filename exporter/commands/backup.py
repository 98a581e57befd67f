"""`backup`: has the running `serve` back up its store, or does it itself."""

from __future__ import annotations

from pathlib import Path

import orjson
import typer
from rich.text import Text

from exporter.clock import system_clock
from exporter.commands.store_access import ask_or_use_store
from exporter.commands.terminal import PlainConsole
from exporter.control.requests import Answer, BackupRequest
from exporter.store.backup import back_up


def run(data_dir: Path, out: Path, *, overwrite: bool, as_json: bool) -> None:
    """Writes the backup and prints what it contains. Raises StoreError, ControlError."""
    out = out.absolute()

    answer = ask_or_use_store(
        data_dir,
        BackupRequest(str(out), overwrite),
        lambda store: back_up(store, out, system_clock(), overwrite=overwrite),
    )
    print_summary(answer, as_json=as_json)


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
