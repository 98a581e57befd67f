"""The provider reads Stripe's current official fixtures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from exporter.records import Invoice, Payment, Subscription
from exporter.sources.registry import create
from tests.sources.providers.stripe.vendor import KEY
from tests.sources.source_context import NOW, options, pages_of, records_of, run, source_context
from tests.specs.stripe import KINDS, LISTS, list_body, read, source_settings

THEN = datetime(2009, 2, 13, 23, 31, 30, tzinfo=UTC)
RUNNING = {"pause_collection": None, "ended_at": None}


@pytest.mark.parametrize("entity", KINDS)
def test_fixtures_in_test_mode_are_ignored(official_objects: Mapping[str, Any], entity: str) -> None:
    assert read(entity, {LISTS[entity]: list_body([official_objects[KINDS[entity]]])}) == []


def live_records(official_objects: Mapping[str, Any], entity: str, **changes: Any) -> list[Any]:
    """The records of an entity's fixture in live mode."""
    return read(
        entity,
        {
            LISTS[entity]: list_body([{**official_objects[KINDS[entity]], "livemode": True, **changes}]),
            "/v1/subscription_items": list_body([without_package(official_objects["subscription_item"])]),
            f"/v1/coupons/{official_objects['coupon']['id']}": official_objects["coupon"],
        },
    )


def without_package(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item with a unit price; the fixture's price is for a package of 1,592,560,163, which rounds to nothing."""
    return {**item, "price": {**item["price"], "transform_quantity": None}}


def test_the_charge_fixture_becomes_a_payment(official_objects: Mapping[str, Any]) -> None:
    assert live_records(official_objects, "payments") == [
        Payment(id="ch_1PgafuB7WZ01zgkWXYmPNZs8", status="succeeded", amount=Decimal(1), refunded=Decimal(0),
                currency="USD", paid_at=THEN)
    ]  # fmt: skip


def test_the_invoice_fixture_becomes_an_invoice(official_objects: Mapping[str, Any]) -> None:
    assert live_records(official_objects, "invoices") == [
        Invoice(id="in_1Pgc6tB7WZ01zgkWu9fdqL6I", kind="sale", status="draft", customer="cus_QXg1o8vcGmoR32",
                amount=Decimal(10), currency="USD", issued_at=THEN, due_at=THEN,
                attributes={"billing_reason": "manual", "collection_method": "charge_automatically"})
    ]  # fmt: skip


@pytest.mark.parametrize(("coupon", "monthly"), [(None, "20"), ("Z4OV52SU", "14.9")])
def test_the_subscription_fixture_becomes_a_subscription_with_price_and_discount(
    official_objects: Mapping[str, Any], coupon: str | None, monthly: str
) -> None:
    items = official_objects["subscription"]["items"]
    items = {**items, "data": [without_package(item) for item in items["data"]]}
    discounts = [{**official_objects["discount"], "source": {"coupon": coupon, "type": "coupon"}}]
    (subscription,) = live_records(official_objects, "subscriptions", items=items, discounts=discounts, **RUNNING)
    assert subscription == Subscription(
        id="sub_1Pgc6rB7WZ01zgkWNy0Cn5nw", status="active", customer="cus_QXg1o8vcGmoR32",
        plan="price_1PgafmB7WZ01zgkW6dKueIc5", monthly_amount=Decimal(monthly), currency="USD", started_at=THEN,
        attributes={"collection_method": "charge_automatically", "cancel_at_period_end": "true"},
    )  # fmt: skip


@pytest.mark.parametrize(("changes", "ended_at", "monthly"), [({}, THEN, 0), (RUNNING, None, 20)])
def test_an_item_fixture_is_read_if_a_subscription_embeds_only_some(
    official_objects: Mapping[str, Any], changes: dict[str, Any], ended_at: datetime | None, monthly: int
) -> None:
    """Unchanged, the fixture has ended and its collection is paused, so its monthly amount is 0."""
    items = {**official_objects["subscription"]["items"], "has_more": True}
    (subscription,) = live_records(official_objects, "subscriptions", items=items, **changes)
    assert (subscription.monthly_amount, subscription.ended_at) == (monthly, ended_at)


@pytest.mark.parametrize(("entity", "deleted"), [("payments", False), ("invoices", True)])
def test_an_event_fixture_triggers_a_read_of_its_object(
    official_objects: Mapping[str, Any], entity: str, deleted: bool
) -> None:
    """The event fixture itself is about a plan, which the provider does not read."""
    kind = KINDS[entity]
    current = official_objects[f"deleted_{kind}" if deleted else kind]
    event = {**official_objects["event"], "type": f"{kind}.updated", "data": {"object": official_objects[kind]}}
    responses = {
        "/v1/events": list_body([event, official_objects["event"]]),
        f"{LISTS[entity]}/{official_objects[kind]['id']}": {
            **current,
            "id": official_objects[kind]["id"],
            "livemode": True,
        },
    }
    source = create(options(**source_settings(entity)), source_context(transport_of(responses), KEY=KEY))
    cursor = (NOW - timedelta(hours=1)).isoformat()
    assert [(r.id, r.deleted) for r in records_of(run(pages_of(source, cursor)))] == [
        (official_objects[kind]["id"], deleted)
    ]


def transport_of(responses: Mapping[str, Any]) -> httpx.MockTransport:
    """A transport that responds by path."""
    return httpx.MockTransport(lambda request: httpx.Response(200, json=responses[request.url.path]))
