"""Passes over the export of tickets, which withholds the last minute and may leave metrics out."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from exporter.errors import Reason, SourceRejectedError
from tests.sources.providers.zendesk.passes import later, read
from tests.sources.providers.zendesk.vendor import Zendesk
from tests.sources.source_context import by_id


def test_the_export_is_asked_for_a_start_once_and_then_by_cursor() -> None:
    vendor = Zendesk(page=2)
    for key in range(1, 6):
        vendor.ticket(key)
    later(vendor)
    pages = read(vendor, history="10d")
    assert sorted(by_id(pages)) == ["1", "2", "3", "4", "5"]
    first, *others = [request.url.params for request in vendor.asked("incremental/tickets")]
    assert first["start_time"] == str(int((vendor.now - timedelta(days=10)).timestamp()))
    assert all("cursor" in params and "start_time" not in params for params in others)
    assert [page.cursor is None for page in pages] == [True, True, False]
    assert [page.resume is None for page in pages] == [False, False, True]


def test_what_changed_within_the_last_minute_comes_with_the_next_pass() -> None:
    """Pitfall: rows become visible late, behind a cursor that a clock made; this one is the server's own."""
    vendor = Zendesk()
    vendor.ticket(1)
    later(vendor)
    vendor.ticket(2)
    first = read(vendor)
    assert list(by_id(first)) == ["1"]
    later(vendor)
    assert list(by_id(read(vendor, cursor=first[-1].cursor))) == ["2"]


def test_a_full_pass_never_takes_a_withheld_ticket_for_deleted() -> None:
    """A ticket that changed a moment ago is missing from every export of this minute."""
    vendor = Zendesk()
    vendor.ticket(1)
    later(vendor)
    vendor.ticket(1, status="pending")
    pages = read(vendor)
    assert by_id(pages) == {}
    assert [page.listing for page in pages] == [None]


def test_an_idle_export_keeps_its_cursor() -> None:
    vendor = Zendesk()
    vendor.ticket(1)
    later(vendor)
    cursor = read(vendor)[-1].cursor
    later(vendor, 600)
    assert [(page.records, page.cursor) for page in read(vendor, cursor=cursor)] == [((), cursor)]


def test_many_tickets_of_the_same_second_are_all_read() -> None:
    """Pitfall: a block of one time that is larger than a page."""
    vendor = Zendesk(page=3)
    for key in range(1, 30):
        vendor.ticket(key)
    later(vendor)
    assert len(by_id(read(vendor))) == 29


def test_an_interrupted_export_goes_on_with_the_page_it_was_at() -> None:
    vendor = Zendesk(page=2)
    for key in range(1, 8):
        vendor.ticket(key)
    later(vendor)
    whole = read(vendor)
    for stop in range(1, len(whole)):
        rest = read(vendor, resume=whole[stop - 1].resume)
        assert sorted(by_id([*whole[:stop], *rest])) == [str(key) for key in range(1, 8)]


def test_a_deleted_ticket_comes_as_a_state_and_becomes_a_tombstone() -> None:
    """Pitfall: a deletion is a value of the status, with hardly any content left."""
    vendor = Zendesk()
    vendor.ticket(1)
    later(vendor)
    cursor = read(vendor)[-1].cursor
    vendor.tickets[1] = {"id": 1, "status": "deleted", "generated_timestamp": int(vendor.now.timestamp())}
    later(vendor)
    assert by_id(read(vendor, cursor=cursor))["1"].deleted
    assert not vendor.asked("/metrics")


def test_metrics_that_were_left_out_are_asked_for() -> None:
    vendor = Zendesk(sideload=False)
    vendor.ticket(1)
    vendor.ticket(2)
    del vendor.metrics[2]
    later(vendor)
    found = by_id(read(vendor))
    assert (found["1"].reopens, found["2"].reopens) == (1.0, None)
    assert [request.url.path for request in vendor.asked("/metrics")] == [
        "/api/v2/tickets/1/metrics", "/api/v2/tickets/2/metrics",
    ]  # fmt: skip


def test_metrics_that_may_not_be_read_fail_the_pass() -> None:
    """Pitfall: a 403 that is ignored makes numbers vanish without a word."""
    vendor = Zendesk(sideload=False)
    vendor.ticket(1)
    later(vendor)
    vendor.before = lambda r: httpx.Response(403, json={}) if r.url.path.endswith("/metrics") else None
    with pytest.raises(SourceRejectedError) as raised:
        read(vendor)
    assert raised.value.reason is Reason.FORBIDDEN


def test_groups_are_read_page_by_page() -> None:
    vendor = Zendesk(page=1)
    vendor.ticket(1, group_id=3)
    later(vendor)
    assert by_id(read(vendor))["1"].queue == "Group 3"
    assert len(vendor.asked("/groups")) == 3


def test_rows_that_are_no_objects_are_rejected_alone() -> None:
    vendor = Zendesk()
    for key in range(1, 41):
        vendor.ticket(key)
    later(vendor)
    good = [{**row, "metric_set": {"reopens": 0}} for row in vendor.tickets.values()]
    body = {"tickets": [*good, None], "end_of_stream": True, "after_cursor": "x"}
    vendor.before = lambda r: httpx.Response(200, json=body) if "incremental" in r.url.path else None
    (page,) = read(vendor)
    assert (len(page.records), [error.reason for error in page.rejected]) == (40, [Reason.BAD_TYPE])
