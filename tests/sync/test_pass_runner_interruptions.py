"""Interrupted passes: which pages are kept, and where the next pass resumes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest

from exporter.errors import (
    IncompletePassError,
    RateLimitedError,
    Reason,
    SourceRejectedError,
    SourceUnavailableError,
    StoreError,
)
from exporter.passes import Page, Pass
from exporter.records import Deal
from exporter.store.store import Store
from exporter.sync import pass_runner
from exporter.sync.observer import PassReport
from exporter.sync.page_writer import StoreThread
from exporter.sync.pass_runner import PassRequest, PassRunner
from tests.store.samples import live
from tests.sync.fakes import NOON, Answer, FakeSource, Recorder, answering, clock, deals
from tests.sync.run_pass import one_pass
from tests.sync.virtual_time import now, run

RESUMABLE = {
    "unavailable": SourceUnavailableError(Reason.SERVER_ERROR, "busy"),
    "rate limited": RateLimitedError("slow down", 30.0),
}
FINAL = {
    "rejected": SourceRejectedError(Reason.BAD_REQUEST, "that page token is too old"),
    "incomplete": IncompletePassError(Reason.CAPPED, "10,000 is the end"),
    "unexpected": RuntimeError("s3cret"),
}


@pytest.mark.parametrize("kind", RESUMABLE)
def test_the_next_pass_resumes_after_an_interruption(store: Store, kind: str) -> None:
    failing = FakeSource(deals=answering(Page(deals(1), resume="r1"), Page(deals(2), resume="r2"), RESUMABLE[kind]))
    report = one_pass(store, failing)
    assert not report.success
    assert report.records == 2
    assert report.reason is RESUMABLE[kind].reason  # type: ignore[attr-defined]
    assert live(store) == []
    source = FakeSource(deals=answering(Page(deals(3), cursor="c")))
    assert one_pass(store, source).new == 3
    assert source.passes[0][1].resume == "r2"
    assert live(store) == ["1", "2", "3"]


@pytest.mark.parametrize("kind", FINAL)
def test_the_next_pass_starts_again_after_a_rejection(
    store: Store, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL):
        report = one_pass(store, FakeSource(deals=answering(Page(deals(1), resume="r1"), FINAL[kind])))
    assert not report.success
    assert "s3cret" not in report.message
    assert (report.reason is Reason.INTERNAL) == (kind == "unexpected")
    source = FakeSource(deals=answering(Page(deals(3), cursor="c")))
    one_pass(store, source)
    assert source.passes[0][1].resume is None
    assert live(store) == ["3"]


def test_the_vendor_s_wait_is_recorded(store: Store) -> None:
    report = one_pass(store, FakeSource(deals=answering(RateLimitedError("slow down", 90.0))))
    assert report.retry_after == 90.0
    assert store.outcomes()[0].retry_at == NOON + timedelta(seconds=90)


def test_a_page_token_that_keeps_failing_is_discarded(store: Store) -> None:
    one_pass(store, FakeSource(deals=answering(Page(deals(1), resume="r1"), RESUMABLE["unavailable"])))
    source = FakeSource(deals=answering(RESUMABLE["unavailable"]))

    async def again() -> None:
        thread = StoreThread()
        runner = PassRunner(store, thread, Recorder(), clock)
        for _ in range(pass_runner.MAX_RESUME_FAILURES + 1):
            await runner.run(PassRequest(source, "deals"))
        thread.close()

    run(again())
    assert [sync_pass.resume for _, sync_pass in source.passes] == ["r1"] * pass_runner.MAX_RESUME_FAILURES + [None]


def test_an_unreachable_vendor_does_not_invalidate_the_token(store: Store) -> None:
    one_pass(store, FakeSource(deals=answering(Page(deals(1), resume="r1"), RESUMABLE["unavailable"])))
    source = FakeSource(deals=answering(SourceUnavailableError(Reason.CONNECT, "refused")))

    async def again() -> None:
        thread = StoreThread()
        runner = PassRunner(store, thread, Recorder(), clock)
        for _ in range(pass_runner.MAX_RESUME_FAILURES + 2):
            await runner.run(PassRequest(source, "deals"))
        thread.close()

    run(again())
    assert {sync_pass.resume for _, sync_pass in source.passes} == {"r1"}


def test_the_source_s_iterator_is_closed_however_the_pass_ends(store: Store) -> None:
    closed: list[str] = []

    def watched(*pages: Page | Exception | float) -> Answer:
        async def answer(sync_pass: Pass) -> AsyncIterator[Page]:
            try:
                async for page in answering(*pages)(sync_pass):
                    yield page
            finally:
                closed.append("yes")

        return answer

    for pages in ((Page(deals(1)),), (RESUMABLE["unavailable"],), (Page((Deal(id=""),)), Page(deals(1)))):
        one_pass(store, FakeSource(deals=watched(*pages)))
    assert closed == ["yes"] * 3


@pytest.mark.parametrize("operation", ["begin", "stage", "publish", "fail"])
def test_a_store_error_fails_the_pass(store: Store, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    observer = Recorder()

    def fail(*_: object, **__: object) -> None:
        store._database.up = False
        raise StoreError("no space")

    monkeypatch.setattr(store, operation, fail)
    error = [RESUMABLE["unavailable"]] if operation == "fail" else []
    report = one_pass(store, FakeSource(deals=answering(Page(deals(1), resume="r1"), *error)), observer)
    monkeypatch.undo()
    assert not report.success
    assert observer.failures[0] == (operation, "error")
    assert report.reason is (Reason.SERVER_ERROR if operation == "fail" else Reason.STORE)
    store._database.up = True
    assert live(store) == []
    if operation == "publish":
        assert store.begin("crm", "deals", NOON).resume == "r1"


def test_a_record_that_cannot_be_stored_is_not_retried_forever(store: Store) -> None:
    odd = Page((Deal(id="1", amount=Decimal(10) ** 30),), resume="r1")
    report = one_pass(store, FakeSource(deals=answering(odd, Page(deals(2), resume="r2"))))
    assert report.reason is Reason.STORE
    assert store.up
    assert store.begin("crm", "deals", NOON).resume is None


def test_a_cancelled_pass_completes_its_writes(store: Store) -> None:
    async def work() -> None:
        thread = StoreThread()
        runner = PassRunner(store, thread, Recorder(), clock)
        source = FakeSource(deals=answering(Page(deals(*range(1000)), resume="r1"), 3600.0))
        task = asyncio.create_task(runner.run(PassRequest(source, "deals")))
        await asyncio.sleep(10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert now() == 10
        thread.close()

    run(work())
    assert store.begin("crm", "deals", NOON + timedelta(hours=1)).resume == "r1"


def test_a_skipped_pass_counts_as_failed(store: Store) -> None:
    observer = Recorder()
    failed = PassReport("crm", "deals", full=False, reason=Reason.RATE_LIMITED, retry_after=60.0)

    async def work() -> PassReport:
        thread = StoreThread()
        try:
            return await PassRunner(store, thread, observer, clock).skip(failed, "calls")
        finally:
            thread.close()

    report = run(work())
    assert (report.entity, report.reason, report.retry_after) == ("calls", Reason.RATE_LIMITED, 60.0)
    assert observer.reports == [report]
    assert store.outcomes()[0].retry_at == NOON + timedelta(minutes=1)
