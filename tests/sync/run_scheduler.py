"""Runs a scheduler for a number of virtual seconds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

from exporter.errors import Reason, SourceUnavailableError
from exporter.store.store import Store
from exporter.sync.schedule import Job
from exporter.sync.scheduler import Scheduler
from tests.sync.fakes import FakeSource, Recorder, clock
from tests.sync.virtual_time import run

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
UNREACHABLE = SourceUnavailableError(Reason.CONNECT, "connection refused")


def job(source: FakeSource, every: float = MINUTE, reconcile: float = DAY, **fingerprints: str) -> Job:
    """Reads the source every minute, and everything once a day."""
    return Job(source, timedelta(seconds=every), timedelta(seconds=reconcile), fingerprints)


def scheduled(
    store: Store,
    *jobs: Job,
    seconds: float,
    observer: Recorder | None = None,
    wall: Callable[[], datetime] = clock,
    meanwhile: Callable[[Scheduler], None] = lambda _: None,
) -> None:
    """Runs the scheduler for a number of virtual seconds; `meanwhile` may add timers to the loop."""

    async def work() -> None:
        scheduler = Scheduler(jobs, store, observer or Recorder(), wall, rng=random.Random(1))
        running = asyncio.create_task(scheduler.run())
        meanwhile(scheduler)
        done, _ = await asyncio.wait({running}, timeout=seconds)
        if not done:
            scheduler.stop()
        await running

    run(work())


def gaps(times: list[float]) -> list[float]:
    """The seconds between the times."""
    return [later - earlier for earlier, later in pairwise(times)]
