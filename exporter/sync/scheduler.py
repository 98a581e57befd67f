"""All sources' loops, and what watches over them: the store's health, the wall clock, a clean stop."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from exporter.errors import StoreDamagedError, StoreError
from exporter.store.store import Store
from exporter.sync.observer import Observer
from exporter.sync.pacing import Pacing
from exporter.sync.page_writer import StoreThread
from exporter.sync.pass_runner import PassRunner
from exporter.sync.schedule import Job
from exporter.sync.source_loop import Drive, Shared, StoreGate

LOOK = 5.0
"""Seconds between two looks at the clock and at the store."""

JUMP = 60.0
"""A difference between wall clock and monotonic clock that is no drift."""

GRACE = 7.0
"""Seconds that a stop leaves to writes before it breaks them off."""

log = logging.getLogger(__name__)


class Scheduler:
    """Reads every source at its time, from `run` to `stop`.

    Waits are measured by the event loop's monotonic clock; `clock` gives the wall's, in UTC.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        store: Store,
        observer: Observer,
        clock: Callable[[], datetime],
        *,
        pacing: Pacing | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._jobs = tuple(jobs)
        self._store = store
        self._observer = observer
        self._clock = clock
        self._pacing = pacing or Pacing()
        self._chance = chance or random.Random()  # noqa: S311 - spreads load, protects nothing
        self._drives: dict[str, Drive] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._stop_asked = False

    async def run(self) -> None:
        """Returns after `stop`, within ten seconds, with every write committed or rolled back.

        Closes the sources. Raises StoreDamagedError where the store is damaged and may not be rebuilt.
        """
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        if self._stop_asked:
            self._stopping.set()
        thread, gate = StoreThread(), StoreGate()
        runner = PassRunner(self._store, thread, self._observer, self._clock)
        shared = Shared(self._store, thread, runner, gate, self._observer, self._clock, self._pacing, self._chance)
        self._drives = {job.source.name: Drive(job, shared) for job in self._jobs}
        watches = (self._stopped(), self._watch_store(gate, thread), self._watch_clock())
        loops = (drive.run() for drive in self._drives.values())
        tasks = {asyncio.create_task(work) for work in (*watches, *loops)}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._wind_up(tasks)
            thread.close()
        for task in done:
            task.result()

    def stop(self) -> None:
        """Makes `run` return; from any thread, also before it runs."""
        self._stop_asked = True
        if self._loop is not None and self._stopping is not None:
            with suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._stopping.set)

    async def _stopped(self) -> None:
        if self._stopping is not None:
            await self._stopping.wait()

    async def _wind_up(self, tasks: set[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        _, late = await asyncio.wait(tasks, timeout=GRACE)
        while late:  # an interruption between two statements goes unheard
            self._store.interrupt()
            _, late = await asyncio.wait(late, timeout=0.1)
        closing = [asyncio.create_task(job.source.close()) for job in self._jobs]
        if closing:
            _, late = await asyncio.wait(closing, timeout=1.0)
            for task in late:
                task.cancel()

    async def _watch_store(self, gate: StoreGate, thread: StoreThread) -> None:
        """Notices a store that fails or vanishes, and when it works again."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await gate.trouble.wait()
            try:
                await thread.call(self._store.ping)
            except StoreDamagedError:
                gate.shut()
                self._observer.store_failed("ping", "damaged")
                await self._rebuild(thread)
            except StoreError as error:
                log.warning("the store cannot be written: %s", error)
                self._observer.store_failed("ping", "error")
                gate.shut()
                await asyncio.sleep(LOOK)
                continue
            if not gate.is_open:
                gate.reopen()

    async def _rebuild(self, thread: StoreThread) -> None:
        before = self._store.rebuilds
        try:
            await thread.call(self._store.recover)
        except StoreDamagedError:
            raise
        except StoreError as error:
            log.warning("the store cannot be opened anew: %s", error)
            return
        if self._store.rebuilds > before:
            log.warning("the store was damaged: it was moved aside, and everything is read anew")
            self._observer.store_rebuilt()
            for drive in self._drives.values():
                drive.restart()

    async def _watch_clock(self) -> None:
        loop = asyncio.get_running_loop()
        wall, monotonic = self._clock(), loop.time()
        while True:
            await asyncio.sleep(LOOK)
            passed = (self._clock() - wall).total_seconds() - (loop.time() - monotonic)
            if abs(passed) > JUMP:
                log.warning("the wall clock jumped by %.0f seconds", passed)
                self._observer.clock_jumped(passed)
            wall, monotonic = self._clock(), loop.time()
