"""`forget`: has the running `serve` delete what is kept of a removed source or of a person, or does it itself."""

from __future__ import annotations

from pathlib import Path

import typer

from exporter.commands.backup import require_store
from exporter.control.client import ask_or_perform
from exporter.control.requests import Answer, ForgetSourceRequest
from exporter.store.store import Store
from exporter.sync.retention import delete_source


def forget_source(data_dir: Path, source: str) -> None:
    """Deletes the records of a removed push source. Raises StoreError, and ControlError if nothing is kept of it."""

    def perform() -> Answer:
        require_store(data_dir)
        store = Store.open(data_dir, on_corrupt="fail")
        try:
            return delete_source(store, source)
        finally:
            store.close()

    answer = ask_or_perform(data_dir, ForgetSourceRequest(source), perform)
    typer.echo(f"{answer['records']:,} records of {source} were deleted")
