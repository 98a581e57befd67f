"""`restore`: has the running `serve` replace its store by a backup, or does it itself."""

from __future__ import annotations

from pathlib import Path

import orjson
import typer
from rich.text import Text

from exporter.clock import system_clock
from exporter.commands.backup import describe
from exporter.commands.terminal import PlainConsole
from exporter.control.client import ask_or_perform
from exporter.control.requests import RestoreRequest
from exporter.errors import StoreError
from exporter.store.restore import restore


def run(data_dir: Path, file: Path, *, as_json: bool) -> None:
    """Restores the file and prints what it contains. Raises StoreError, ControlError."""
    file = file.absolute()
    if not file.is_file():
        raise StoreError(f"{file} is not a file: give the path of a backup")
    request = RestoreRequest(str(file))
    answer = ask_or_perform(data_dir, request, lambda: restore(data_dir, file, system_clock()).as_json())
    if as_json:
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())
        return
    console = PlainConsole(soft_wrap=True, highlight=False)
    console.print(Text(f"{data_dir}: restored from {file}, verified", "bold green"))
    console.print(Text(describe(answer)))
    if former := answer["former"]:
        console.print(Text(f"the former store is {former}; to go back: kpi-exporter restore {former}"))
