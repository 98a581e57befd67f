"""Passes over the export of tickets, which leaves out the last minute and sometimes metrics."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from exporter.errors import Reason, SourceRejectedError
from tests.sources.providers.zendesk.passes import later, read
from tests.sources.providers.zendesk.vendor import Zendesk
from tests.sources.source_context import by_id


def test_the_export_is_requested_by_start_time_once_and_then_by_cursor() -> None:
    vendor = Zendesk(page=2)
    for key in range(1, 6):
        vendor.ticket(key)
    later(vendor)
    pages = read(vendor, history="10d")
    assert sorted(by_id(pages)) == ["1", "2", "3", "4", "5"]
    first, *later_requests = [request.url.params for request in vendor.requests_to("incremental/tickets")]
    assert first["start_time"] == str(int((vendor.now - timedelta(days=10)).timestamp()))
    assert all("cursor" in params and "start_time" not in params for params in later_requests)
    assert [page.cursor is None for page in pages] == [True, True, False]
    assert [page.resume is None for page in pages] == [False, False, True]


def test_changes_of_the_last_minute_are_read_by_the_next_pass() -> None:
    """Pitfall: rows appear late, before a cursor made from a clock; this cursor is the server's own."""
    vendor = Zendesk()
    vendor.ticket(1)
    later(vendor)
    vendor.ticket(2)
    first = read(vendor)
    assert list(by_id(first)) == ["1"]
    later(vendor)
    assert list(by_id(read(vendor, cursor=first[-1].cursor))) == ["2"]


def test_a_full_pass_does_not_delete_a_ticket_that_the_export_leaves_out() -> None:
    """A ticket that has just changed is missing from every export of that minute."""
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
    """Pitfall: more rows of the same time than fit on a page."""
    vendor = Zendesk(page=3)
    for key in range(1, 30):
        vendor.ticket(key)
    later(vendor)
    assert len(by_id(read(vendor))) == 29


def test_an_interrupted_export_resumes_where_it_stopped() -> None:
    vendor = Zendesk(page=2)
    for key in range(1, 8):
        vendor.ticket(key)
    later(vendor)
    full_pass = read(vendor)
    for stop in range(1, len(full_pass)):
        rest = read(vendor, resume=full_pass[stop - 1].resume)
        assert sorted(by_id([*full_pass[:stop], *rest])) == [str(key) for key in range(1, 8)]


def test_a_ticket_with_the_status_deleted_becomes_a_tombstone() -> None:
    """Pitfall: a deletion is a value of the status, and few fields are left."""
    vendor = Zendesk()
    vendor.ticket(1)
    later(vendor)
    cursor = read(vendor)[-1].cursor
    vendor.tickets[1] = {"id": 1, "status": "deleted", "generated_timestamp": int(vendor.now.timestamp())}
    later(vendor)
    assert by_id(read(vendor, cursor=cursor))["1"].deleted
    assert not vendor.requests_to("/metrics")


def test_metrics_missing_from_the_export_are_requested() -> None:
    vendor = Zendesk(sideload=False)
    vendor.ticket(1)
    vendor.ticket(2)
    del vendor.metrics[2]
    later(vendor)
    tickets = by_id(read(vendor))
    assert (tickets["1"].reopens, tickets["2"].reopens) == (1.0, None)
    assert [request.url.path for request in vendor.requests_to("/metrics")] == [
        "/api/v2/tickets/1/metrics", "/api/v2/tickets/2/metrics",
    ]  # fmt: skip


def test_forbidden_metrics_fail_the_pass() -> None:
    """Pitfall: ignoring a 403 makes numbers disappear silently."""
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
    assert len(vendor.requests_to("/groups")) == 3


def test_only_the_rows_that_are_not_objects_are_rejected() -> None:
    vendor = Zendesk()
    for key in range(1, 41):
        vendor.ticket(key)
    later(vendor)
    good = [{**row, "metric_set": {"reopens": 0}} for row in vendor.tickets.values()]
    body = {"tickets": [*good, None], "end_of_stream": True, "after_cursor": "x"}
    vendor.before = lambda r: httpx.Response(200, json=body) if "incremental" in r.url.path else None
    (page,) = read(vendor)
    assert (len(page.records), [error.reason for error in page.rejected]) == (40, [Reason.BAD_TYPE])
