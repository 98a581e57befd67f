"""Passes over calls that change after the fact and can only be asked for by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from exporter.passes import Listing
from tests.sources.providers.twilio.passes import TODAY, read
from tests.sources.providers.twilio.vendor import Twilio
from tests.sources.source_context import NOW, by_id


def test_a_leg_after_midnight_belongs_to_the_call_of_the_previous_day() -> None:
    vendor = Twilio()
    late = NOW.replace(hour=23, minute=59, second=50) - timedelta(days=1)
    vendor.call("CA1", late, 100)
    vendor.call("CB1", late + timedelta(seconds=15), 60, "completed", "CA1", to="client:ada")
    found = by_id(read(vendor))
    assert (list(found), found["CA1"].talk_seconds) == (["CA1"], 60.0)


def test_a_full_pass_reads_day_by_day_and_lists_what_it_covered() -> None:
    """Pitfall: the filter goes by whole UTC days, whatever the time."""
    vendor = Twilio(page=3)
    for number in range(40):
        vendor.call(f"CA{number:02}", NOW - timedelta(hours=3 * number))
    pages = read(vendor)
    assert sorted(by_id(pages)) == [f"CA{number:02}" for number in range(40)]
    assert pages[-1].listing == Listing("started_at", datetime(2026, 2, 25, tzinfo=UTC))
    assert pages[-1].cursor == NOW.isoformat()
    assert all(page.resume and page.listing is None for page in pages[:-1])


def test_more_calls_in_a_second_than_a_page_holds_are_all_read() -> None:
    """Pitfall: a block of one time that is larger than a page."""
    vendor = Twilio(page=3)
    for number in range(20):
        vendor.call(f"CA{number:02}", TODAY)
    assert len(by_id(read(vendor))) == 20


def test_an_interrupted_pass_continues_with_the_next_day() -> None:
    vendor = Twilio()
    for number in range(40):
        vendor.call(f"CA{number:02}", NOW - timedelta(hours=3 * number))
    whole = read(vendor)
    rest = read(vendor, resume=whole[1].resume)
    assert sorted(by_id([*whole[:2], *rest])) == [f"CA{number:02}" for number in range(40)]


def test_calls_are_read_again_for_two_days_because_there_is_no_filter_for_changes() -> None:
    """Pitfall: an update that the filter cannot express; the price comes later."""
    vendor = Twilio()
    vendor.call("CA1", NOW - timedelta(days=1), status="in-progress")
    vendor.call("CA2", NOW - timedelta(days=4))
    cursor = read(vendor)[-1].cursor
    vendor.call("CA1", NOW - timedelta(days=1), price="-0.01")
    pages = read(vendor, cursor=cursor)
    assert {key: call.status for key, call in by_id(pages).items()} == {"CA1": "answered"}
    assert pages[-1].listing is None
    assert by_id(read(vendor, cursor=cursor, lookback="5d")).keys() == {"CA1", "CA2"}
