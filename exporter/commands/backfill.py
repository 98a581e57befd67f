"""`backfill`: the history of all series, calculated from the records, as a file for Prometheus."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import typer

from exporter.backfill.openmetrics_file import write_history
from exporter.backfill.steps import HOUR, floored, history_steps, month_start, steps_between
from exporter.clock import Clock, system_clock
from exporter.commands.options import LogOptions, duration, instant
from exporter.commands.progress import ProgressCallback, step_progress
from exporter.commands.sync import configured, opened_store, read_unread
from exporter.config.root import Config
from exporter.errors import EvaluationError, ExitCode, StoreDamagedError
from exporter.evaluation.completeness import Completeness
from exporter.evaluation.freshness import freshness
from exporter.evaluation.sealed_before import all_sealed
from exporter.metrics.connection import QueryError, consistent_read
from exporter.metrics.instants import HistoryQueries
from exporter.settings import Settings
from exporter.store.state import read_versions
from exporter.store.store import Store

_log = logging.getLogger(__name__)

StepSelector = Callable[[datetime | None], Sequence[datetime]]
"""Maps the time of the first record, None without records, to the steps of a history."""


@dataclass(frozen=True, slots=True)
class RangeOptions:
    """The requested range as typed; None is the default."""

    start: str | None = None
    end: str | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryRange:
    """The range of a history. Without a start it begins with the records, limited to Prometheus' retention.

    Without a step it has one an hour for the last 90 days, and one a day before.
    """

    start: datetime | None
    end: datetime
    step: timedelta | None = None

    @classmethod
    def parse(cls, options: RangeOptions, config: Config, now: datetime) -> HistoryRange:
        """Rejects invalid times and steps, an end in the future, and a start after the end."""
        zone = config.company.timezone
        step = duration(options.step, "--step") if options.step else None
        if step is not None and not timedelta(minutes=1) <= step <= timedelta(days=1):
            raise typer.BadParameter(f"{options.step} is not between 1m and 1d", param_hint="--step")
        start = instant(options.start, zone, "--from")
        end = instant(options.end, zone, "--to") or floored(now, step or HOUR)
        if end > now:
            raise typer.BadParameter(f"{options.end} is in the future", param_hint="--to")
        if start is not None and start > end:
            raise typer.BadParameter(
                f"{options.start} is after {end.astimezone(zone):%Y-%m-%dT%H:%M}", param_hint="--from"
            )
        return cls(start, end, step)

    def steps(self, config: Config, first_record: datetime | None) -> Sequence[datetime]:
        """The times to evaluate at."""
        start = self.start
        if start is None:
            start = self.end if first_record is None else default_start(config, first_record, self.end)
        if self.step is None:
            return history_steps(start, self.end, config.company.timezone)
        return steps_between(start, self.end, self.step)


def default_start(config: Config, first_record: datetime, end: datetime) -> datetime:
    """The month of the first record, or as far back from `end` as Prometheus keeps series, whichever is later."""
    return max(end - config.dashboards.retention, month_start(first_record, config.company.timezone))


def run(settings: Settings, options: RangeOptions, out: Path, log: LogOptions, *, no_sync: bool) -> ExitCode:
    """Writes the history. SOURCE if a source could not be read.

    Raises ConfigError, StoreError, EvaluationError, StartError.
    """
    with configured(settings, log) as config:
        history_range = HistoryRange.parse(options, config, system_clock())
        with opened_store(config, settings) as store:
            complete = no_sync or read_unread(config, store, settings.data_dir)
            count = write(config, store, lambda first_record: history_range.steps(config, first_record), out)
    typer.echo(f"{count} steps{f' of {options.step}' if options.step else ''} in {out}")
    return ExitCode.OK if complete else ExitCode.SOURCE


def write(
    config: Config,
    store: Store,
    select_steps: StepSelector,
    out: Path,
    *,
    clock: Clock = system_clock,
    on_progress: ProgressCallback | None = None,
) -> int:
    """Writes the history of the stored records and returns the number of steps. Shows progress by default.

    Raises EvaluationError, StoreError, and StartError if the file cannot be written.
    """
    fresh = freshness(config, store.outcomes(), clock())
    try:
        with store.reading() as reader, consistent_read(reader), _without_collector():
            complete = Completeness(config).of(reader, read_versions(reader), fresh)
            records = HistoryQueries(reader, config)
            steps = select_steps(records.begins())
            with step_progress("history") if on_progress is None else nullcontext(on_progress) as callback:
                write_history(config, records, complete, steps, out, callback, all_sealed(reader, config))
    except QueryError as error:
        if isinstance(failure := store.read_failed(error), StoreDamagedError):
            raise failure from error
        raise EvaluationError("store", f"cannot be read ({type(error).__name__})") from error
    for name in records.failed:
        _log.warning("%s could not be computed at each step and is omitted where it could not", name)
    return len(steps)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Suspends the search for unreachable cycles, which takes a sixth of the time: a history leaves next to none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
