"""The store on its own thread, and pages that are written while the next ones are fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import chain
from threading import get_ident
from typing import Any, ParamSpec, TypeVar

from exporter.passes import Page

Arguments = ParamSpec("Arguments")
CallResult = TypeVar("CallResult")

BATCH_RECORDS = 1000
"""A commit of fewer records costs as much as one of this size, so small pages share one."""

MAX_PENDING_RECORDS = 4000
"""With this many records pending, the next page is fetched only after they are written."""

MAX_DELAY = 1.0
"""Seconds after which a page is committed even if it is small: a kill loses at most this much reading."""


class StoreThread:
    """Runs calls of the store one after the other, in order, off the event loop.

    The thread is not shared, because name look-ups that hang in the loop's threads must not stop the writes of other
    sources.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="store", initializer=self._remember)
        self.identifier = 0
        """The thread's identifier, 0 before the first call."""

    def _remember(self) -> None:
        self.identifier = get_ident()

    async def call(
        self, function: Callable[Arguments, CallResult], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> CallResult:
        """The function's result. Cancellation waits for the call, so that writes end committed or rolled back."""
        call = asyncio.get_running_loop().run_in_executor(self._executor, partial(function, *args, **kwargs))
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            with suppress(Exception):
                await call
            raise

    def close(self, *, wait: bool = True) -> None:
        """Waits for the current call, unless `wait` is False."""
        self._executor.shutdown(wait=wait)


class PageWriter:
    """Writes the pages of a pass in the background: one commit runs while the next pages are fetched."""

    def __init__(self, write: Callable[[Page], Coroutine[Any, Any, None]]) -> None:
        self._write = write
        self._pending: list[Page] = []
        self._writing: asyncio.Task[None] | None = None
        self._last_write = _now()

    async def add(self, page: Page) -> None:
        """Takes a page; raises the error of an earlier write."""
        self._pending.append(page)
        records = sum(len(page.records) for page in self._pending)
        if self._writing is not None and (self._writing.done() or records >= MAX_PENDING_RECORDS):
            await self._wait()
        if self._writing is None and (records >= BATCH_RECORDS or _now() - self._last_write >= MAX_DELAY):
            self._start()

    async def flush(self) -> None:
        """Returns once every page is committed; raises the error of a write."""
        await self._wait()
        if self._pending:
            self._start()
            await self._wait()

    async def settle(self) -> None:
        """Returns once no write runs, whatever its result; pending pages are not written."""
        with suppress(Exception):
            await self._wait()

    def _start(self) -> None:
        page = combine(self._pending)
        self._pending = []
        self._last_write = _now()
        self._writing = asyncio.create_task(self._write(page))

    async def _wait(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing


def combine(pages: list[Page]) -> Page:
    """Consecutive pages as one, which resumes after the last."""
    if len(pages) == 1:
        return pages[0]
    records = tuple(chain.from_iterable(page.records for page in pages))
    rejected = tuple(chain.from_iterable(page.rejected for page in pages))
    return Page(records, rejected, resume=pages[-1].resume)


def _now() -> float:
    return asyncio.get_running_loop().time()
