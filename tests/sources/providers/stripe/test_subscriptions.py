"""Passes over subscriptions: what is read beside them, and those whose worth cannot be told."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.errors import Reason
from tests.sources.providers.stripe.passes import read
from tests.sources.providers.stripe.vendor import Stripe, item, price
from tests.sources.source_context import by_id


def test_all_subscriptions_are_requested_including_canceled_ones() -> None:
    vendor = Stripe()
    vendor.subscribe("sub_1", [item()], status="canceled", ended_at=1760000000)
    found = by_id(read(vendor, "subscriptions"))["sub_1"]
    assert (found.status, found.ended_at is not None) == ("canceled", True)


def test_items_beyond_the_embedded_page_are_read_too() -> None:
    """Pitfall: a list inside a list holds only its first page."""
    vendor = Stripe(page=7)
    vendor.subscribe("sub_1", [{**item(price(100)), "id": f"si_{number}"} for number in range(23)])
    assert by_id(read(vendor, "subscriptions"))["sub_1"].monthly_amount == 23


def test_tiers_are_requested_if_a_price_has_them() -> None:
    vendor = Stripe()
    tiers = [{"up_to": 10, "unit_amount": 100, "flat_amount": None}, {"up_to": None, "unit_amount": 50}]
    tiered = price(None, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers)
    vendor.subscribe("sub_1", [item(tiered, 12)])
    assert by_id(read(vendor, "subscriptions"))["sub_1"].monthly_amount == 11
    assert any(r.url.params.get("expand[0]") == "data.price.tiers" for r in vendor.log)


def test_coupons_are_subtracted_whether_embedded_or_named() -> None:
    vendor = Stripe()
    vendor.put("coupons", "HALF", percent_off=50, amount_off=None, duration="forever")
    named = {"source": {"coupon": "HALF"}}
    once = {"coupon": {"percent_off": 90, "amount_off": None, "duration": "once"}}
    vendor.subscribe("sub_1", [item()], discounts=[named, once])
    vendor.subscribe("sub_2", [item()], discounts=[], discount={"coupon": {"amount_off": 300, "duration": "forever"}})
    found = by_id(read(vendor, "subscriptions"))
    assert {key: record.monthly_amount for key, record in found.items()} == {"sub_1": 10, "sub_2": 17}


def test_a_shared_coupon_is_requested_once_in_a_pass() -> None:
    vendor = Stripe()
    vendor.put("coupons", "HALF", percent_off=50, amount_off=None, duration="forever")
    for number in range(5):
        vendor.subscribe(f"sub_{number}", [item()], discounts=[{"source": {"coupon": "HALF"}}])
    assert {record.monthly_amount for record in by_id(read(vendor, "subscriptions")).values()} == {10}
    assert len([request for request in vendor.log if request.url.path == "/v1/coupons/HALF"]) == 1


def test_a_trial_that_was_never_paid_was_worth_nothing() -> None:
    vendor = Stripe()
    ended = {"status": "canceled", "trial_end": 1700000000}
    vendor.subscribe("sub_1", [item()], **ended, ended_at=1700000000)
    vendor.subscribe("sub_2", [item()], **ended, ended_at=1702600000)
    found = by_id(read(vendor, "subscriptions"))
    assert {key: record.monthly_amount for key, record in found.items()} == {"sub_1": 0, "sub_2": 20}


def test_a_deleted_coupon_rejects_its_subscription_and_never_raises_its_value() -> None:
    """Pitfall: a 404 that is passed over; a deleted coupon goes on being taken off."""
    vendor = Stripe()
    vendor.subscribe("sub_1", [item()])
    vendor.subscribe("sub_2", [item()], discounts=[{"source": {"coupon": "GONE"}}])
    (page,) = read(vendor, "subscriptions")
    assert [record.id for record in page.records] == ["sub_1"]
    assert [(error.reason, error.field) for error in page.rejected] == [(Reason.MISSING_FIELD, "coupon")]


def test_only_the_subscription_without_a_known_value_is_rejected() -> None:
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
def test_only_the_subscription_of_another_structure_is_rejected(changes: dict[str, Any], reason: Reason) -> None:
    vendor = Stripe()
    for number in range(30):
        vendor.subscribe(f"sub_{number}", [item()])
    vendor.subscribe("sub_x", [item()])
    vendor.put("subscriptions", "sub_x", **changes)
    pages = read(vendor, "subscriptions")
    assert len(by_id(pages)) == 30
    assert [(error.reason, error.record_id) for page in pages for error in page.rejected] == [(reason, "sub_x")]
