"""`serve`: sync all sources and serve /metrics until stopped."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack

import typer

from exporter.commands.options import LogOptions
from exporter.commands.progress import log_stream, sync_progress, terminal
from exporter.errors import ExporterError, exit_code, message_lines
from exporter.logs import configure
from exporter.runtime.app import App
from exporter.runtime.exit_deadline import ExitDeadline
from exporter.settings import Settings

_log = logging.getLogger(__name__)


def run(settings: Settings, log: LogOptions) -> None:
    """Returns after a clean shutdown. An error that prevents the start is raised, or logged if the log is JSON."""
    deadline = ExitDeadline()
    with ExitStack() as stack:
        stack.callback(deadline.finished.set)
        console = terminal()
        logs = configure(*log, log_stream(console))
        stack.callback(logs.handler.close)
        observer = stack.enter_context(sync_progress(console, transient=True))
        try:
            app = App(settings, os.environ, logs, observer=observer, on_stop=deadline.start)
            app.run(lambda url: _log.info("serving %s/metrics", url))
        except ExporterError as error:
            if log.format != "json":
                raise
            for line in message_lines(error):
                _log.critical("%s", line)
            raise typer.Exit(exit_code(error)) from None
