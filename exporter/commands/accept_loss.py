"""`accept-loss`: an operator says that what a damaged store had will not come back, and KPIs show again."""

from __future__ import annotations

import typer

from exporter.clock import system_clock
from exporter.commands.options import LogOptions
from exporter.commands.store_access import ask_or_use_store
from exporter.control.loss import AcceptLoss, accept_loss
from exporter.errors import ExitCode
from exporter.logs import configure
from exporter.settings import Settings


def run(settings: Settings, log: LogOptions) -> ExitCode:
    """Accepts the loss, through the running `serve` if there is one. Raises StoreError, ControlError."""
    logs = configure(*log)
    try:
        answer = ask_or_use_store(settings.data_dir, AcceptLoss(), lambda store: accept_loss(store, system_clock()))
    finally:
        logs.handler.close()
    for rebuild in answer["rebuilds"]:
        typer.echo(f"accepted: {rebuild}")
    if not answer["rebuilds"]:
        typer.echo("there is no loss to accept")
    return ExitCode.OK
