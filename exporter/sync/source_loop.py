"""One source's loop: its entities one after the other, at their time, whatever other sources do."""

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
from exporter.sync.pacing import Pacing
from exporter.sync.page_writer import StoreThread
from exporter.sync.pass_runner import PassRequest, PassRunner
from exporter.sync.schedule import Job, Schedule
from exporter.sync.source_state import source_state

log = logging.getLogger(__name__)


class StoreGate:
    """Open while the store can be written. Sources wait before it, so that no request is made for nothing."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self.trouble = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """True while the store can be written."""
        return self._open.is_set()

    def shut(self) -> None:
        """The store failed: somebody should look after it."""
        self._open.clear()
        self.trouble.set()

    def reopen(self) -> None:
        """The store works again."""
        self.trouble.clear()
        self._open.set()

    async def wait(self) -> None:
        """Returns when the store can be written."""
        await self._open.wait()


@dataclass(frozen=True, slots=True)
class Shared:
    """What the loops of all sources have in common."""

    store: Store
    thread: StoreThread
    runner: PassRunner
    gate: StoreGate
    observer: Observer
    clock: Callable[[], datetime]
    pacing: Pacing
    chance: random.Random


class Drive:
    """Runs until it is cancelled; a pass under way is then broken off and goes on next time."""

    def __init__(self, job: Job, shared: Shared) -> None:
        self._job = job
        self._store = shared.store
        self._thread = shared.thread
        self._runner = shared.runner
        self._gate = shared.gate
        self._observer = shared.observer
        self._clock = shared.clock
        self._timetable = Schedule(job, shared.pacing, shared.chance)
        self._woken = asyncio.Event()
        self._outcomes: dict[str, Outcome] = {}
        self._state: SourceState | None = None

    def restart(self) -> None:
        """The store was emptied: everything is read anew."""
        self._timetable.reset(_now())
        self._woken.set()

    async def run(self) -> None:
        """The loop."""
        await self._refresh()
        self._timetable.start(self._outcomes, _now(), self._clock())
        self._show()
        while True:
            if not self._gate.is_open:
                self._show()
                await self._gate.wait()
            try:
                await self._round()
            except Exception:
                log.exception("a source's loop failed", extra={"source": self._job.source.name})
                await asyncio.sleep(self._job.interval)
            await self._rest()

    async def _round(self) -> None:
        """One pass over every entity that is due, until the source as a whole is of no use."""
        due = self._timetable.due(_now())
        for place, entity in enumerate(due):
            report = await self._pass(entity)
            if not self._gate.is_open:
                return
            if report.reason in SOURCE_WIDE:
                for other in due[place + 1 :]:
                    await self._settle(await self._runner.refuse(report, other))
                self._timetable.put_off(entity)
                return

    async def _pass(self, entity: str) -> PassReport:
        self._show(reading=True)
        errand = PassRequest(
            self._job.source,
            entity,
            full=self._timetable.wants_full(entity, _now(), self._clock()),
            fingerprint=self._job.fingerprints.get(entity, ""),
            pause_after=self._timetable.pause_after(entity),
        )
        report = await self._runner.run(errand)
        await self._settle(report)
        return report

    async def _settle(self, report: PassReport) -> None:
        """Plans the next pass and tells about both."""
        wait = self._timetable.note(report, _now())
        self._observer.scheduled(report.source, report.entity, self._clock() + timedelta(seconds=wait))
        if not self._store.up:
            self._gate.shut()
        await self._refresh()
        self._timetable.learn(self._outcomes)
        self._show()

    async def _refresh(self) -> None:
        try:
            outcomes = await self._thread.call(self._store.outcomes)
        except StoreError:
            self._gate.shut()
            return
        name = self._job.source.name
        self._outcomes = {outcome.entity: outcome for outcome in outcomes if outcome.source == name}

    async def _rest(self) -> None:
        self._woken.clear()
        try:
            async with asyncio.timeout(self._timetable.wait(_now())):
                await self._woken.wait()
        except TimeoutError:
            return

    def _show(self, *, reading: bool = False) -> None:
        entities = self._job.source.entities
        paused = not self._gate.is_open
        state = source_state(entities, self._outcomes.values(), paused=paused, reading=reading)
        if state is not self._state:
            self._state = state
            self._observer.state_changed(self._job.source.name, state)


def _now() -> float:
    return asyncio.get_running_loop().time()
