"""`retry`: has the running `serve` read a source now, whatever wait its vendor asked for."""

from __future__ import annotations

from pathlib import Path

import typer

from exporter.commands.store_access import ask_or_use_store
from exporter.control.requests import RetryRequest
from exporter.sync.waits import lift_waits


def run(data_dir: Path, source: str) -> None:
    """Lifts the source's waits. Raises StoreError, and ControlError if the source was never read."""

    answer = ask_or_use_store(
        data_dir, RetryRequest(source), lambda store: {**lift_waits(store, source), "running": False}
    )
    waits = (
        "no wait was stored"
        if not answer["waits"]
        else f"{answer['waits']} wait{'s' if answer['waits'] != 1 else ''} lifted"
    )
    typer.echo(f"{waits}: {source} is read {'now' if answer['running'] else 'at the next start or sync --once'}")
