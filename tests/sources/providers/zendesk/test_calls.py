"""Passes over Talk: calls that settle late, an endless list, and the current numbers of the queue."""

from __future__ import annotations

import httpx
import pytest

from exporter.errors import IncompletePassError, Reason, SourceRejectedError
from tests.sources.providers.zendesk.passes import later, read
from tests.sources.providers.zendesk.vendor import Zendesk
from tests.sources.source_context import by_id, records_of


def test_reading_stops_although_talk_always_gives_a_next_page() -> None:
    """Pitfall: Talk's next_page is never null, and each page starts with the last row of the one before."""
    vendor = Zendesk(page=3)
    for key in range(1, 9):
        vendor.call(key)
        later(vendor, 1)
    pages = read(vendor, "calls")
    assert sorted(by_id(pages)) == [str(key) for key in range(1, 9)]
    assert len(records_of(pages)) > 8
    assert len(vendor.requests_to("calls")) < 8
    assert [page.cursor is None for page in pages] == [True] * (len(pages) - 1) + [False]
    assert pages[-1].cursor == vendor.now.isoformat()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_reading_stops_at_a_few_calls_of_the_same_second(count: int) -> None:
    vendor = Zendesk(page=5)
    for key in range(1, count + 1):
        vendor.call(key)
    later(vendor)
    assert len(by_id(read(vendor, "calls"))) == count


def test_a_second_with_more_calls_than_a_page_fails_the_pass() -> None:
    """Pitfall: more calls of the same second than fit on a page; Talk has no other key, so nothing may be published."""
    vendor = Zendesk()
    for key in range(1, 1101):
        vendor.call(key)
    later(vendor)
    with pytest.raises(IncompletePassError) as raised:
        read(vendor, "calls")
    assert raised.value.reason is Reason.CAPPED


def test_a_call_that_settles_late_is_read_again() -> None:
    """Pitfall: wrap-up and status arrive up to three hours after the call."""
    vendor = Zendesk()
    vendor.call(1, completion_status=None, duration=None, talk_time=None, wrap_up_time=None)
    later(vendor)
    first = read(vendor, "calls")
    assert by_id(first)["1"].status is None
    stamp = vendor.calls[1]["updated_at"]
    later(vendor, 180)
    vendor.call(1, completion_status="completed", talk_time=80, wrap_up_time=9, updated_at=stamp)
    record = by_id(read(vendor, "calls", first[-1].cursor))["1"]
    assert (record.status, record.talk_seconds, record.wrap_seconds, record.queue) == ("answered", 80, 9, "Group 3")


def test_an_interrupted_pass_over_calls_resumes_where_it_stopped() -> None:
    vendor = Zendesk(page=3)
    for key in range(1, 12):
        vendor.call(key)
        later(vendor, 1)
    full_pass = read(vendor, "calls")
    for stop in range(1, len(full_pass)):
        rest = read(vendor, "calls", resume=full_pass[stop - 1].resume)
        assert len(by_id([*full_pass[:stop], *rest])) == 11


def test_a_next_page_at_another_host_is_not_followed() -> None:
    vendor = Zendesk()
    rows = [{"id": key} for key in (1, 2)]
    body = {"calls": rows, "count": 2, "next_page": "https://evil.example/api"}
    vendor.before = lambda r: httpx.Response(200, json=body) if "calls" in r.url.path else None
    with pytest.raises(SourceRejectedError):
        read(vendor, "calls")
    assert {request.url.host for request in vendor.log} == {"acme.zendesk.com"}


def test_each_pass_stores_the_current_numbers_of_the_queue() -> None:
    vendor = Zendesk()
    (page,) = read(vendor, "measurements")
    assert {record.name: record.value for record in page.records} == {  # type: ignore[attr-defined]
        "calls_waiting": 3.0, "longest_wait_time": 41.0, "agents_online": 2.0,
    }  # fmt: skip
    later(vendor, 1)
    (following,) = read(vendor, "measurements", page.cursor)
    assert {record.id for record in page.records}.isdisjoint({record.id for record in following.records})
