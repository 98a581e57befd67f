"""`provision`: prepares a stack: checks the config, generates its files and, the first time, writes history."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path

import typer

from exporter.clock import Clock, system_clock
from exporter.commands import backfill
from exporter.commands.http import reload
from exporter.commands.options import LogOptions
from exporter.commands.sync import configured, opened_store, read_sources
from exporter.config.root import Config
from exporter.errors import ExitCode, StartError
from exporter.evaluation.freshness import never_read
from exporter.settings import Settings
from exporter.store.store import Store

GENERATORS = "kpi_exporter.generators"
"""Entry point group of functions that write files for a stack."""

RETRY_INTERVAL = 5.0
"""Seconds between two attempts to read sources that failed."""

_log = logging.getLogger(__name__)

StackGenerator = Callable[[Config, Path], None]
"""Called with (config, directory)."""


@dataclass(frozen=True, slots=True)
class ProvisionOptions:
    """Where to write files and history, URLs to reload, and how long to retry sources that fail."""

    out: Path
    history: Path | None = None
    reload: tuple[str, ...] = ()
    wait: timedelta = timedelta(minutes=2)


def run(settings: Settings, options: ProvisionOptions, log: LogOptions) -> ExitCode:
    """Prepares a stack. Beside a running stack, it updates the files and triggers a reload.

    Raises ConfigError, StoreError, EvaluationError, and StartError if a file cannot be written.
    """
    with configured(settings, log) as config:
        for generate in _generators():
            generate(config, options.out)
        typer.echo(f"dashboards, rules and provisioning are in {options.out}")
        code = ExitCode.OK
        if options.history is not None and not options.history.exists():
            code = _write_history(config, settings, options.history, options.wait)
        for url in options.reload:
            reload(url)
    return code


def _generators() -> Iterator[StackGenerator]:
    points = tuple(entry_points(group=GENERATORS))
    try:
        yield from (point.load() for point in points)
    except ImportError as error:
        raise StartError(f"{error.name} is missing: pip install 'kpi-exporter[dashboards]'") from None
    if not points:
        raise StartError("no dashboards generator is installed: pip install 'kpi-exporter[dashboards]'")


def _write_history(config: Config, settings: Settings, out: Path, wait: timedelta) -> ExitCode:
    out.parent.mkdir(parents=True, exist_ok=True)
    with opened_store(config, settings) as store:
        unread = read_all(config, store, settings.data_dir, wait)
        if unread and len(unread) == sum(source.polled for source in config.sources):
            _log.error("no source could be read, so there is no history to write")
            return ExitCode.SOURCE
        if unread:
            _log.warning("the history is without %s, which could not be read", ", ".join(unread))
        history_range = backfill.HistoryRange.parse(backfill.RangeOptions(), config, system_clock())
        count = backfill.write(config, store, lambda first_record: history_range.steps(config, first_record), out)
    typer.echo(f"{count} steps of history are in {out}")
    return ExitCode.OK


def read_all(
    config: Config,
    store: Store,
    data_dir: Path,
    wait: timedelta,
    *,
    clock: Clock = system_clock,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[str, ...]:
    """Reads sources until each has been read completely, for at most `wait`. Returns those that have not.

    A pass that has started is never cut short.
    """
    deadline = clock() + wait
    while unread := never_read(config, store.outcomes()):
        read_sources(config, store, data_dir, unread)
        unread = never_read(config, store.outcomes())
        if not unread or clock() >= deadline:
            break
        sleep(RETRY_INTERVAL)
    return unread
