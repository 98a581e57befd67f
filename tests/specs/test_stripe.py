"""Stripe's API: the requests that the provider sends, and the responses of the fake.

The tests run on the project's own shapes and objects and, as extras, on the official file and fixtures.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.sources.providers.stripe.vendor import KEY, Stripe, item, price
from tests.specs.exchanges import ApiDocuments, Exchange, assert_only, record_exchanges
from tests.specs.stripe import KINDS, LISTS, object_differences, source_settings

ONE_SUBSCRIPTION = "/v1/subscriptions/{subscription_exposed_id}"

OPERATIONS = {
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
"""Every operation that the provider requests, with the query parameters that it uses."""

ADDED_LATER = {
    "subscription.currency": "the currency of its prices, a field added in a later version",
    "subscription.discounts": "a list that replaced the single `discount`",
}
"""Fields of the pinned API version that the fake returns and the file of 2020 lacks; the fixtures must have them."""

ONLY_ON_REQUEST = {
    "price.tiers": "a price has its tiers only if `expand` requests them",
    "subscription.discount": "the single discount that preceded `discounts`, for accounts that pin an older version",
}
"""Fields that the fake returns and no fixture has; the file of 2020 must have them."""


@pytest.fixture(scope="module")
def exchanges() -> list[Exchange]:
    """The exchanges of every entity with an account in which everything changes before the pass for changes."""
    exchanges: list[Exchange] = []
    for entity in KINDS:
        vendor = account()

        def change(now: datetime, vendor: Stripe = vendor) -> None:
            vendor.now = now - timedelta(minutes=5)
            for kind, rows in vendor.objects.items():
                for key in rows:
                    vendor.put(kind, key)
            vendor.now = now

        exchanges += record_exchanges(vendor.transport(), {"KEY": KEY}, change, **source_settings(entity))
    return exchanges


def account() -> Stripe:
    """An account with more than one page of everything, including the items of one subscription."""
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


def test_every_request_is_allowed(stripe_documents: ApiDocuments, exchanges: list[Exchange]) -> None:
    assert_only(stripe_documents.refusals(exchanges), {})


def test_the_requests_cover_every_operation_and_parameter_that_the_provider_uses(
    stripe_documents: ApiDocuments, exchanges: list[Exchange]
) -> None:
    assert stripe_documents.operations(exchanges) == OPERATIONS


def test_the_fake_responds_as_the_documents_describe_except_for_later_fields(
    stripe_documents: ApiDocuments, objects: Mapping[str, Any], exchanges: list[Exchange]
) -> None:
    operations = [(f"GET {LISTS['subscriptions']}", "data.*."), (f"GET {ONE_SUBSCRIPTION}", "")]
    known = {
        f"response to {operation}: {prefix}{name.partition('.')[2]}: unknown field": why
        for name, why in ADDED_LATER.items() for operation, prefix in operations
    }  # fmt: skip
    assert_only(stripe_documents.mismatches(exchanges), known if stripe_documents.official else {})
    for name in ADDED_LATER:
        kind, _, field = name.partition(".")
        assert field in objects[kind], name


def test_the_fake_returns_the_fields_of_current_objects_except_those_on_request(
    stripe_documents: ApiDocuments, objects: Mapping[str, Any]
) -> None:
    rows = [row for by_id in account().objects.values() for row in by_id.values()]
    differences = {text for row in rows for text in object_differences(row, objects)}
    assert_only(differences, {f"{name}: unknown field": why for name, why in ONLY_ON_REQUEST.items()})
    for name in ONLY_ON_REQUEST:
        kind, _, field = name.partition(".")
        assert field in stripe_documents.specifications[0].document["components"]["schemas"][kind]["properties"], name
