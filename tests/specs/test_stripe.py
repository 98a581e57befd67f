"""Stripe's API: the requests that the provider sends, and the answers of the fake.

The tests run on the project's own shapes and objects and, as extras, on the official file and fixtures.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.sources.providers.stripe.vendor import KEY, Stripe, item, price
from tests.specs.recorded import Exchange, Vendor, converse, only
from tests.specs.stripe import KINDS, LISTS, chosen, unlike

ONE_SUBSCRIPTION = "/v1/subscriptions/{subscription_exposed_id}"

ASKED = {
    "GET /v1/subscriptions": {"limit", "starting_after", "status", "expand"},
    f"GET {ONE_SUBSCRIPTION}": {"expand"},
    "GET /v1/subscription_items": {"limit", "starting_after", "subscription", "expand"},
    "GET /v1/coupons": {"limit"},
    "GET /v1/coupons/{coupon}": set(),
    "GET /v1/invoices": {"limit", "starting_after"},
    "GET /v1/invoices/{invoice}": set(),
    "GET /v1/charges": {"limit", "starting_after"},
    "GET /v1/charges/{charge}": set(),
    "GET /v1/events": {"limit", "starting_after", "types", "created"},
}
"""Every operation that we call, with the query parameters that we use."""

LATER = {
    "subscription.currency": "the one currency of its prices, which it names itself in later versions",
    "subscription.discounts": "several, which took the place of the one of `discount`",
}
"""What the fake says of the version that we pin, and the file of 2020 does not know; the fixtures must have it."""

ONLY_ON_REQUEST = {
    "price.tiers": "a price has its tiers where they are asked for by `expand`",
    "subscription.discount": "the one discount of before `discounts`, for those who pin an older version",
}
"""What the fake says and no fixture shows; the file of 2020 must have it."""


@pytest.fixture(scope="module")
def said() -> list[Exchange]:
    """Every entity of an account in which one of everything changes meanwhile."""
    found: list[Exchange] = []
    for entity in KINDS:
        vendor = account()

        def change(now: datetime, vendor: Stripe = vendor) -> None:
            vendor.now = now - timedelta(minutes=5)
            for kind, rows in vendor.objects.items():
                for key in rows:
                    vendor.put(kind, key)
            vendor.now = now

        found += converse(vendor.transport(), {"KEY": KEY}, change, **chosen(entity))
    return found


def account() -> Stripe:
    """An account with more than a page of everything, also of one subscription's items."""
    vendor = Stripe(page=7)
    vendor.put("coupons", "HALF", percent_off=50, amount_off=None, duration="forever")
    tiers = [{"up_to": 10, "unit_amount": 100, "flat_amount": None}, {"up_to": None, "unit_amount": 50}]
    tiered = price(None, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers)
    coupon = {"object": "coupon", "id": "LESS", "amount_off": 300, "duration": "forever"}
    vendor.subscribe("sub_many", [{**item(price(100)), "id": f"si_{number}"} for number in range(23)])
    vendor.subscribe("sub_tiers", [item(tiered, 12)])
    vendor.subscribe("sub_named", [item()], discounts=[{"object": "discount", "source": {"coupon": "HALF"}}])
    vendor.subscribe("sub_older", [item()], discount={"object": "discount", "start": 1700000000, "coupon": coupon})
    for number in range(9):
        vendor.subscribe(f"sub_{number}", [item()])
        vendor.put("invoices", f"in_{number}", status="paid", total=500, currency="usd", customer="cus_1", due_date=None,
                   status_transitions={"finalized_at": 1760000100, "paid_at": 1760200000}, metadata={})  # fmt: skip
        vendor.put("charges", f"ch_{number}", status="succeeded", amount=500, currency="usd", customer="cus_1",
                   refunded=False, amount_refunded=0, disputed=False)  # fmt: skip
    return vendor


def test_every_request_is_allowed(stripe: Vendor, said: list[Exchange]) -> None:
    only(stripe.refusals(said), {})


def test_every_operation_and_parameter_that_we_use_is_among_the_requests(stripe: Vendor, said: list[Exchange]) -> None:
    assert stripe.operations(said) == ASKED


def test_the_fake_answers_as_the_file_says_but_for_what_came_later(
    stripe: Vendor, objects: Mapping[str, Any], said: list[Exchange]
) -> None:
    places = [(f"GET {LISTS['subscriptions']}", "data.*."), (f"GET {ONE_SUBSCRIPTION}", "")]
    later = {
        f"answer to {operation}: {place}{name.partition('.')[2]}: unknown field": why
        for name, why in LATER.items() for operation, place in places
    }  # fmt: skip
    only(stripe.lies(said), later if stripe.official else {})
    for name in LATER:
        kind, _, field = name.partition(".")
        assert field in objects[kind], name


def test_the_fake_answers_as_the_fixtures_of_today_but_for_what_is_shown_on_request(
    stripe: Vendor, objects: Mapping[str, Any]
) -> None:
    held = [row for rows in account().objects.values() for row in rows.values()]
    found = {text for row in held for text in unlike(row, objects)}
    only(found, {f"{name}: unknown field": why for name, why in ONLY_ON_REQUEST.items()})
    for name in ONLY_ON_REQUEST:
        kind, _, field = name.partition(".")
        assert field in stripe.specifications[0].document["components"]["schemas"][kind]["properties"], name
