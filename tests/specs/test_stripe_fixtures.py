"""Stripe's fixtures of today, through the provider."""

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
from tests.specs.stripe import KINDS, LISTS, chosen, listed, read

THEN = datetime(2009, 2, 13, 23, 31, 30, tzinfo=UTC)
RUNNING = {"pause_collection": None, "ended_at": None}


@pytest.mark.parametrize("entity", KINDS)
def test_the_fixtures_which_are_of_test_mode_are_left_out(today: Mapping[str, Any], entity: str) -> None:
    assert read(entity, {LISTS[entity]: listed([today[KINDS[entity]]])}) == []


def alive(today: Mapping[str, Any], entity: str, **changes: Any) -> list[Any]:
    """The record of an entity's fixture as one of live mode."""
    return read(
        entity,
        {
            LISTS[entity]: listed([{**today[KINDS[entity]], "livemode": True, **changes}]),
            "/v1/subscription_items": listed([sold_singly(today["subscription_item"])]),
            f"/v1/coupons/{today['coupon']['id']}": today["coupon"],
        },
    )


def sold_singly(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item whose price is not that of a package of 1,592,560,163, as in the fixture, of which one makes none."""
    return {**item, "price": {**item["price"], "transform_quantity": None}}


def test_the_fixture_of_a_charge_is_taken(today: Mapping[str, Any]) -> None:
    assert alive(today, "payments") == [
        Payment(id="ch_1PgafuB7WZ01zgkWXYmPNZs8", status="succeeded", amount=Decimal(1), refunded=Decimal(0),
                currency="USD", paid_at=THEN)
    ]  # fmt: skip


def test_the_fixture_of_an_invoice_is_taken(today: Mapping[str, Any]) -> None:
    assert alive(today, "invoices") == [
        Invoice(id="in_1Pgc6tB7WZ01zgkWu9fdqL6I", kind="sale", status="draft", customer="cus_QXg1o8vcGmoR32",
                amount=Decimal(10), currency="USD", issued_at=THEN, due_at=THEN,
                attributes={"billing_reason": "manual", "collection_method": "charge_automatically"})
    ]  # fmt: skip


@pytest.mark.parametrize(("coupon", "monthly"), [(None, "20"), ("Z4OV52SU", "14.9")])
def test_the_fixture_of_a_subscription_is_taken_with_its_price_and_its_discount(
    today: Mapping[str, Any], coupon: str | None, monthly: str
) -> None:
    items = today["subscription"]["items"]
    items = {**items, "data": [sold_singly(item) for item in items["data"]]}
    discounts = [{**today["discount"], "source": {"coupon": coupon, "type": "coupon"}}]
    (found,) = alive(today, "subscriptions", items=items, discounts=discounts, **RUNNING)
    assert found == Subscription(
        id="sub_1Pgc6rB7WZ01zgkWNy0Cn5nw", status="active", customer="cus_QXg1o8vcGmoR32",
        plan="price_1PgafmB7WZ01zgkW6dKueIc5", monthly_amount=Decimal(monthly), currency="USD", started_at=THEN,
        attributes={"collection_method": "charge_automatically", "cancel_at_period_end": "true"},
    )  # fmt: skip


@pytest.mark.parametrize(("changes", "ended", "monthly"), [({}, THEN, 0), (RUNNING, None, 20)])
def test_the_fixture_of_an_item_is_taken_where_a_subscription_embeds_only_some(
    today: Mapping[str, Any], changes: dict[str, Any], ended: datetime | None, monthly: int
) -> None:
    """As the fixture is, it has ended and its collection is paused, and nobody owes anything."""
    items = {**today["subscription"]["items"], "has_more": True}
    (found,) = alive(today, "subscriptions", items=items, **changes)
    assert (found.monthly_amount, found.ended_at) == (monthly, ended)


@pytest.mark.parametrize(("entity", "deleted"), [("payments", False), ("invoices", True)])
def test_the_fixture_of_an_event_names_what_is_read_again_or_is_gone(
    today: Mapping[str, Any], entity: str, deleted: bool
) -> None:
    """The one of a plan, as it is, names nothing that we read."""
    kind = KINDS[entity]
    shown = today[f"deleted_{kind}" if deleted else kind]
    named = {**today["event"], "type": f"{kind}.updated", "data": {"object": today[kind]}}
    answers = {
        "/v1/events": listed([named, today["event"]]),
        f"{LISTS[entity]}/{today[kind]['id']}": {**shown, "id": today[kind]["id"], "livemode": True},
    }
    source = create(options(**chosen(entity)), source_context(answering(answers), KEY=KEY))
    cursor = (NOW - timedelta(hours=1)).isoformat()
    assert [(r.id, r.deleted) for r in records_of(run(pages_of(source, cursor)))] == [(today[kind]["id"], deleted)]


def answering(answers: Mapping[str, Any]) -> httpx.MockTransport:
    """A vendor that answers by path."""
    return httpx.MockTransport(lambda request: httpx.Response(200, json=answers[request.url.path]))
