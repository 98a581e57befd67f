"""The loop of one source: reads its entities one after the other when they are due, independently of other sources."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from exporter.errors import StoreError
from exporter.naming import SourceState
from exporter.sources.access_check import SOURCE_WIDE
from exporter.store.state import Outcome
from exporter.store.store import Store
from exporter.sync.observer import Observer, PassReport
from exporter.sync.page_writer import StoreThread
from exporter.sync.pass_runner import PassRequest, PassRunner
from exporter.sync.schedule import Job, Schedule
from exporter.sync.source_state import source_state

log = logging.getLogger(__name__)


class StoreGate:
    """Open while the store is writable. Sources wait for it, so that no request is wasted."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self.failure = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """True while the store is writable."""
        return self._open.is_set()

    def close(self) -> None:
        """The store failed and must be checked."""
        self._open.clear()
        self.failure.set()

    def open(self) -> None:
        """The store works again."""
        self.failure.clear()
        self._open.set()

    async def wait(self) -> None:
        """Returns once the store is writable."""
        await self._open.wait()


@dataclass(frozen=True, slots=True)
class LoopContext:
    """What the loops of all sources share."""

    store: Store
    thread: StoreThread
    runner: PassRunner
    gate: StoreGate
    observer: Observer
    clock: Callable[[], datetime]
    rng: random.Random
    stopping: Callable[[], bool] = lambda: False


class SourceLoop:
    """Runs until it is cancelled; a running pass is then interrupted and resumes next time."""

    def __init__(self, job: Job, context: LoopContext) -> None:
        self._job = job
        self._context = context
        self._gate = context.gate
        self._schedule = Schedule(job, context.rng)
        self._woken = asyncio.Event()
        self._outcomes: dict[str, Outcome] = {}
        self._state: SourceState | None = None

    def restart(self) -> None:
        """The store was emptied: reads everything again."""
        self._schedule.reset(_now())
        self._woken.set()

    async def run(self) -> None:
        """The loop."""
        await self._load_outcomes()
        self._schedule.start(self._outcomes, _now(), self._context.clock())
        self._report_state()
        while not self._context.stopping():
            if not self._gate.is_open:
                self._report_state()
                await self._gate.wait()
            try:
                await self._read_due()
            except Exception:
                log.exception("a source's loop failed", extra={"source": self._job.source.name})
                await asyncio.sleep(self._job.interval)
            self._woken.clear()
            try:
                async with asyncio.timeout(self._schedule.wait(_now())):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _read_due(self) -> None:
        """Makes one pass over every entity that is due, until the source fails as a whole."""
        due = self._schedule.due(_now())
        for index, entity in enumerate(due):
            self._report_state(reading=True)
            request = PassRequest(
                self._job.source,
                entity,
                full=self._schedule.wants_full(entity, _now(), self._context.clock()),
                fingerprint=self._job.fingerprints.get(entity, ""),
                pause_after=self._schedule.pause_after(entity),
            )
            report = await self._context.runner.run(request)
            await self._record(report)
            if not self._gate.is_open:
                return
            if report.reason in SOURCE_WIDE:
                for skipped in due[index + 1 :]:
                    await self._record(await self._context.runner.skip(report, skipped))
                self._schedule.postpone(entity)
                return

    async def _record(self, report: PassReport) -> None:
        """Schedules the next pass and reports it together with the source's state."""
        wait = self._schedule.record(report, _now())
        next_pass = self._context.clock() + timedelta(seconds=wait)
        self._context.observer.scheduled(report.source, report.entity, next_pass)
        if not self._context.store.up:
            self._gate.close()
        await self._load_outcomes()
        self._schedule.update(self._outcomes)
        self._report_state()

    async def _load_outcomes(self) -> None:
        try:
            outcomes = await self._context.thread.call(self._context.store.outcomes)
        except StoreError:
            self._gate.close()
            return
        name = self._job.source.name
        self._outcomes = {outcome.entity: outcome for outcome in outcomes if outcome.source == name}

    def _report_state(self, *, reading: bool = False) -> None:
        entities = self._job.source.entities
        paused = not self._gate.is_open
        state = source_state(entities, self._outcomes.values(), paused=paused, reading=reading)
        if state is not self._state:
            self._state = state
            self._context.observer.state_changed(self._job.source.name, state)


def _now() -> float:
    return asyncio.get_running_loop().time()
