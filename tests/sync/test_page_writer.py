"""The store's thread, and pages that are batched."""

from __future__ import annotations

import asyncio
import threading

import pytest

from exporter.errors import InvalidRecordError, Reason
from exporter.passes import Page
from exporter.sync.page_writer import MAX_PENDING_RECORDS, PageWriter, StoreThread, combine
from tests.sync.fakes import deals
from tests.sync.virtual_time import run
from tests.waiting import LIMIT


def test_calls_run_one_after_the_other_in_their_order() -> None:
    order: list[int] = []

    async def work() -> None:
        thread = StoreThread()
        await asyncio.gather(*(thread.call(order.append, number) for number in range(50)))
        thread.close()

    run(work())
    assert order == list(range(50))


def test_a_cancelled_call_completes() -> None:
    started, may_end, finished = threading.Event(), threading.Event(), threading.Event()

    def slow() -> None:
        started.set()
        may_end.wait(LIMIT)
        finished.set()

    async def work() -> None:
        thread = StoreThread()
        call = asyncio.create_task(thread.call(slow))
        await asyncio.to_thread(started.wait)
        call.cancel()
        asyncio.get_running_loop().call_soon(may_end.set)
        with pytest.raises(asyncio.CancelledError):
            await call
        assert finished.is_set()
        thread.close()

    asyncio.run(work())


def test_the_error_of_a_call_is_raised() -> None:
    def fail() -> None:
        raise LookupError

    async def work() -> None:
        thread = StoreThread()
        with pytest.raises(LookupError):
            await thread.call(fail)
        thread.close()

    run(work())


def test_combined_pages_resume_after_the_last() -> None:
    rejected = InvalidRecordError(Reason.BAD_TYPE, "amount")
    first, last = Page(deals(1), resume="a"), Page(deals(2, 3), (rejected,), resume="b")
    assert combine([first]) is first
    assert combine([first, last]) == Page(deals(1, 2, 3), (rejected,), resume="b")


def test_reading_waits_if_too_many_records_are_pending() -> None:
    written: list[int] = []

    async def work() -> None:
        gate = asyncio.Event()

        async def write(page: Page) -> None:
            await gate.wait()
            written.append(len(page.records))

        writer = PageWriter(write)
        page = Page(deals(*range(1000)), resume="r")
        for _ in range(MAX_PENDING_RECORDS // 1000):
            await writer.add(page)
        adding = asyncio.create_task(writer.add(page))
        await asyncio.sleep(100)
        assert not adding.done()
        assert written == []
        gate.set()
        await adding
        await writer.flush()
        await writer.flush()

    run(work())
    assert written == [1000, 4000]


def test_the_error_of_a_write_stops_reading() -> None:
    async def work() -> None:
        async def write(_: Page) -> None:
            raise LookupError

        writer = PageWriter(write)
        await writer.add(Page(deals(*range(1000))))
        await asyncio.sleep(0)
        with pytest.raises(LookupError):
            await writer.add(Page(deals(1)))
        await writer.settle()
        writer = PageWriter(write)
        await writer.add(Page(deals(*range(1000))))
        await writer.settle()

    run(work())
