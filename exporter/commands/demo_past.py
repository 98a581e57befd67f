"""The demo's past, for a Prometheus beside it: hour by hour of late, every six hours before, to be there soon."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

from exporter.backfill.steps import month_start, steps_between
from exporter.clock import system_clock
from exporter.commands import backfill
from exporter.config.root import Config
from exporter.errors import StartError
from exporter.evaluation.freshness import never_read
from exporter.runtime.app import App

HOURLY = timedelta(days=31)
"""How far back there is a step each hour."""

Past = Callable[[Path, Event], bool]
"""Waits for the first load and writes the past to a file; False where the event was set meanwhile."""


def write_past(app: App, config: Config, out: Path, stopped: Event) -> bool:
    """Writes what the records say of the past, once all of them were read; False where it was stopped."""
    while (store := app.store) is None or never_read(config, store.outcomes()):
        if stopped.wait(1):
            return False

    def going_on(done: int, total: int) -> None:
        if stopped.is_set():
            raise StartError(f"stopped after {done} of {total} steps")

    until = system_clock()
    backfill.write(config, store, lambda begins: steps(config, begins or until, until), out, told=going_on)
    return not stopped.is_set()


def steps(config: Config, begins: datetime, until: datetime) -> list[datetime]:
    """Every six hours at first, then every hour."""
    start = max(until - config.dashboards.retention, month_start(begins, config.company.timezone))
    recent = steps_between(max(start, until - HOURLY), until, timedelta(hours=1))
    early = steps_between(start, until - HOURLY, timedelta(hours=6))
    return [*(step for step in early if step < recent[0]), *recent] if recent else early
