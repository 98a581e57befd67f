"""`retry`: has the running `serve` read a source now, whatever wait its vendor asked for."""

from __future__ import annotations

from pathlib import Path

import typer

from exporter.commands.backup import require_store
from exporter.control.client import ask_or_perform
from exporter.control.requests import Answer, RetryRequest
from exporter.store.store import Store
from exporter.sync.waits import lift_waits


def run(data_dir: Path, source: str) -> None:
    """Lifts the source's waits. Raises StoreError, and ControlError if the source was never read."""

    def perform() -> Answer:
        require_store(data_dir)
        store = Store.open(data_dir, on_corrupt="fail")
        try:
            return {**lift_waits(store, source), "running": False}
        finally:
            store.close()

    answer = ask_or_perform(data_dir, RetryRequest(source), perform)
    waits = (
        "no wait was stored"
        if not answer["waits"]
        else f"{answer['waits']} wait{'s' if answer['waits'] != 1 else ''} lifted"
    )
    typer.echo(f"{waits}: {source} is read {'now' if answer['running'] else 'at the next start or sync --once'}")
