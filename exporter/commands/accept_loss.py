"""`accept-loss`: an operator says that what a damaged store had will not come back, and KPIs show again."""

from __future__ import annotations

import typer

from exporter.clock import system_clock
from exporter.commands.options import LogOptions
from exporter.control.client import ask_or_perform
from exporter.control.loss import AcceptLoss, accept_loss
from exporter.control.requests import Answer
from exporter.errors import ExitCode, StoreError
from exporter.logs import configure
from exporter.settings import Settings
from exporter.store.opening import DataFiles
from exporter.store.store import Store


def run(settings: Settings, log: LogOptions) -> ExitCode:
    """Accepts the loss, through the running `serve` if there is one. Raises StoreError, ControlError."""
    logs = configure(*log)
    try:
        answer = ask_or_perform(settings.data_dir, AcceptLoss(), lambda: _perform(settings))
    finally:
        logs.handler.close()
    for rebuild in answer["rebuilds"]:
        typer.echo(f"accepted: {rebuild}")
    if not answer["rebuilds"]:
        typer.echo("there is no loss to accept")
    return ExitCode.OK


def _perform(settings: Settings) -> Answer:
    if not DataFiles.of(settings.data_dir).store.exists():
        raise StoreError(f"there is no store in {settings.data_dir}: name its directory with --data-dir")
    store = Store.open(settings.data_dir, on_corrupt="fail")
    try:
        return accept_loss(store, system_clock())
    finally:
        store.close()
