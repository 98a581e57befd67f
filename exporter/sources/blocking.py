"""Blocking reads, of databases and files, as asynchronous pages that can be cancelled whatever the driver does.

Each read has a daemon thread of its own, which alone touches the driver's objects. A cancelled read is cancelled at
the database and gets a moment to end; if the driver does not react, the thread is left behind.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import aclosing, contextmanager, suppress
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

from exporter.errors import Reason, SourceUnavailableError

GRACE = 3.0
"""Seconds that a cancelled read gets to end."""

CANCEL_INTERVAL = 1.0
"""Seconds between two attempts to cancel a read."""

Item = TypeVar("Item")
Interrupt = Callable[[], object]
BlockingReader = Callable[["Cancellation"], Generator[Item, None, None]]
"""A generator function; all of it runs in the thread of the read."""

_log = logging.getLogger(__name__)


class Cancellation:
    """The request to end one blocking read, and the ways to interrupt what it waits for. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._interrupts: tuple[Interrupt, ...] = ()
        self._finished = Event()
        self._is_requested = False

    @contextmanager
    def by(self, *interrupts: Interrupt) -> Iterator[None]:
        """While the block runs, a request calls these interrupts, one after the other until the block ends.

        Interrupts may hang and fail. Raises SourceUnavailableError if the request was made before.
        """
        with self._lock:
            self._interrupts = interrupts
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._interrupts = ()
            self._finished.set()

    def check(self) -> None:
        """Raises SourceUnavailableError if the read is to end."""
        if self._is_requested:
            raise SourceUnavailableError(Reason.TIMEOUT, "the read was cancelled")

    def request(self) -> None:
        """Makes the read end; returns at once."""
        self._is_requested = True
        Thread(target=self._interrupt, name="cancel", daemon=True).start()

    def _interrupt(self) -> None:
        """Repeats the last interrupt, because an interrupt between two statements has no effect."""
        with self._lock:
            interrupts = list(self._interrupts)
        while interrupts and not self._finished.is_set():
            interrupt = interrupts.pop(0) if len(interrupts) > 1 else interrupts[0]
            with suppress(Exception):  # the connection may have been closed meanwhile
                interrupt()
            self._finished.wait(CANCEL_INTERVAL)


class _End:
    """The end of a read."""


class _BlockingRead(Generic[Item]):
    """One read, in a thread of its own; each item is computed when it is asked for."""

    def __init__(self, reader: BlockingReader[Item]) -> None:
        self._loop = asyncio.get_running_loop()
        self._cancellation = Cancellation()
        self._requests: SimpleQueue[asyncio.Future[Item | _End] | None] = SimpleQueue()
        self._finished = asyncio.Event()
        self._exhausted = False
        Thread(target=self._run, args=(reader,), name="reading", daemon=True).start()

    async def next(self) -> Item | _End:
        """The next item; raises what the read raises."""
        answer: asyncio.Future[Item | _End] = self._loop.create_future()
        self._requests.put(answer)
        try:
            item = await answer
        except Exception:
            self._exhausted = True
            raise
        self._exhausted = isinstance(item, _End)
        return item

    async def end(self) -> None:
        """Ends the read, and waits for GRACE seconds at most until its connection is closed."""
        self._requests.put(None)
        if not self._exhausted:
            self._cancellation.request()
        try:
            async with asyncio.timeout(GRACE):
                await self._finished.wait()
        except TimeoutError:
            _log.warning("a read does not end although it was cancelled: its thread is left behind")

    def _run(self, reader: BlockingReader[Item]) -> None:
        items = reader(self._cancellation)
        try:
            while (answer := self._requests.get()) is not None:
                self._answer(answer, items)
        finally:
            with suppress(Exception):  # of a statement that was cancelled
                items.close()
            self._tell(self._finished.set)

    def _answer(self, answer: asyncio.Future[Item | _End], items: Iterator[Item]) -> None:
        try:
            item = next(items, _End())
        except BaseException as error:  # noqa: BLE001 - raised again by `next`
            self._tell(_set, answer, None, error)
        else:
            self._tell(_set, answer, item, None)

    def _tell(self, callback: Callable[..., object], *args: object) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(callback, *args)


def _set(answer: asyncio.Future[object], item: object, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(item)


async def in_thread(reader: BlockingReader[Item]) -> AsyncGenerator[Item]:
    """The items that `reader` computes in a thread, which gets the read's cancellation."""
    reading = _BlockingRead(reader)
    try:
        while not isinstance(item := await reading.next(), _End):
            yield item
    finally:
        await reading.end()


async def call_in_thread(function: Callable[[Cancellation], Item]) -> Item:
    """The result of a function that blocks, computed in a thread; the function gets the call's cancellation."""

    def read(cancellation: Cancellation) -> Generator[Item, None, None]:
        yield function(cancellation)

    async with aclosing(in_thread(read)) as results:
        return await anext(results)
