"""`demo`: runs the APIs of a simulated company, the exporter, and other programs if installed."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from threading import Event

from exporter.clock import system_clock
from exporter.commands import backfill
from exporter.commands.options import LogOptions
from exporter.commands.progress import log_stream, sync_progress
from exporter.commands.terminal import PlainConsole
from exporter.config.root import Config
from exporter.demo.server import HOST, PORT, launch, main
from exporter.errors import StartError
from exporter.evaluation.freshness import never_read
from exporter.logs import configure
from exporter.runtime.app import App
from exporter.runtime.config_file import read_config
from exporter.settings import ListenAddress, Settings

COMPANIONS = "kpi_exporter.demo"
"""Entry point group of programs that run with the demo."""

HistoryWriter = Callable[[Path, Event], bool]
"""Waits for the first sync, then writes the history to a file. Returns False if the event was set meanwhile."""

Companion = Callable[[Config, str, Path, HistoryWriter], AbstractContextManager[dict[str, str]]]
"""Called with (config, exporter_url, directory, write_history). Runs programs while it is entered, and returns their
names and addresses."""


def run(settings: Settings, data_dir: Path | None, log: LogOptions) -> None:
    """Runs until Ctrl-C, then stops everything it started. Raises StartError, for example if a port is in use."""
    console = PlainConsole(file=sys.stderr, highlight=False)
    logs = configure(*log, log_stream(console))
    with ExitStack() as stack:
        stack.callback(logs.handler.close)
        directory = data_dir or Path(stack.enter_context(_temporary_directory()))
        directory.mkdir(parents=True, exist_ok=True)
        config_path = demo_config()
        console.print("Starting a simulated company: 40 people, 15 months of deals, tickets and calls ...")
        company = launch(HOST, PORT)
        stack.callback(company.close)
        settings = replace(settings, config=config_path, data_dir=directory / "store")
        observer = stack.enter_context(sync_progress(console, transient=True))

        app = App(settings, os.environ, logs, observer=observer)

        def on_ready(url: str) -> None:
            addresses = {"KPIs, to read": f"{url}/", "metrics, to scrape": f"{url}/metrics"}
            config = read_config(settings.config, os.environ, logs.redactor).config
            for companion in _companions():
                context = companion(config, url, directory, partial(write_history, app, config))
                addresses |= companions.enter_context(context)
            for name, address in {**addresses, "the company's APIs": company.url, "config": config_path}.items():
                console.print(f"  {name:<20} {address}")
            console.print("The first sync takes a minute. Press Ctrl-C to stop everything.")

        companions = stack.enter_context(ExitStack())
        app.run(on_ready)


def apis_only(listen: ListenAddress) -> None:
    """Runs only the company's APIs until Ctrl-C, for a stack that runs the exporter elsewhere."""
    main(listen.host, listen.port)


def demo_config() -> Path:
    """The demo's config in the working directory, the source tree or the installed package. Raises StartError."""
    package = Path(__file__).parent.parent
    for directory in (Path("config"), package.parent / "config", package / "demo" / "config"):
        if (directory / "kpis.yaml").is_file() and (directory / "demo-token").is_file():
            return directory / "kpis.yaml"
    raise StartError("the demo's config was not found: run the demo in the directory that contains config/kpis.yaml")


def write_history(app: App, config: Config, out: Path, stopped: Event) -> bool:
    """Writes the history once all sources have been read; False if `stopped` was set before the end."""
    while (store := app.store) is None or never_read(config, store.outcomes()):
        if stopped.wait(1):
            return False

    def on_progress(completed: int, total: int) -> None:
        if stopped.is_set():
            raise StartError(f"stopped after {completed} of {total} steps")

    history_range = backfill.HistoryRange(None, system_clock())
    backfill.write(config, store, lambda first: history_range.steps(config, first), out, on_progress=on_progress)
    return not stopped.is_set()


def _companions() -> Iterator[Companion]:
    for entry_point in entry_points(group=COMPANIONS):
        try:
            yield entry_point.load()
        except ImportError:
            continue


def _temporary_directory() -> AbstractContextManager[str]:
    return tempfile.TemporaryDirectory(prefix="kpi-exporter-demo-", ignore_cleanup_errors=True)
