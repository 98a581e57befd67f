"""`serve`: sync and serve until told to stop."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import ExitStack

import typer

from exporter.commands.exits import exit_code, lines
from exporter.commands.lines import Lines
from exporter.errors import ExporterError
from exporter.logs import Logs, configure
from exporter.runtime.app import App
from exporter.settings import Settings
from exporter.sync.observer import Observer

_log = logging.getLogger(__name__)


def run(settings: Settings, log_shape: str, log_level: str) -> None:
    """Returns at a clean end; raises what keeps it from starting. Where logs are JSON, so is that message."""
    with ExitStack() as stack:
        logs, observer = _watched(stack, log_shape, log_level)
        stack.callback(logs.outlet.close)
        _serve(App(settings, os.environ, logs, observer=observer), log_shape)


def _watched(stack: ExitStack, log_shape: str, log_level: str) -> tuple[Logs, Observer]:
    """Logs and progress; what draws on terminals is loaded only where there is one."""
    if not sys.stderr.isatty():
        return configure(log_shape, log_level), Lines()
    from rich.console import Console

    from exporter.commands.progress import log_stream, shown

    console = Console(file=sys.stderr)
    logs = configure(log_shape, log_level, log_stream(console))
    return logs, stack.enter_context(shown(console, fleeting=True))


def _serve(app: App, log_shape: str) -> None:
    try:
        app.run(lambda address: _log.info("serving %s/metrics", address))
    except ExporterError as error:
        if log_shape != "json":
            raise
        for line in lines(error):
            _log.critical("%s", line)
        raise typer.Exit(exit_code(error)) from None
