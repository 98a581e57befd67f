"""Runs the loops of all sources, watches the store and the wall clock, and stops cleanly."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from exporter.clock import CLOCK_JUMP
from exporter.errors import StoreDamagedError, StoreError
from exporter.store.store import Store
from exporter.sync.observer import Observer
from exporter.sync.page_writer import StoreThread
from exporter.sync.pass_runner import PassRunner
from exporter.sync.schedule import Job
from exporter.sync.source_loop import LoopContext, SourceLoop, StoreGate

CHECK_INTERVAL = 5.0
"""Seconds between two checks of the clock and the store."""

STOP_TIMEOUT = 4.0
"""Seconds that passes may take to end after a stop before their writes are interrupted."""

INTERRUPT_TIMEOUT = 2.0
"""Seconds that interrupted writes may take to be rolled back before they are left behind."""

log = logging.getLogger(__name__)


class Scheduler:
    """Reads every source when it is due, from `run` to `stop`.

    Waits use the event loop's monotonic clock; `clock` returns the wall clock's time in UTC.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        store: Store,
        observer: Observer,
        clock: Callable[[], datetime],
        *,
        rng: random.Random | None = None,
    ) -> None:
        self._jobs = tuple(jobs)
        self._store = store
        self._observer = observer
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - spreads load and protects nothing
        self._source_loops: list[SourceLoop] = []
        self._event_loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._stop_requested = False

    async def run(self) -> None:
        """Returns within eight seconds after `stop`, with all writes committed or rolled back and all sources closed.

        What does not end by then is left behind.

        Raises StoreDamagedError if the store is damaged and must not be rebuilt.
        """
        self._event_loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        if self._stop_requested:
            self._stopping.set()
        thread, gate = StoreThread(), StoreGate()
        runner = PassRunner(self._store, thread, self._observer, self._clock)
        context = LoopContext(
            self._store, thread, runner, gate, self._observer, self._clock, self._rng, self._stopping.is_set
        )
        self._source_loops = [SourceLoop(job, context) for job in self._jobs]
        watches = (self._wait_for_stop(self._stopping), self._watch_store(gate, thread), self._watch_clock(thread))
        loops = (source_loop.run() for source_loop in self._source_loops)
        tasks = {asyncio.create_task(work) for work in (*watches, *loops)}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped = await self._cancel(tasks, thread)
            thread.close(wait=stopped)
        for task in done:
            task.result()

    def stop(self) -> None:
        """Makes `run` return; may be called from any thread, and before `run`."""
        self._stop_requested = True
        if self._event_loop is not None and self._stopping is not None:
            with suppress(RuntimeError):  # the loop has already ended
                self._event_loop.call_soon_threadsafe(self._stopping.set)

    @staticmethod
    async def _wait_for_stop(stopping: asyncio.Event) -> None:
        await stopping.wait()

    async def _cancel(self, tasks: set[asyncio.Task[None]], thread: StoreThread) -> bool:
        """Ends the tasks and closes the sources; False if a task does not end."""
        for task in tasks:
            task.cancel()
        _, unfinished = await asyncio.wait(tasks, timeout=STOP_TIMEOUT)
        deadline = asyncio.get_running_loop().time() + INTERRUPT_TIMEOUT
        while unfinished and asyncio.get_running_loop().time() < deadline:
            # again and again, because an interrupt between two statements has no effect
            self._store.interrupt(thread.identifier)
            _, unfinished = await asyncio.wait(unfinished, timeout=0.1)
        if unfinished:
            log.warning("a pass does not end although it was cancelled: it is left behind")
        closing = [asyncio.create_task(job.source.close()) for job in self._jobs]
        if closing:
            _, clinging = await asyncio.wait(closing, timeout=1.0)
            for task in clinging:
                task.cancel()
        return not unfinished

    async def _watch_store(self, gate: StoreGate, thread: StoreThread) -> None:
        """Closes the gate when the store fails or vanishes, and opens it when the store works again."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_INTERVAL):
                    await gate.failure.wait()
            try:
                await thread.call(self._store.ping)
            except StoreDamagedError:
                gate.close()
                self._observer.store_failed("ping", "damaged")
                await self._recover(thread)
            except StoreError as error:
                log.warning("the store is not writable: %s", error)
                self._observer.store_failed("ping", "error")
                gate.close()
                await asyncio.sleep(CHECK_INTERVAL)
                continue
            if not gate.is_open:
                gate.open()

    async def _recover(self, thread: StoreThread) -> None:
        rebuilds = self._store.rebuilds
        try:
            await thread.call(self._store.recover)
        except StoreDamagedError:
            raise
        except StoreError as error:
            log.warning("the store cannot be opened again: %s", error)
            return
        if self._store.rebuilds > rebuilds:
            self._observer.store_rebuilt()
            for source_loop in self._source_loops:
                source_loop.restart()

    async def _watch_clock(self, thread: StoreThread) -> None:
        """Reports jumps of the wall clock, and has the store move its waits with it."""
        event_loop = asyncio.get_running_loop()
        wall, monotonic = self._clock(), event_loop.time()
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            jump = (self._clock() - wall).total_seconds() - (event_loop.time() - monotonic)
            if abs(jump) > CLOCK_JUMP:
                log.warning("the wall clock jumped by %.0f seconds", jump)
                self._observer.clock_jumped(jump)
                with suppress(StoreError):
                    await thread.call(self._store.adopt_clock, self._clock())
            wall, monotonic = self._clock(), event_loop.time()
