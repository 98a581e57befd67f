"""Passes over a Stripe that changes, hides and deletes."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from exporter.errors import Reason, SourceRejectedError
from exporter.passes import Listing
from tests.sources.providers.stripe.passes import charge, read, source
from tests.sources.providers.stripe.vendor import Stripe
from tests.sources.source_context import NOW, by_id, pages_of, records_of, run


def test_a_full_pass_reads_every_page_and_has_a_listing() -> None:
    vendor = Stripe(page=2)
    for number in range(5):
        charge(vendor, f"ch_{number}")
    pages = read(vendor)
    assert sorted(by_id(pages)) == [f"ch_{number}" for number in range(5)]
    assert [page.listing for page in pages] == [None, None, Listing()]
    assert pages[-1].cursor == (NOW - timedelta(seconds=60)).isoformat()


def test_an_interrupted_full_pass_continues_after_the_last_object() -> None:
    vendor = Stripe(page=2)
    for number in range(5):
        charge(vendor, f"ch_{number}")
    first, *_ = read(vendor)
    rest = run(pages_of(source(vendor), None, first.resume))
    assert sorted(by_id([first, *rest])) == [f"ch_{number}" for number in range(5)]


def test_an_event_names_a_changed_object_which_is_read_by_id() -> None:
    """Pitfall: there is no filter on the time of change, and events hold the object of another API version."""
    vendor = Stripe()
    charge(vendor, "ch_1")
    charge(vendor, "ch_2")
    cursor = read(vendor)[-1].cursor
    vendor.now += timedelta(minutes=30)
    charge(vendor, "ch_1", amount_refunded=400)
    pages = read(vendor, cursor=cursor)
    assert by_id(pages)["ch_1"].refunded == 4
    assert pages[-1].listing is None


def test_a_late_event_is_not_missed() -> None:
    """Pitfall: rows become visible late, behind the saved cursor."""
    vendor = Stripe(late=45)
    charge(vendor, "ch_1")
    cursor = read(vendor)[-1].cursor
    vendor.now += timedelta(seconds=5)
    charge(vendor, "ch_1", status="failed")
    vendor.now += timedelta(seconds=20)
    pages = read(vendor, cursor=cursor, lookback="0s")
    assert by_id(pages) == {}
    vendor.now += timedelta(seconds=60)
    assert by_id(read(vendor, cursor=pages[-1].cursor, lookback="0s"))["ch_1"].status == "failed"


def test_events_are_followed_over_several_pages_and_objects_read_once() -> None:
    """Pitfall: newest-first lists with a cursor written half-way; duplicates across pages."""
    vendor = Stripe(page=3)
    cursor = read(vendor)[-1].cursor
    vendor.now += timedelta(minutes=5)
    for turn in range(4):
        for number in range(4):
            charge(vendor, f"ch_{number}", amount=turn + 1)
    vendor.log.clear()
    pages = read(vendor, cursor=cursor)
    assert {record.amount for record in records_of(pages)} == {by_id(pages)["ch_0"].amount}
    assert len([r for r in vendor.log if r.url.path.startswith("/v1/charges/")]) == 4
    assert [page.cursor is not None for page in pages] == [False] * (len(pages) - 1) + [True]


def test_a_cursor_older_than_the_events_makes_a_full_pass() -> None:
    """Pitfall: a full re-read that runs past the retention of the change feed."""
    vendor = Stripe()
    charge(vendor, "ch_1")
    cursor = read(vendor)[-1].cursor
    vendor.now += timedelta(days=31)
    pages = read(vendor, cursor=cursor)
    assert list(by_id(pages)) == ["ch_1"]
    assert pages[-1].listing == Listing()


def test_an_interrupted_pass_over_changes_continues_after_the_last_object() -> None:
    """Pitfall: a month of events that is begun anew after each kill would never be finished."""
    vendor = Stripe()
    cursor = read(vendor)[-1].cursor
    vendor.now += timedelta(minutes=5)
    for number in range(250):
        charge(vendor, f"ch_{number:03}")
    whole = read(vendor, cursor=cursor)
    assert [len(page.records) for page in whole] == [100, 100, 50, 0]
    for stop in range(1, len(whole)):
        vendor.log.clear()
        rest = run(pages_of(source(vendor), cursor, whole[stop - 1].resume, vendor.now))
        assert [page.records for page in rest] == [page.records for page in whole[stop:]]
        assert len([r for r in vendor.log if r.url.path.startswith("/v1/charges/")]) == 250 - min(100 * stop, 250)
        assert rest[-1].cursor == whole[-1].cursor


def test_an_invoice_of_the_state_deleted_is_a_tombstone() -> None:
    vendor = Stripe()
    vendor.put("invoices", "in_1", status="deleted")
    assert by_id(read(vendor, "invoices"))["in_1"].deleted


def test_a_deleted_draft_becomes_a_tombstone() -> None:
    vendor = Stripe()
    draft = {"status": "draft", "total": 500, "currency": "usd", "status_transitions": {}}
    vendor.put("invoices", "in_1", **draft)
    cursor = read(vendor, "invoices")[-1].cursor
    vendor.now += timedelta(minutes=5)
    vendor.delete("invoices", "in_1")
    assert by_id(read(vendor, "invoices", cursor))["in_1"].deleted


def test_an_invoice_that_an_older_version_calls_deleted_is_a_tombstone() -> None:
    vendor = Stripe()
    vendor.put("invoices", "in_1", status="deleted", total=500, currency="usd", status_transitions={})
    assert by_id(read(vendor, "invoices", version="2020-03-02"))["in_1"].deleted


def test_a_refund_or_a_dispute_names_the_charge_to_read() -> None:
    vendor = Stripe()
    charge(vendor, "ch_1")
    cursor = read(vendor)[-1].cursor
    vendor.now += timedelta(minutes=5)
    vendor.objects["charges"]["ch_1"] |= {"refunded": True, "amount_refunded": 1000}
    event = {"object": {"object": "refund", "id": "re_1", "charge": "ch_1"}}
    created = int(vendor.now.timestamp())
    vendor.events.append({"id": "evt_x", "type": "charge.refund.updated", "created": created, "data": event})
    assert by_id(read(vendor, cursor=cursor))["ch_1"].status == "refunded"


def test_objects_of_test_mode_are_ignored() -> None:
    vendor = Stripe()
    charge(vendor, "ch_1", livemode=False)
    charge(vendor, "ch_2")
    assert list(by_id(read(vendor))) == ["ch_2"]


def test_an_event_object_without_a_list_is_a_schema_error() -> None:
    vendor = Stripe()
    charge(vendor, "ch_1")
    cursor = read(vendor)[-1].cursor
    vendor.now += timedelta(minutes=5)
    charge(vendor, "ch_1", amount=1)
    vendor.before = lambda r: httpx.Response(200, json=[]) if r.url.path == "/v1/charges/ch_1" else None
    with pytest.raises(SourceRejectedError) as raised:
        read(vendor, cursor=cursor)
    assert raised.value.reason is Reason.SCHEMA
