"""One pass: what it reads is staged while the next page is fetched, and published once."""

from __future__ import annotations

from datetime import timedelta

from exporter.errors import Reason
from exporter.passes import Listing, Page, Pass
from exporter.store.store import Store
from exporter.sync.observer import PassReport
from tests.store.samples import live
from tests.sync.fakes import NOON, FakeSource, Recorder, answering, deals
from tests.sync.run_pass import one_pass


def test_a_pass_ends_in_rows_cursor_and_watermark(store: Store) -> None:
    observer = Recorder()
    source = FakeSource(
        lag=timedelta(seconds=30),
        deals=answering(Page(deals(1, 2), resume="r", total=3), Page(deals(3), cursor="c1", total=3)),
    )
    report = one_pass(store, source, observer)
    assert report == PassReport("crm", "deals", full=True, success=True, new=3, records=3, pages=2)
    assert live(store) == ["1", "2", "3"]
    (outcome,) = store.outcomes()
    assert outcome.cursor == "c1"
    assert outcome.watermark == NOON - timedelta(seconds=30)
    assert [(p.pages, p.records, p.total, p.full) for p in observer.progress] == [(1, 2, 3, True), (2, 3, 3, True)]
    assert observer.reports == [report]
    assert observer.publications == [("crm", "deals")]


def test_the_next_pass_starts_at_the_cursor(store: Store) -> None:
    one_pass(store, FakeSource(deals=answering(Page(deals(1), cursor="c1"))))
    source = FakeSource()
    report = one_pass(store, source)
    assert source.passes == [(0.0, Pass("deals", NOON, "c1"))]
    assert report.success
    assert not report.full
    assert (report.new, report.updated, report.deleted) == (0, 0, 0)


def test_a_source_may_say_up_to_when_it_is_complete(store: Store) -> None:
    written = NOON - timedelta(days=83)
    pages = (Page(deals(1), complete_until=NOON), Page(deals(2), cursor="c1", complete_until=written))
    one_pass(store, FakeSource(deals=answering(*pages)))
    assert store.outcomes()[0].watermark == written, "the last page says so"
    one_pass(store, FakeSource(deals=answering(Page((), cursor="c1", complete_until=written + timedelta(days=1)))))
    assert store.outcomes()[0].watermark == written + timedelta(days=1)


def test_a_full_pass_detects_deletions(store: Store) -> None:
    one_pass(store, FakeSource(deals=answering(Page(deals(1, 2), cursor="c1"))))
    source = FakeSource(deals=answering(Page(deals(2), resume="r"), Page((), cursor="c2", listing=Listing())))
    report = one_pass(store, source, full=True)
    assert (report.full, report.deleted, report.unchanged) == (True, 1, 1)
    assert live(store) == ["2"]


def test_a_pass_without_pages_changes_nothing(store: Store) -> None:
    one_pass(store, FakeSource(deals=answering(Page(deals(1), cursor="c1"))))
    report = one_pass(store, FakeSource(deals=answering()))
    assert report.success
    assert store.outcomes()[0].cursor == "c1"


def test_a_stalled_pass_times_out_and_a_slow_one_does_not(store: Store) -> None:
    slow = FakeSource(deals=answering(*(part for n in range(6) for part in (800.0, Page(deals(n), resume=str(n))))))
    report = one_pass(store, slow)
    assert report.success
    assert report.seconds == 4800.0
    stuck = FakeSource(name="stuck", deals=answering(Page(deals(1), resume="r"), 901.0, Page(deals(2))))
    report = one_pass(store, stuck)
    assert report.reason is Reason.TIMEOUT
    assert report.seconds == 900.0
    assert store.begin("stuck", "deals", NOON + timedelta(hours=1)).resume == "r"


def test_a_full_pass_pauses_at_a_page_it_can_resume_from(store: Store) -> None:
    one_pass(store, FakeSource(deals=answering(Page(deals(1), cursor="c1"))))
    pages = (Page(deals(1)), 70.0, Page(deals(2)), Page(deals(3), resume="r3"), Page(deals(4), resume="r4"))
    report = one_pass(store, FakeSource(deals=answering(*pages)), full=True, pause_after=60.0)
    assert report.paused
    assert not report.success
    assert report.reason is None
    assert store.outcomes()[0].failures == 0
    going_on = FakeSource(deals=answering(Page((), cursor="c2", listing=Listing())))
    assert one_pass(store, going_on, full=True).new == 2
    assert going_on.passes[0][1].resume == "r3"


def test_a_source_may_return_any_iterator(store: Store) -> None:
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
    """Small pages are batched, a large one is written at once, and writes never block reading."""
    staged: list[tuple[float, int, str | None]] = []
    stage = store.stage

    def spy(sync_pass: Pass, source: str, page: Page) -> None:
        staged.append((len(page.records), page.resume))  # type: ignore[arg-type]
        stage(sync_pass, source, page)

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
