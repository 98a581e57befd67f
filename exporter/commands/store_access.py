"""How a command works on the store: through the running `serve`, or else by itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from exporter.control.client import ask_or_perform
from exporter.control.requests import Answer, ControlRequest
from exporter.errors import StoreError
from exporter.store.opening import DataFiles
from exporter.store.store import Store


def ask_or_use_store(data_dir: Path, request: ControlRequest, use: Callable[[Store], Answer]) -> Answer:
    """The answer of the `serve` that runs in the data directory; if none does, that of `use` with the store.

    Never creates or rebuilds a store. Raises StoreError, and ControlError as `ask_or_perform` does.
    """

    def perform() -> Answer:
        if not DataFiles.of(data_dir).store.exists():
            raise StoreError(f"there is no store in {data_dir}: give its directory as --data-dir")
        with closing(Store.open(data_dir, on_corrupt="fail")) as store:
            return use(store)

    return ask_or_perform(data_dir, request, perform)
