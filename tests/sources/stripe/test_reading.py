"""Passes over a Stripe that changes, hides, deletes, limits and refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from exporter.errors import RateLimitedError, Reason, SourceRejectedError, SourceUnavailableError
from exporter.sources.base import Listing, Page
from exporter.sources.registry import create
from tests.sources.around import NOW, Clock, options, pages_of, records_of, run, surroundings
from tests.sources.stripe.vendor import KEY, Stripe, item, price


def source(vendor: Stripe, entity: str = "payments", **given: Any) -> Any:
    """The provider in front of the fake."""
    chosen = options(provider="stripe", key={"env": "KEY"}, entities=[entity], **given)
    return create(chosen, surroundings(vendor.transport(), clock=Clock(vendor.now), KEY=KEY))


def read(vendor: Stripe, entity: str = "payments", cursor: str | None = None, **given: Any) -> list[Page]:
    """All pages of one pass now."""
    return run(pages_of(source(vendor, entity, **given), cursor, at=vendor.now))


def charge(vendor: Stripe, key: str, amount: int = 1000, currency: str = "usd", **fields: Any) -> None:
    """A charge that succeeded."""
    plain = {"amount": amount, "currency": currency, "status": "succeeded", "refunded": False, "amount_refunded": 0}
    vendor.put("charges", key, **{**plain, **fields})


def by_id(pages: list[Page]) -> dict[str, Any]:
    """The last record of each id."""
    return {record.id: record for record in records_of(pages)}


def test_a_full_pass_lists_everything_page_by_page_and_says_so() -> None:
    vendor = Stripe(page=2)
    for number in range(5):
        charge(vendor, f"ch_{number}")
    pages = read(vendor)
    assert sorted(by_id(pages)) == [f"ch_{number}" for number in range(5)]
    assert [page.listing for page in pages] == [None, None, Listing()]
    assert pages[-1].cursor == (NOW - timedelta(seconds=60)).isoformat()


def test_every_request_pins_the_version_of_the_api() -> None:
    vendor = Stripe()
    read(vendor, version="2025-03-31.basil")
    assert {request.headers["stripe-version"] for request in vendor.log} == {"2025-03-31.basil"}


def test_an_interrupted_full_pass_goes_on_behind_the_last_object() -> None:
    vendor = Stripe(page=2)
    for number in range(5):
        charge(vendor, f"ch_{number}")
    first, *_ = read(vendor)
    rest = run(pages_of(source(vendor), None, first.resume))
    assert sorted(by_id([first, *rest])) == [f"ch_{number}" for number in range(5)]


def test_a_change_is_found_by_its_event_and_read_again_by_id() -> None:
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


def test_an_event_that_comes_late_is_not_missed() -> None:
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


def test_an_interrupted_pass_over_changes_goes_on_behind_the_last_object() -> None:
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


def test_objects_of_test_mode_are_left_out() -> None:
    vendor = Stripe()
    charge(vendor, "ch_1", livemode=False)
    charge(vendor, "ch_2")
    assert list(by_id(read(vendor))) == ["ch_2"]


def test_all_subscriptions_are_asked_for_canceled_ones_too() -> None:
    vendor = Stripe()
    vendor.subscribe("sub_1", [item()], status="canceled", ended_at=1760000000)
    found = by_id(read(vendor, "subscriptions"))["sub_1"]
    assert (found.status, found.ended_at is not None) == ("canceled", True)


def test_items_beyond_the_embedded_page_are_read_too() -> None:
    """Pitfall: a list inside a list holds only its first page."""
    vendor = Stripe(page=7)
    vendor.subscribe("sub_1", [{**item(price(100)), "id": f"si_{number}"} for number in range(23)])
    assert by_id(read(vendor, "subscriptions"))["sub_1"].monthly_amount == 23


def test_tiers_are_asked_for_where_a_price_has_them() -> None:
    vendor = Stripe()
    tiers = [{"up_to": 10, "unit_amount": 100, "flat_amount": None}, {"up_to": None, "unit_amount": 50}]
    tiered = price(None, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers)
    vendor.subscribe("sub_1", [item(tiered, 12)])
    assert by_id(read(vendor, "subscriptions"))["sub_1"].monthly_amount == 11
    assert any(r.url.params.get("expand[0]") == "data.price.tiers" for r in vendor.log)


def test_coupons_are_taken_off_whether_embedded_or_named() -> None:
    vendor = Stripe()
    vendor.put("coupons", "HALF", percent_off=50, amount_off=None, duration="forever")
    named = {"source": {"coupon": "HALF"}}
    once = {"coupon": {"percent_off": 90, "amount_off": None, "duration": "once"}}
    vendor.subscribe("sub_1", [item()], discounts=[named, once])
    vendor.subscribe("sub_2", [item()], discounts=[], discount={"coupon": {"amount_off": 300, "duration": "forever"}})
    found = by_id(read(vendor, "subscriptions"))
    assert {key: record.monthly_amount for key, record in found.items()} == {"sub_1": 10, "sub_2": 17}


def test_a_coupon_that_many_have_is_asked_for_once_in_a_pass() -> None:
    vendor = Stripe()
    vendor.put("coupons", "HALF", percent_off=50, amount_off=None, duration="forever")
    for number in range(5):
        vendor.subscribe(f"sub_{number}", [item()], discounts=[{"source": {"coupon": "HALF"}}])
    assert {record.monthly_amount for record in by_id(read(vendor, "subscriptions")).values()} == {10}
    assert len([request for request in vendor.log if request.url.path == "/v1/coupons/HALF"]) == 1


def test_a_trial_that_nobody_paid_after_was_worth_nothing() -> None:
    vendor = Stripe()
    ended = {"status": "canceled", "trial_end": 1700000000}
    vendor.subscribe("sub_1", [item()], **ended, ended_at=1700000000)
    vendor.subscribe("sub_2", [item()], **ended, ended_at=1702600000)
    found = by_id(read(vendor, "subscriptions"))
    assert {key: record.monthly_amount for key, record in found.items()} == {"sub_1": 0, "sub_2": 20}


def test_a_coupon_that_was_deleted_rejects_its_subscription_and_never_makes_it_dearer() -> None:
    """Pitfall: a 404 that is passed over; a deleted coupon goes on being taken off."""
    vendor = Stripe()
    vendor.subscribe("sub_1", [item()])
    vendor.subscribe("sub_2", [item()], discounts=[{"source": {"coupon": "GONE"}}])
    (page,) = read(vendor, "subscriptions")
    assert [record.id for record in page.records] == ["sub_1"]
    assert [(error.reason, error.field) for error in page.rejected] == [(Reason.MISSING_FIELD, "coupon")]


def test_a_subscription_whose_worth_cannot_be_told_is_rejected_alone() -> None:
    vendor = Stripe()
    for number in range(30):
        vendor.subscribe(f"sub_{number}", [item()])
    vendor.subscribe("sub_x", [item(price(100, interval="fortnight"))])
    pages = read(vendor, "subscriptions")
    assert len(by_id(pages)) == 30
    assert [error.reason for page in pages for error in page.rejected] == [Reason.UNKNOWN_VALUE]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"items": None}, Reason.BAD_TYPE),
        ({"items": {"object": "list"}}, Reason.MISSING_FIELD),
        ({"discounts": ["di_1"]}, Reason.BAD_TYPE),
    ],
)
def test_a_subscription_of_another_shape_is_rejected_alone(changes: dict[str, Any], reason: Reason) -> None:
    vendor = Stripe()
    for number in range(30):
        vendor.subscribe(f"sub_{number}", [item()])
    vendor.subscribe("sub_x", [item()])
    vendor.put("subscriptions", "sub_x", **changes)
    pages = read(vendor, "subscriptions")
    assert len(by_id(pages)) == 30
    assert [(error.reason, error.record_id) for page in pages for error in page.rejected] == [(reason, "sub_x")]


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (httpx.Response(403, json={"error": {"message": f"key {KEY} needs rak_charge_read."}}),
         SourceRejectedError, Reason.FORBIDDEN),
        (httpx.Response(409, json={}), SourceUnavailableError, Reason.SERVER_ERROR),
        (httpx.Response(400, headers={"stripe-should-retry": "true"}, json={}), SourceUnavailableError,
         Reason.SERVER_ERROR),
        (httpx.Response(500, headers={"stripe-should-retry": "false"}, json={}), SourceRejectedError,
         Reason.BAD_REQUEST),
        (httpx.Response(429, json={"error": {"code": "lock_timeout"}}), RateLimitedError, Reason.RATE_LIMITED),
        (httpx.Response(429, headers={"stripe-rate-limited-reason": "global-rate"}, json={}), RateLimitedError,
         Reason.RATE_LIMITED),
        (httpx.Response(200, json={"object": "charge"}), SourceRejectedError, Reason.SCHEMA),
        (httpx.Response(200, html="<html>"), SourceRejectedError, Reason.NOT_JSON),
    ],
)  # fmt: skip
def test_refusals_are_named_and_never_hold_the_key(answer: httpx.Response, error: type, reason: Reason) -> None:
    vendor = Stripe(before=lambda _: answer)
    with pytest.raises(error) as raised:
        read(vendor)
    assert raised.value.reason is reason
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    "reason", ["global-rate", "endpoint-rate", "global-concurrency", "endpoint-concurrency", "resource-specific"]
)
def test_each_kind_of_limit_holds_everything_back(reason: str) -> None:
    """Pitfall: several limits at once, none of which says when it ends."""
    vendor = Stripe(before=lambda _: httpx.Response(429, headers={"stripe-rate-limited-reason": reason}, json={}))
    found = source(vendor)
    for _ in range(2):
        with pytest.raises(RateLimitedError) as raised:
            run(pages_of(found))
    assert len(vendor.log) <= 3
    assert raised.value.retry_after >= 15


def test_a_single_429_is_waited_out() -> None:
    answers = [httpx.Response(429, json={"error": {"code": "lock_timeout"}})]
    vendor = Stripe(before=lambda _: answers.pop() if answers else None)
    charge(vendor, "ch_1")
    assert list(by_id(read(vendor))) == ["ch_1"]


def test_check_names_what_the_key_lacks() -> None:
    def refuse(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(403, json={"error": {"message": "no"}}) if request.url.path == "/v1/events" else None

    (lacking,) = run(source(Stripe(before=refuse), "invoices").check())
    assert (lacking.allowed, lacking.missing) == (False, "read permission for Events")
    (fine,) = run(source(Stripe(), "subscriptions").check())
    assert fine.allowed
    with pytest.raises(SourceRejectedError):
        run(source(Stripe(before=lambda _: httpx.Response(401, json={})), "invoices").check())


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
