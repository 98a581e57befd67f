"""Answers of the API version of Stripe's official file, which are made from its schemas, through the provider."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from exporter.records import Invoice, Payment, Subscription
from tests.specs.recorded import only
from tests.specs.shape import Wish
from tests.specs.specification import Specification
from tests.specs.stripe import KINDS, LISTS, VERSION, listed, read

DAY = datetime(2026, 1, 15, 10, tzinfo=UTC)

LIVE = {"currency": "usd", "livemode": True, "has_more": False}
HELD = {
    "subscriptions": {**LIVE, "pause_collection": None, "ended_at": None, "amount_off": None},
    "invoices": {**LIVE, "status": "paid"},
    "payments": {**LIVE, "status": "succeeded"},
}
"""What fields hold of which a schema says only that they are texts or flags."""

AMOUNT = Decimal("0.03")
MADE = {
    # three for 3 cents at once, every three days, less 1.5 %
    ("subscriptions", False): Subscription(
        id="text", status="active", customer="text", plan="text", monthly_amount=Decimal("0.299809"), currency="USD",
        started_at=DAY, attributes={"cancel_at_period_end": "false", "collection_method": "charge_automatically"},
    ),
    ("subscriptions", True): Subscription(
        id="text", status="active", customer="text", plan="text", monthly_amount=Decimal(0), currency="USD",
        started_at=DAY, attributes={"cancel_at_period_end": "false"},
    ),
    ("invoices", False): Invoice(
        id="text", kind="sale", status="paid", customer="text", amount=AMOUNT, currency="USD", issued_at=DAY,
        due_at=DAY, paid_at=DAY,
        attributes={"billing_reason": "automatic_pending_invoice_item_invoice",
                    "collection_method": "charge_automatically"},
    ),
    ("invoices", True): Invoice(
        id="text", kind="sale", status="paid", customer="text", amount=AMOUNT, currency="USD", issued_at=DAY,
    ),
    ("payments", False): Payment(
        id="text", status="succeeded", customer="text", amount=AMOUNT, refunded=AMOUNT, currency="USD", paid_at=DAY
    ),
    ("payments", True): Payment(
        id="text", status="succeeded", amount=AMOUNT, refunded=AMOUNT, currency="USD", paid_at=DAY
    ),
}  # fmt: skip


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("entity", KINDS)
def test_an_answer_of_the_older_version_is_taken_with_all_its_fields_and_with_as_many_nulls_as_may_be(
    stripe: Specification, entity: str, nulls: bool
) -> None:
    path = LISTS[entity]
    answer = stripe.shape.value(stripe.schema(path).read_value(), Wish(HELD[entity], nulls))
    only(stripe.invalid(path, answer), {})
    assert read(entity, {path: answer}, version=VERSION) == [MADE[entity, nulls]]


def states(stripe: Specification, entity: str) -> list[str]:
    """The states that the file names."""
    kind = stripe.document["components"]["schemas"][KINDS[entity]]
    found: list[str] = kind["properties"]["status"]["enum"]
    return found


@pytest.mark.parametrize("entity", ["subscriptions", "invoices"])
def test_every_state_that_the_file_names_is_known(stripe: Specification, entity: str) -> None:
    """One of an invoice that is deleted makes a tombstone."""
    path = LISTS[entity]
    (row,) = stripe.shape.value(stripe.schema(path).read_value(), Wish(HELD[entity]))["data"]
    rows = [{**row, "id": state, "status": state} for state in states(stripe, entity)]
    found = {
        record.id: "deleted" if record.deleted else record.status
        for record in read(entity, {path: listed(rows)}, version=VERSION)
    }
    assert found == {state: state for state in states(stripe, entity)}


@pytest.mark.parametrize("field", ["interval", "usage_type"])
def test_every_kind_of_price_that_the_file_names_is_known(stripe: Specification, field: str) -> None:
    kinds = stripe.document["components"]["schemas"]["recurring"]["properties"][field]["enum"]
    path = LISTS["subscriptions"]
    (row,) = stripe.shape.value(stripe.schema(path).read_value(), Wish(HELD["subscriptions"]))["data"]
    (item,) = row["items"]["data"]
    for kind in kinds:
        priced = {**item["price"], "recurring": {**item["price"]["recurring"], field: kind}}
        items = {**row["items"], "data": [{**item, "price": priced}]}
        (found,) = read("subscriptions", {path: listed([{**row, "items": items}])}, version=VERSION)
        assert (found.monthly_amount > 0) is (kind != "metered"), kind
