"""The provider reads sample responses in the API version of Stripe's official file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from exporter.records import Invoice, Payment, Subscription
from tests.specs.exchanges import ApiDocuments, assert_only
from tests.specs.schemas import SampleOptions
from tests.specs.specification import OFFICIAL
from tests.specs.stripe import KINDS, LISTS, VERSION, list_body, read

DAY = datetime(2026, 1, 15, 10, tzinfo=UTC)

LIVE = {"currency": "usd", "livemode": True, "has_more": False}
FIELD_VALUES = {
    "subscriptions": {**LIVE, "pause_collection": None, "ended_at": None, "amount_off": None},
    "invoices": {**LIVE, "status": "paid"},
    "payments": {**LIVE, "status": "succeeded"},
}
"""Values of fields whose schema only says that they are strings or booleans."""

AMOUNT = Decimal("0.03")
EXPECTED = {
    # three units at 3 cents, every three days, with a discount of 1.5 %
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
def official_documents() -> ApiDocuments:
    """The official file, which describes the older version."""
    return ApiDocuments.from_origin("stripe", OFFICIAL)


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("entity", KINDS)
def test_responses_of_the_older_version_with_all_fields_or_as_many_nulls_as_allowed_become_records(
    official_documents: ApiDocuments, entity: str, nulls: bool
) -> None:
    path, (file,) = LISTS[entity], official_documents.specifications
    response = file.schemas.sample(file.schema(path).read_value(), SampleOptions(FIELD_VALUES[entity], nulls))
    assert_only(file.schema_errors(path, response), {})
    assert read(entity, {path: response}, version=VERSION) == [EXPECTED[entity, nulls]]


def documented_values(stripe_documents: ApiDocuments, *path: str) -> list[str]:
    """The values that the documents allow for a field of a schema."""
    schema = stripe_documents.specifications[0].document["components"]["schemas"]
    values: list[str] = schema[path[0]]["properties"][path[1]]["enum"]
    return values


def listed_row(stripe_documents: ApiDocuments, objects: Mapping[str, Any], entity: str) -> Any:
    """A row of the entity's list: one of the project's objects, or a sample built from the official file."""
    if not stripe_documents.official:
        return objects[KINDS[entity]]
    (file,) = stripe_documents.specifications
    (row,) = file.schemas.sample(file.schema(LISTS[entity]).read_value(), SampleOptions(FIELD_VALUES[entity]))["data"]
    return row


@pytest.mark.parametrize("entity", ["subscriptions", "invoices"])
def test_every_documented_status_is_mapped(
    stripe_documents: ApiDocuments, objects: Mapping[str, Any], entity: str
) -> None:
    """A deleted invoice becomes a tombstone."""
    row, states = (
        listed_row(stripe_documents, objects, entity),
        documented_values(stripe_documents, KINDS[entity], "status"),
    )
    rows = [{**row, "id": state, "status": state, "discounts": []} for state in states]
    statuses = {
        record.id: "deleted" if record.deleted else record.status
        for record in read(entity, {LISTS[entity]: list_body(rows)}, version=VERSION)
    }
    assert statuses == {state: state for state in states}


@pytest.mark.parametrize("field", ["interval", "usage_type"])
def test_every_documented_kind_of_price_is_read(
    stripe_documents: ApiDocuments, objects: Mapping[str, Any], field: str
) -> None:
    row = listed_row(stripe_documents, objects, "subscriptions")
    (item,) = row["items"]["data"]
    for kind in documented_values(stripe_documents, "recurring", field):
        priced = {**item["price"], "recurring": {**item["price"]["recurring"], field: kind}}
        items = {**row["items"], "data": [{**item, "price": priced}]}
        changed = {**row, "items": items, "discounts": []}
        (subscription,) = read("subscriptions", {LISTS["subscriptions"]: list_body([changed])}, version=VERSION)
        assert (subscription.monthly_amount > 0) is (kind != "metered"), kind
