"""`sync --once`, and the pass over sources that other commands make before their work."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import orjson
import typer
from rich.table import Table

from exporter.clock import system_clock
from exporter.commands.options import LogOptions, SummaryFormat
from exporter.commands.progress import sync_progress
from exporter.commands.terminal import PlainConsole
from exporter.config.root import Config
from exporter.errors import ExitCode
from exporter.evaluation.freshness import never_read, never_sent
from exporter.logs import configure
from exporter.printable import printable_json
from exporter.privacy.former import replace_former
from exporter.runtime.config_file import corrupt_policy, read_config
from exporter.runtime.source_jobs import sync_jobs
from exporter.settings import Settings
from exporter.store.store import Store
from exporter.sync.once import Summary, sync_once
from exporter.sync.retention import retain_sources
from exporter.threads import run_loop

_log = logging.getLogger(__name__)


class NullTelemetry:
    """Telemetry of a single pass, which no Prometheus scrapes."""

    def request(self, source: str, outcome: str) -> None:
        """Ignored."""

    def clock_skew(self, source: str, seconds: float) -> None:
        """Ignored."""

    def next_attempt(self, source: str, at: datetime) -> None:
        """Ignored."""


def run(settings: Settings, output: SummaryFormat, log: LogOptions) -> ExitCode:
    """Reads all sources once and prints the result of each pass. Raises ConfigError, StoreError."""
    with configured(settings, log) as config, opened_store(config, settings) as store:
        summary = read_sources(config, store, settings.data_dir)
        replace_former(store, config, system_clock())
    if output == "json":
        typer.echo(printable_json(orjson.dumps(summary.as_json(), option=orjson.OPT_INDENT_2).decode()))
    else:
        PlainConsole().print(_table(summary))
    return ExitCode.OK if summary.success else ExitCode.SOURCE


@contextmanager
def configured(settings: Settings, log: LogOptions) -> Iterator[Config]:
    """Sets up the log and loads the config. Raises ConfigError."""
    logs = configure(*log)
    try:
        yield read_config(settings.config, os.environ, logs.redactor).config
    finally:
        logs.handler.close()


@contextmanager
def opened_store(config: Config, settings: Settings) -> Iterator[Store]:
    """The store, without the data of removed sources. Warns of rebuilds and of sources that never received a post.

    Raises StoreError.
    """
    store = Store.open(settings.data_dir, on_corrupt=corrupt_policy(settings.on_corrupt, config))
    try:
        store.adopt_clock(system_clock())
        for rebuild in store.unaccepted_rebuilds():
            _log.warning("%s. Restore a backup, or accept the loss with kpi-exporter accept-loss", rebuild)
        retain_sources(store, config, system_clock())
        for name, entities in never_sent(config, store.outcomes()).items():
            _log.warning("%s has never received a post of %s; only serve accepts posts", name, ", ".join(entities))
        yield store
    finally:
        store.close()


def read_unread(config: Config, store: Store, data_dir: Path) -> bool:
    """Reads the sources that have never been read completely; False if one of them failed."""
    unread = never_read(config, store.outcomes())
    return not unread or read_sources(config, store, data_dir, unread).success


def read_sources(config: Config, store: Store, data_dir: Path, names: Collection[str] | None = None) -> Summary:
    """Reads all sources once, or only those in `names`. Failures of sources are logged and in the summary.

    Raises ConfigError.
    """
    source_jobs = sync_jobs(config, os.environ, data_dir, system_clock, NullTelemetry())
    selected = [job for job in source_jobs if names is None or job.source.name in names]

    async def read() -> Summary:
        with sync_progress() as observer:
            try:
                return await sync_once(selected, store, observer, system_clock)
            finally:
                await asyncio.gather(*(job.source.close() for job in source_jobs))

    summary = run_loop(read())
    for report in summary.passes:
        if not report.success:
            reason = report.reason.value if report.reason else "not finished"
            _log.error("%s of %s: %s: %s", report.entity, report.source, reason, report.message)
        if report.rejections:
            _log.warning("%s of %s: %s", report.entity, report.source, report.rejections)
    return summary


def _table(summary: Summary) -> Table:
    table = Table("Source", "Entity", "Result")
    for name in ("New", "Updated", "Unchanged", "Deleted", "Rejected", "Seconds"):
        table.add_column(name, justify="right")
    for report in summary.passes:
        result = "done" if report.success else f"failed: {report.reason.value if report.reason else 'not finished'}"
        counts = (report.new, report.updated, report.unchanged, report.deleted, sum(report.rejected.values()))
        table.add_row(report.source, report.entity, result, *map(str, counts), f"{report.seconds:.1f}")
    return table
