"""`demo`: a simulated company's APIs, the exporter on them, and whatever else is installed beside it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

from rich.console import Console

from exporter.commands.demo_past import Past, write_past
from exporter.commands.progress import log_stream, shown
from exporter.config.root import Config
from exporter.demo.server import HOST, PORT, launch, main
from exporter.errors import StartError
from exporter.logs import configure
from exporter.runtime.app import App
from exporter.runtime.config_file import read_config
from exporter.settings import Address, Settings

COMPANIONS = "kpi_exporter.demo"
"""Entry points of programs that run beside the demo: `begin(config, exporter_url, directory, history)`."""

Companion = Callable[[Config, str, Path, Past], AbstractContextManager[dict[str, str]]]
"""Runs programs while it is entered, gives what they are to their addresses, and ends them when it is left."""


def run(settings: Settings, data_dir: Path | None, log_shape: str, log_level: str) -> None:
    """Runs until Ctrl-C, then stops everything it started. Raises StartError where a port is taken."""
    console = Console(file=sys.stderr, highlight=False)
    logs = configure(log_shape, log_level, log_stream(console))
    with ExitStack() as stack:
        stack.callback(logs.outlet.close)
        directory = stack.enter_context(_directory(data_dir))
        config_path = demo_config()
        console.print("Starting a simulated company: 40 people, 15 months of deals, tickets and calls ...")
        company = launch(HOST, PORT)
        stack.callback(company.close)
        settings = replace(settings, config=config_path, data_dir=directory / "store")
        observer = stack.enter_context(shown(console, fleeting=True))

        app = App(settings, os.environ, logs, observer=observer)

        def ready(address: str) -> None:
            places = {"KPIs, to read": f"{address}/", "metrics, to scrape": f"{address}/metrics"}
            config = read_config(settings.config, os.environ, logs.redactor).config
            for begin in _companions():
                places |= beside.enter_context(begin(config, address, directory, partial(write_past, app, config)))
            for what, where in {**places, "the company's APIs": company.url, "config": config_path}.items():
                console.print(f"  {what:<20} {where}")
            console.print("The first load takes a minute. Ctrl-C stops everything.")

        beside = stack.enter_context(ExitStack())
        app.run(ready)


def apis_only(listen: Address) -> None:
    """Only the company's APIs, for a stack that runs the exporter elsewhere; until Ctrl-C."""
    main(listen.host, listen.port)


def demo_config() -> Path:
    """The demo's config: beside where one stands, in the source tree, or as it was installed."""
    package = Path(__file__).parent.parent
    for place in (Path("config"), package.parent / "config", package / "demo" / "config"):
        if (place / "kpis.yaml").is_file() and (place / "demo-token").is_file():
            return place / "kpis.yaml"
    raise StartError("the demo's config is not here: run it where config/kpis.yaml is")


def _companions() -> Iterator[Companion]:
    for entry in entry_points(group=COMPANIONS):
        try:
            yield entry.load()
        except ImportError:
            continue


@contextmanager
def _directory(wished: Path | None) -> Iterator[Path]:
    if wished is not None:
        wished.mkdir(parents=True, exist_ok=True)
        yield wished
        return
    made = tempfile.mkdtemp(prefix="kpi-exporter-demo-")
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)
