"""Answers of the API version of Stripe's official file, which are made from its schemas, through the provider."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from exporter.records import Invoice, Payment, Subscription
from tests.specs.recorded import Vendor, only
from tests.specs.shape import Wish
from tests.specs.specification import OFFICIAL
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


@pytest.fixture(scope="module")
def official() -> Vendor:
    """The official file, which is of the older version."""
    return Vendor.of_origin("stripe", OFFICIAL)


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("entity", KINDS)
def test_an_answer_of_the_older_version_is_taken_with_all_its_fields_and_with_as_many_nulls_as_may_be(
    official: Vendor, entity: str, nulls: bool
) -> None:
    path, (file,) = LISTS[entity], official.specifications
    answer = file.shape.value(file.schema(path).read_value(), Wish(HELD[entity], nulls))
    only(file.invalid(path, answer), {})
    assert read(entity, {path: answer}, version=VERSION) == [MADE[entity, nulls]]


def values(stripe: Vendor, *names: str) -> list[str]:
    """The values that the documents allow for a field of a schema."""
    schema = stripe.specifications[0].document["components"]["schemas"]
    found: list[str] = schema[names[0]]["properties"][names[1]]["enum"]
    return found


def listed_row(stripe: Vendor, objects: Mapping[str, Any], entity: str) -> Any:
    """A row of the entity's list: an own object, or one made from the schemas of the official file."""
    if not stripe.official:
        return objects[KINDS[entity]]
    (file,) = stripe.specifications
    (row,) = file.shape.value(file.schema(LISTS[entity]).read_value(), Wish(HELD[entity]))["data"]
    return row


@pytest.mark.parametrize("entity", ["subscriptions", "invoices"])
def test_every_state_that_the_documents_name_is_known(stripe: Vendor, objects: Mapping[str, Any], entity: str) -> None:
    """The state of a deleted invoice makes a tombstone."""
    row, states = listed_row(stripe, objects, entity), values(stripe, KINDS[entity], "status")
    rows = [{**row, "id": state, "status": state, "discounts": []} for state in states]
    found = {
        record.id: "deleted" if record.deleted else record.status
        for record in read(entity, {LISTS[entity]: listed(rows)}, version=VERSION)
    }
    assert found == {state: state for state in states}


@pytest.mark.parametrize("field", ["interval", "usage_type"])
def test_every_kind_of_price_that_the_documents_name_is_known(
    stripe: Vendor, objects: Mapping[str, Any], field: str
) -> None:
    row = listed_row(stripe, objects, "subscriptions")
    (item,) = row["items"]["data"]
    for kind in values(stripe, "recurring", field):
        priced = {**item["price"], "recurring": {**item["price"]["recurring"], field: kind}}
        items = {**row["items"], "data": [{**item, "price": priced}]}
        changed = {**row, "items": items, "discounts": []}
        (found,) = read("subscriptions", {LISTS["subscriptions"]: listed([changed])}, version=VERSION)
        assert (found.monthly_amount > 0) is (kind != "metered"), kind
