"""`serve`: sync and serve until told to stop."""

from __future__ import annotations

import logging
import os
import sys

import typer
from rich.console import Console

from exporter.app import App
from exporter.commands.exits import exit_code, lines
from exporter.commands.progress import log_stream, shown
from exporter.errors import ExporterError
from exporter.logs import configure
from exporter.settings import Settings

_log = logging.getLogger(__name__)


def run(settings: Settings, log_shape: str, log_level: str) -> None:
    """Returns at a clean end; raises what keeps it from starting. Where logs are JSON, so is that message."""
    console = Console(file=sys.stderr)
    logs = configure(log_shape, log_level, log_stream(console))
    try:
        with shown(console, fleeting=True) as observer:
            app = App(settings, os.environ, logs, observer=observer)
            app.run(lambda address: _log.info("serving %s/metrics", address))
    except ExporterError as error:
        if log_shape != "json":
            raise
        for line in lines(error):
            _log.critical("%s", line)
        raise typer.Exit(exit_code(error)) from None
    finally:
        logs.outlet.close()
