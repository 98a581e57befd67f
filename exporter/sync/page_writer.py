"""The store on a thread of its own, and pages written to it while the next ones are fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any, ParamSpec, TypeVar

from exporter.passes import Page

P = ParamSpec("P")
Result = TypeVar("Result")

ENOUGH_RECORDS = 1000
"""A commit of fewer records costs as much as one of so many, so small pages share one."""

MOST_RECORDS = 4000
"""So many records wait for the writer at most; then the next page is not fetched before they are written."""

LONGEST_WAIT = 1.0
"""Seconds after which a page is committed however small it is: that much reading a kill may cost."""


class StoreThread:
    """Runs the store's calls one after the other, in the order they came, off the event loop.

    A thread of its own: name look-ups that hang in the loop's shared threads must not stop other sources' writes.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    async def call(self, function: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """The function's result. A cancelled caller still waits: a write ends committed or rolled back."""
        running = asyncio.get_running_loop().run_in_executor(self._executor, partial(function, *args, **kwargs))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            with suppress(Exception):
                await running
            raise

    def close(self) -> None:
        """Waits for the call that is running."""
        self._executor.shutdown(wait=True)


class PageWriter:
    """Writes a pass's pages behind its back: one commit runs while the next pages are fetched and gathered."""

    def __init__(self, write: Callable[[Page], Coroutine[Any, Any, None]]) -> None:
        self._write = write
        self._held: list[Page] = []
        self._running: asyncio.Task[None] | None = None
        self._last = _now()

    async def add(self, page: Page) -> None:
        """Takes a page; raises what writing an earlier one raised."""
        self._held.append(page)
        held = sum(len(page.records) for page in self._held)
        if self._running is not None and (self._running.done() or held >= MOST_RECORDS):
            await self._wait()
        if self._running is None and (held >= ENOUGH_RECORDS or _now() - self._last >= LONGEST_WAIT):
            self._start()

    async def flush(self) -> None:
        """Returns when every page is committed; raises what writing raised."""
        await self._wait()
        if self._held:
            self._start()
            await self._wait()

    async def settle(self) -> None:
        """Returns when no write is running, however it ended; what is held is not written."""
        with suppress(Exception):
            await self._wait()

    def _start(self) -> None:
        page = together(self._held)
        self._held = []
        self._last = _now()
        self._running = asyncio.create_task(self._write(page))

    async def _wait(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await running


def together(pages: list[Page]) -> Page:
    """Consecutive pages as one, which resumes after the last."""
    if len(pages) == 1:
        return pages[0]
    records = tuple(chain.from_iterable(page.records for page in pages))
    rejected = tuple(chain.from_iterable(page.rejected for page in pages))
    return Page(records, rejected, resume=pages[-1].resume)


def _now() -> float:
    return asyncio.get_running_loop().time()
