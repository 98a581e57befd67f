"""Rejected records: when only they are lost, and when the pass fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from exporter.errors import InvalidRecordError, Reason
from exporter.passes import Listing, Page
from exporter.records import Call, Deal
from exporter.store.store import Store
from tests.store.samples import live
from tests.sync.fakes import NOON, FakeSource, answering, deals
from tests.sync.run_pass import one_pass


def rejection(record_id: str | None = None) -> InvalidRecordError:
    return InvalidRecordError(Reason.BAD_TYPE, "amount", record_id=record_id)


def test_rejected_records_are_counted_by_reason(store: Store) -> None:
    late = Deal(id="late", updated_at=NOON + timedelta(days=2))
    page = Page((*deals(*range(60)), late), rejected=(rejection(), rejection()))
    report = one_pass(store, FakeSource(deals=answering(page)))
    assert report.rejected == {Reason.BAD_TYPE: 2, Reason.FUTURE_TIMESTAMP: 1}
    assert report.rejected_total == 3
    assert report.new == report.records == 60


def test_the_first_rejections_are_named(store: Store) -> None:
    lines = [InvalidRecordError(Reason.BAD_TYPE, "amount", f"line {number}") for number in (3, 8, 9, 12)]
    pages = (Page(deals(*range(90)), (lines[0],)), Page(deals(*range(90, 120)), tuple(lines[1:]), cursor="c"))
    report = one_pass(store, FakeSource(deals=answering(*pages)))
    named = "amount: bad_type at line 3; amount: bad_type at line 8; amount: bad_type at line 9"
    assert report.rejections == f"4 rows were rejected: {named}; ..."
    assert one_pass(store, FakeSource(deals=answering(Page(deals(1), cursor="d")))).rejections == ""


def test_a_stored_record_whose_new_version_is_rejected_is_kept(store: Store) -> None:
    one_pass(store, FakeSource(deals=answering(Page(deals(1, 2, 3), cursor="c"))))
    late = replace(deals(1)[0], created_at=NOON + timedelta(days=9))
    page = Page((late, *deals(2)), cursor="c", listing=Listing())
    report = one_pass(store, FakeSource(deals=answering(page)), full=True)
    assert (report.deleted, report.rejected_total) == (1, 1)
    assert live(store) == ["1", "2"]


@pytest.mark.parametrize(
    ("taken", "rejected", "passes"),
    [(19, 1, True), (18, 2, False), (95, 5, True), (94, 6, False), (9, 10, False), (9, 1, True)],
)
def test_too_many_rejected_records_on_a_page_fail_the_pass(
    store: Store, taken: int, rejected: int, passes: bool
) -> None:
    page = Page(deals(*range(taken)), rejected=(rejection(),) * rejected, cursor="c")
    report = one_pass(store, FakeSource(deals=answering(page)))
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
def test_an_invalid_record_fails_the_pass(store: Store, record: Deal) -> None:
    report = one_pass(store, FakeSource(deals=answering(Page((record,)))))
    assert report.reason is Reason.SCHEMA
