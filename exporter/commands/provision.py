"""`provision`: what a stack needs before it starts: a checked config, generated files and, the first time, history."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import typer

from exporter.clock import Clock, system_clock
from exporter.commands import backfill
from exporter.commands.exits import DONE, SOURCE
from exporter.commands.reading import read_sources
from exporter.config.root import Config
from exporter.errors import StartError
from exporter.evaluation.freshness import never_read
from exporter.logs import configure
from exporter.runtime.config_file import read_config
from exporter.settings import Settings
from exporter.store.store import Store

GENERATORS = "kpi_exporter.generators"
"""Entry points of what writes files for a stack: `write(config, folder)`."""

AGAIN_AFTER = 5.0
"""Seconds until sources that did not answer are tried again."""

DEADLINE = 10.0

_log = logging.getLogger(__name__)

Generator = Callable[[Config, Path], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where files and history go, whom to tell of new files, and how long to wait for sources."""

    out: Path
    history: Path | None = None
    reload: tuple[str, ...] = ()
    wait: timedelta = timedelta(minutes=2)


def run(settings: Settings, wanted: Wanted, log_shape: str, log_level: str) -> int:
    """Prepares a stack. Done once more beside one that runs, it writes the files anew and has them loaded.

    Raises ConfigError with every problem, StoreError, and StartError where something cannot be written.
    """
    redactor, outlet = configure(log_shape, log_level)
    try:
        config = read_config(settings.config, os.environ, redactor).config
        for write in _generators():
            write(config, wanted.out)
        typer.echo(f"dashboards, rules and provisioning are in {wanted.out}")
        code = DONE
        if wanted.history is not None and not wanted.history.exists():
            code = _write_history(config, settings, wanted.history, wanted.wait)
        for url in wanted.reload:
            _reload(url)
    finally:
        outlet.close()
    return code


def _generators() -> Iterator[Generator]:
    found = tuple(entry_points(group=GENERATORS))
    try:
        yield from (entry.load() for entry in found)
    except ImportError as error:
        raise StartError(f"{error.name} is missing: pip install 'kpi-exporter[dashboards]'") from None
    if not found:
        raise StartError("nothing generates dashboards here: install kpi-exporter with its dashboards")


def _write_history(config: Config, settings: Settings, out: Path, wait: timedelta) -> int:
    out.parent.mkdir(parents=True, exist_ok=True)
    store = Store.open(settings.data_dir)
    try:
        store.retain({source.name: source.reads for source in config.sources})
        unread = read_all(config, store, settings.data_dir, wait)
        if unread and len(unread) == sum(source.polled for source in config.sources):
            _log.error("no source could be read: there is no history to write")
            return SOURCE
        if unread:
            _log.warning("the history is without %s, which could not be read", ", ".join(unread))
        past = backfill.Past.parse(backfill.Span(), config, system_clock())
        count = backfill.write(config, store, lambda begins: past.steps(config, begins), out)
    finally:
        store.close()
    typer.echo(f"{count} hours of history are in {out}")
    return DONE


def read_all(
    config: Config,
    store: Store,
    data_dir: Path,
    wait: timedelta,
    *,
    clock: Clock = system_clock,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[str, ...]:
    """Reads every source that was never read whole, and again for as long as `wait` says; gives those still unread.

    A source that answers is read to its end, however long that takes.
    """
    until = clock() + wait
    while unread := never_read(config, store.outcomes()):
        read_sources(config, store, os.environ, data_dir, unread)
        if not never_read(config, store.outcomes()) or clock() >= until:
            break
        sleep(AGAIN_AFTER)
    return never_read(config, store.outcomes()) if unread else ()


def _reload(url: str) -> None:
    """Asks for a reload; at the first start nobody is there to be asked."""
    try:
        with urlopen(Request(url, method="POST"), timeout=DEADLINE):  # noqa: S310 - checked where it was typed
            typer.echo(f"reloaded {url}")
    except (URLError, OSError, ValueError) as error:
        _log.warning("%s was not reloaded: %s", url, getattr(error, "reason", error))


def addresses(urls: Iterable[str]) -> tuple[str, ...]:
    """The same addresses; refuses what is not HTTP."""
    for url in urls:
        if not url.startswith(("http://", "https://")):
            raise typer.BadParameter("an address begins with http:// or https://", param_hint="--reload")
    return tuple(urls)
