"""`backfill`: the past from the records, for Prometheus to take in."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import typer

from exporter.backfill.openmetrics_file import write_history
from exporter.backfill.steps import floored, month_start, steps_between
from exporter.clock import Clock, system_clock
from exporter.commands.exits import DONE, SOURCE
from exporter.commands.options import duration
from exporter.commands.progress import Told, counted
from exporter.commands.reading import read_sources, tell_of_unsent
from exporter.commands.values import instant
from exporter.config.root import Config
from exporter.evaluation.freshness import freshness, never_read
from exporter.logs import configure
from exporter.metrics.history import History
from exporter.runtime.config_file import read_config
from exporter.settings import Settings
from exporter.store.store import Store

_log = logging.getLogger(__name__)

Choose = Callable[[datetime | None], Sequence[datetime]]
"""From the instant of the first record to the steps of a history."""


@dataclass(frozen=True, slots=True)
class Span:
    """What past is asked for, as typed; None stands for all that is kept, and for now."""

    start: str | None = None
    until: str | None = None
    step: str = "1h"


@dataclass(frozen=True, slots=True)
class Past:
    """The steps of a history. Without a start it begins where the records do, as far as Prometheus keeps it."""

    start: datetime | None
    until: datetime
    step: timedelta

    @classmethod
    def parse(cls, asked: Span, config: Config, now: datetime) -> Past:
        """Refuses what is no instant, no step, in the future or the wrong way round."""
        zone = config.company.timezone
        step = _step(asked.step)
        start = instant(asked.start, zone, "--from")
        until = instant(asked.until, zone, "--to") or floored(now, step)
        if until > now:
            raise typer.BadParameter(f"{asked.until} is in the future, of which there is no record", param_hint="--to")
        if start is not None and start > until:
            raise typer.BadParameter(
                f"{asked.start} is after {until.astimezone(zone):%Y-%m-%dT%H:%M}", param_hint="--from"
            )
        return cls(start, until, step)

    def steps(self, config: Config, begins: datetime | None) -> Sequence[datetime]:
        """The instants, where the first record happened at `begins`."""
        start = self.start
        if start is None:
            kept = self.until - config.dashboards.retention
            start = max(kept, month_start(begins, config.company.timezone)) if begins is not None else self.until
        return steps_between(start, self.until, self.step)


def run(settings: Settings, asked: Span, out: Path, log: tuple[str, str], *, no_sync: bool) -> int:
    """Writes the history; the exit code tells of a source that could not be read. Raises ConfigError, StoreError."""
    redactor, outlet = configure(*log)
    try:
        config = read_config(settings.config, os.environ, redactor).config
        past = Past.parse(asked, config, system_clock())
        store = Store.open(settings.data_dir)
        try:
            store.retain({source.name: source.reads for source in config.sources})
            unread = () if no_sync else never_read(config, store.outcomes())
            tell_of_unsent(config, store)
            complete = not unread or read_sources(config, store, os.environ, settings.data_dir, unread).success
            count = write(config, store, lambda begins: past.steps(config, begins), out)
        finally:
            store.close()
    finally:
        outlet.close()
    typer.echo(f"{count} steps of {asked.step} in {out}")
    return DONE if complete else SOURCE


def write(
    config: Config, store: Store, steps: Choose, out: Path, *, clock: Clock = system_clock, told: Told | None = None
) -> int:
    """Writes the history of what the store holds; gives the number of steps. Progress is shown, or `told`.

    Raises EvaluationError, StoreError, and StartError where nothing can be written there.
    """
    fresh = freshness(config, store.outcomes(), clock())
    with store.reading() as reader:
        records = History(reader, config)
    for name in records.failed:
        _log.warning("%s could not be read and is left out", name)
    chosen = steps(records.begins)
    with counted("history") if told is None else nullcontext(told) as tell:
        write_history(config, records, fresh, chosen, out, tell)
    return len(chosen)


def _step(text: str) -> timedelta:
    step = duration(text, "--step")
    if not timedelta(minutes=1) <= step <= timedelta(days=1):
        raise typer.BadParameter(f"{text} is not between 1m and 1d", param_hint="--step")
    return step
