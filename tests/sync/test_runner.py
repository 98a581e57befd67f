"""One pass: what it reads is checked, staged while the next page is fetched, and published once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from exporter.errors import (
    IncompletePassError,
    InvalidRecordError,
    RateLimitedError,
    Reason,
    SourceRejectedError,
    SourceUnavailableError,
    StoreError,
)
from exporter.records import Call, Deal
from exporter.sources.base import Listing, Page, Pass
from exporter.store.store import Store
from exporter.sync import runner as runner_module
from exporter.sync.observer import PassReport
from exporter.sync.runner import Errand, Runner
from exporter.sync.writing import StoreThread
from tests.store.samples import live
from tests.sync.fakes import NOON, Answer, FakeSource, Recorder, answering, clock, deals
from tests.sync.virtual import now, run


def one_pass(store: Store, source: FakeSource, heard: Recorder | None = None, **errand: object) -> PassReport:
    """The report of a pass over the source's first entity."""

    async def work() -> PassReport:
        thread = StoreThread()
        try:
            runner = Runner(store, thread, heard or Recorder(), clock)
            return await runner.run(Errand(source, source.entities[0], **errand))  # type: ignore[arg-type]
        finally:
            thread.close()

    return run(work())


def test_a_pass_ends_in_rows_cursor_and_watermark(store: Store) -> None:
    heard = Recorder()
    source = FakeSource(
        lag=timedelta(seconds=30),
        deals=answering(Page(deals(1, 2), resume="r", total=3), Page(deals(3), cursor="c1", total=3)),
    )
    report = one_pass(store, source, heard)
    assert report == PassReport("crm", "deals", full=True, success=True, new=3, records=3, pages=2)
    assert report.changed
    assert live(store) == ["1", "2", "3"]
    (outcome,) = store.outcomes()
    assert outcome.cursor == "c1"
    assert outcome.watermark == NOON - timedelta(seconds=30)
    assert [(p.pages, p.records, p.total, p.full) for p in heard.progress] == [(1, 2, 3, True), (2, 3, 3, True)]
    assert heard.reports == [report]
    assert heard.wakes == [("crm", "deals")]


def test_the_next_pass_is_asked_from_the_cursor(store: Store) -> None:
    one_pass(store, FakeSource(deals=answering(Page(deals(1), cursor="c1"))))
    source = FakeSource()
    report = one_pass(store, source)
    assert source.asked == [(0.0, Pass("deals", NOON, "c1"))]
    assert report.success
    assert not report.full
    assert not report.changed


def test_a_full_pass_finds_deletions(store: Store) -> None:
    one_pass(store, FakeSource(deals=answering(Page(deals(1, 2), cursor="c1"))))
    source = FakeSource(deals=answering(Page(deals(2), resume="r"), Page((), cursor="c2", listing=Listing())))
    report = one_pass(store, source, full=True)
    assert (report.full, report.deleted, report.unchanged) == (True, 1, 1)
    assert live(store) == ["2"]


def test_no_page_means_nothing_changed(store: Store) -> None:
    one_pass(store, FakeSource(deals=answering(Page(deals(1), cursor="c1"))))
    report = one_pass(store, FakeSource(deals=answering()))
    assert report.success
    assert store.outcomes()[0].cursor == "c1"


def rejection(record_id: str | None = None) -> InvalidRecordError:
    return InvalidRecordError(Reason.BAD_TYPE, "amount", record_id=record_id)


def test_rejected_records_are_counted_by_reason(store: Store) -> None:
    late = Deal(id="late", updated_at=NOON + timedelta(days=2))
    page = Page((*deals(*range(60)), late), rejected=(rejection(), rejection()))
    report = one_pass(store, FakeSource(deals=answering(page)))
    assert report.rejected == {Reason.BAD_TYPE: 2, Reason.FUTURE_TIMESTAMP: 1}
    assert report.rejected_total == 3
    assert report.new == report.records == 60


def test_a_stored_record_that_can_no_longer_be_taken_is_kept(store: Store) -> None:
    one_pass(store, FakeSource(deals=answering(Page(deals(1, 2, 3), cursor="c"))))
    late = replace(deals(1)[0], created_at=NOON + timedelta(days=9))
    page = Page((late, *deals(2)), cursor="c", listing=Listing())
    report = one_pass(store, FakeSource(deals=answering(page)), full=True)
    assert (report.deleted, report.rejected_total) == (1, 1)
    assert live(store) == ["1", "2"]


@pytest.mark.parametrize(
    ("taken", "rejected", "passes"), [(19, 1, True), (18, 2, False), (95, 5, True), (94, 6, False), (9, 10, True)]
)
def test_too_many_rejected_records_on_a_page_fail_the_pass(
    store: Store, taken: int, rejected: int, passes: bool
) -> None:
    page = Page(deals(*range(taken)), rejected=(rejection(),) * rejected, cursor="c")
    report = one_pass(store, FakeSource(deals=answering(page)))
    if taken + rejected < 20:
        assert report.success
        return
    assert report.success is passes
    assert report.reason is (None if passes else Reason.TOO_MANY_REJECTED)
    assert report.rejected_total == rejected
    assert len(live(store)) == (taken if passes else 0)


def test_too_many_rejected_records_on_small_pages_fail_the_pass_as_a_whole(store: Store) -> None:
    pages = [Page(deals(*range(start, start + 9)), rejected=(rejection(),)) for start in range(0, 90, 9)]
    report = one_pass(store, FakeSource(deals=answering(*pages)))
    assert report.reason is Reason.TOO_MANY_REJECTED
    assert store.outcomes()[0].staged == 0
    assert live(store) == []


@pytest.mark.parametrize("record", [Call(id="1"), Deal(id="")], ids=["another kind", "no id"])
def test_a_record_that_is_none_fails_the_pass(store: Store, record: Deal) -> None:
    report = one_pass(store, FakeSource(deals=answering(Page((record,)))))
    assert report.reason is Reason.SCHEMA


KEPT = {
    "unavailable": SourceUnavailableError(Reason.SERVER_ERROR, "busy"),
    "rate limited": RateLimitedError("slow down", 30.0),
}
SPOILT = {
    "rejected": SourceRejectedError(Reason.BAD_REQUEST, "that page token is too old"),
    "incomplete": IncompletePassError(Reason.CAPPED, "10,000 is the end"),
    "unexpected": RuntimeError("s3cret"),
}


@pytest.mark.parametrize("kind", KEPT)
def test_after_an_interruption_the_next_pass_goes_on(store: Store, kind: str) -> None:
    failing = FakeSource(deals=answering(Page(deals(1), resume="r1"), Page(deals(2), resume="r2"), KEPT[kind]))
    report = one_pass(store, failing)
    assert not report.success
    assert report.records == 2
    assert report.reason is KEPT[kind].reason  # type: ignore[attr-defined]
    assert live(store) == []
    source = FakeSource(deals=answering(Page(deals(3), cursor="c")))
    assert one_pass(store, source).new == 3
    assert source.asked[0][1].resume == "r2"
    assert live(store) == ["1", "2", "3"]


@pytest.mark.parametrize("kind", SPOILT)
def test_after_a_refusal_the_next_pass_starts_again(store: Store, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL):
        report = one_pass(store, FakeSource(deals=answering(Page(deals(1), resume="r1"), SPOILT[kind])))
    assert not report.success
    assert "s3cret" not in report.message
    assert (report.reason is Reason.INTERNAL) == (kind == "unexpected")
    source = FakeSource(deals=answering(Page(deals(3), cursor="c")))
    one_pass(store, source)
    assert source.asked[0][1].resume is None
    assert live(store) == ["3"]


def test_what_the_vendor_wants_is_kept(store: Store) -> None:
    report = one_pass(store, FakeSource(deals=answering(RateLimitedError("slow down", 90.0))))
    assert report.retry_after == 90.0
    assert store.outcomes()[0].retry_at == NOON + timedelta(seconds=90)


def test_a_page_token_that_never_works_again_is_given_up(store: Store) -> None:
    one_pass(store, FakeSource(deals=answering(Page(deals(1), resume="r1"), KEPT["unavailable"])))
    source = FakeSource(deals=answering(KEPT["unavailable"]))

    async def again() -> None:
        thread = StoreThread()
        runner = Runner(store, thread, Recorder(), clock)
        for _ in range(runner_module.STUCK + 1):
            await runner.run(Errand(source, "deals"))
        thread.close()

    run(again())
    assert [asked.resume for _, asked in source.asked] == ["r1"] * runner_module.STUCK + [None]


def test_a_vendor_that_is_not_there_does_not_spoil_the_token(store: Store) -> None:
    one_pass(store, FakeSource(deals=answering(Page(deals(1), resume="r1"), KEPT["unavailable"])))
    source = FakeSource(deals=answering(SourceUnavailableError(Reason.CONNECT, "refused")))

    async def again() -> None:
        thread = StoreThread()
        runner = Runner(store, thread, Recorder(), clock)
        for _ in range(runner_module.STUCK + 2):
            await runner.run(Errand(source, "deals"))
        thread.close()

    run(again())
    assert {asked.resume for _, asked in source.asked} == {"r1"}


def test_a_pass_without_progress_is_given_up_and_a_slow_one_is_not(store: Store) -> None:
    slow = FakeSource(deals=answering(*(part for n in range(6) for part in (800.0, Page(deals(n), resume=str(n))))))
    report = one_pass(store, slow)
    assert report.success
    assert report.seconds == 4800.0
    stuck = FakeSource(name="stuck", deals=answering(Page(deals(1), resume="r"), 901.0, Page(deals(2))))
    report = one_pass(store, stuck)
    assert report.reason is Reason.TIMEOUT
    assert report.seconds == 900.0
    assert store.begin("stuck", "deals", NOON + timedelta(hours=1)).resume == "r"


def test_a_full_pass_makes_way_at_a_page_it_can_resume(store: Store) -> None:
    one_pass(store, FakeSource(deals=answering(Page(deals(1), cursor="c1"))))
    pages = (Page(deals(1)), 70.0, Page(deals(2)), Page(deals(3), resume="r3"), Page(deals(4), resume="r4"))
    report = one_pass(store, FakeSource(deals=answering(*pages)), full=True, pause_after=60.0)
    assert report.paused
    assert not report.success
    assert report.reason is None
    assert store.outcomes()[0].failures == 0
    going_on = FakeSource(deals=answering(Page((), cursor="c2", listing=Listing())))
    assert one_pass(store, going_on, full=True).new == 2
    assert going_on.asked[0][1].resume == "r3"


def test_the_source_is_let_go_of_however_the_pass_ends(store: Store) -> None:
    closed: list[str] = []

    def watched(*pages: Page | Exception | float) -> Answer:
        async def answer(asked: Pass) -> AsyncIterator[Page]:
            try:
                async for page in answering(*pages)(asked):
                    yield page
            finally:
                closed.append("yes")

        return answer

    for pages in ((Page(deals(1)),), (KEPT["unavailable"],), (Page((Deal(id=""),)), Page(deals(1)))):
        one_pass(store, FakeSource(deals=watched(*pages)))
    assert closed == ["yes"] * 3


def test_a_source_need_not_be_a_generator(store: Store) -> None:
    class Pages:
        def __init__(self) -> None:
            self.left = [Page(deals(1), cursor="c")]

        def __aiter__(self) -> Pages:
            return self

        async def __anext__(self) -> Page:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

    assert one_pass(store, FakeSource(deals=lambda _: Pages())).new == 1


def test_pages_are_fetched_while_earlier_ones_are_written(store: Store) -> None:
    """A small page waits for company, a large one is written at once, and writing never stops the reading."""
    staged: list[tuple[float, int, str | None]] = []
    stage = store.stage

    def spy(asked: Pass, source: str, page: Page) -> None:
        staged.append((len(page.records), page.resume))  # type: ignore[arg-type]
        stage(asked, source, page)

    store.stage = spy  # type: ignore[method-assign]
    small = [Page(deals(n), resume=f"small{n}") for n in range(5)]
    large = Page(deals(*range(10, 1010)), resume="large")
    slow = Page(deals(2000), resume="slow")
    report = one_pass(store, FakeSource(deals=answering(*small, large, 2.0, slow, Page(deals(3000)))))
    assert staged == [(1005, "large"), (1, "slow"), (1, None)]
    assert report.new == 1007


def test_an_empty_last_page_is_not_written(store: Store) -> None:
    pages = (Page(deals(1), resume="r1"), Page((), cursor="c", listing=Listing()))
    failing_later = FakeSource(deals=answering(*pages))
    assert one_pass(store, failing_later).success
    assert store.outcomes()[0].cursor == "c"


@pytest.mark.parametrize("operation", ["begin", "stage", "publish", "fail"])
def test_a_store_that_fails_is_a_failed_pass(store: Store, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Recorder()

    def fail(*_: object, **__: object) -> None:
        store._database.up = False
        raise StoreError("no space")

    monkeypatch.setattr(store, operation, fail)
    error = [KEPT["unavailable"]] if operation == "fail" else []
    report = one_pass(store, FakeSource(deals=answering(Page(deals(1), resume="r1"), *error)), heard)
    monkeypatch.undo()
    assert not report.success
    assert heard.failures[0] == (operation, "error")
    assert report.reason is (Reason.SERVER_ERROR if operation == "fail" else Reason.STORE)
    store._database.up = True
    assert live(store) == []
    if operation == "publish":
        assert store.begin("crm", "deals", NOON).resume == "r1"


def test_what_the_store_cannot_hold_is_not_tried_for_ever(store: Store) -> None:
    odd = Page((Deal(id="1", amount=Decimal(10) ** 30),), resume="r1")
    report = one_pass(store, FakeSource(deals=answering(odd, Page(deals(2), resume="r2"))))
    assert report.reason is Reason.STORE
    assert store.up
    assert store.begin("crm", "deals", NOON).resume is None


def test_a_cancelled_pass_has_ended_its_writes(store: Store) -> None:
    async def work() -> None:
        thread = StoreThread()
        runner = Runner(store, thread, Recorder(), clock)
        source = FakeSource(deals=answering(Page(deals(*range(1000)), resume="r1"), 3600.0))
        task = asyncio.create_task(runner.run(Errand(source, "deals")))
        await asyncio.sleep(10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert now() == 10
        thread.close()

    run(work())
    assert store.begin("crm", "deals", NOON + timedelta(hours=1)).resume == "r1"


def test_a_pass_that_is_not_tried_is_a_failed_one(store: Store) -> None:
    heard = Recorder()
    failed = PassReport("crm", "deals", full=False, reason=Reason.RATE_LIMITED, retry_after=60.0)

    async def work() -> PassReport:
        thread = StoreThread()
        try:
            return await Runner(store, thread, heard, clock).refuse(failed, "calls")
        finally:
            thread.close()

    report = run(work())
    assert (report.entity, report.reason, report.retry_after) == ("calls", Reason.RATE_LIMITED, 60.0)
    assert heard.reports == [report]
    assert store.outcomes()[0].retry_at == NOON + timedelta(minutes=1)
