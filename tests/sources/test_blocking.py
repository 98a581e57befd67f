"""Blocking reads as asynchronous pages: cancelled at what they wait for, and left behind if that does not help."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import aclosing
from threading import Event, get_ident

import pytest

from exporter.errors import SourceUnavailableError
from exporter.sources import blocking
from exporter.sources.blocking import Cancellation, call_in_thread, in_thread


def counted(_: Cancellation) -> Generator[int, None, None]:
    yield from range(3)


async def gathered(read: blocking.BlockingReader[int]) -> list[int]:
    return [item async for item in in_thread(read)]


async def cancelled(read: blocking.BlockingReader[int], started: Event) -> None:
    """Reads until the read blocks, then cancels it as a stop does."""
    reading = asyncio.create_task(gathered(read))
    await asyncio.to_thread(started.wait)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


def test_all_items_come_in_order_from_one_other_thread() -> None:
    threads: set[int] = set()

    def read(_: Cancellation) -> Generator[int, None, None]:
        for number in range(3):
            threads.add(get_ident())
            yield number

    assert asyncio.run(gathered(read)) == [0, 1, 2]
    assert len(threads - {get_ident()}) == len(threads) == 1


def test_an_error_of_the_read_is_raised_where_its_items_are_awaited() -> None:
    def read(_: Cancellation) -> Generator[int, None, None]:
        yield 1
        raise SourceUnavailableError(blocking.Reason.CONNECT, "gone")

    with pytest.raises(SourceUnavailableError, match="gone"):
        asyncio.run(gathered(read))


def test_items_are_computed_only_when_they_are_asked_for() -> None:
    computed: list[int] = []

    def read(_: Cancellation) -> Generator[int, None, None]:
        for number in range(3):
            computed.append(number)
            yield number

    async def first() -> int:
        async with aclosing(in_thread(read)) as items:
            return await anext(items)

    assert asyncio.run(first()) == 0
    assert computed == [0]


def test_a_cancelled_read_is_interrupted_and_closed_in_its_own_thread() -> None:
    started, interrupted, closed = Event(), Event(), Event()

    def read(cancellation: Cancellation) -> Generator[int, None, None]:
        with cancellation.by(interrupted.set):
            started.set()
            interrupted.wait()
            closed.set()
            raise ConnectionError
        yield 1

    asyncio.run(cancelled(read, started))
    assert closed.is_set()


def test_the_next_way_is_tried_if_the_first_fails_or_does_not_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "CANCEL_INTERVAL", 0.01)
    started, cut = Event(), Event()
    tried: list[str] = []

    def refused() -> None:
        tried.append("cancel")
        raise ConnectionError

    def read(cancellation: Cancellation) -> Generator[int, None, None]:
        with cancellation.by(refused, cut.set):
            started.set()
            cut.wait()
        yield 1

    asyncio.run(cancelled(read, started))
    assert tried == ["cancel"]


def test_a_read_that_ignores_everything_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(blocking, "GRACE", 0.01)
    started, released = Event(), Event()

    def read(_: Cancellation) -> Generator[int, None, None]:
        started.set()
        released.wait()
        yield 1

    asyncio.run(cancelled(read, started))
    released.set()
    assert "left behind" in caplog.text


def test_a_read_that_connects_after_it_was_cancelled_ends_at_once() -> None:
    cancellation = Cancellation()
    cancellation.request()
    with pytest.raises(SourceUnavailableError, match="cancelled"), cancellation.by(print):
        pytest.fail("the statement must not start")


def test_a_call_has_one_result() -> None:
    assert asyncio.run(call_in_thread(lambda _: 7)) == 7
