"""Every state and amount of Stripe, worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from exporter.errors import InvalidRecordError, Reason
from exporter.sources.providers.stripe.amounts import Coupon, digits, money, monthly
from exporter.sources.providers.stripe.payloads import invoice, payment, subscription
from tests.sources.providers.stripe.vendor import item, price

INVOICE: dict[str, Any] = {
    "id": "in_1", "livemode": True, "status": "paid", "total": 12345, "currency": "chf", "created": 1760000000,
    "customer": {"id": "cus_1"}, "due_date": 1760600000, "metadata": {"region": "north"},
    "status_transitions": {"finalized_at": 1760000100, "paid_at": 1760200000},
}  # fmt: skip
CHARGE: dict[str, Any] = {
    "id": "ch_1", "livemode": True, "status": "succeeded", "amount": 500, "currency": "jpy", "created": 1760000000,
    "customer": "cus_1", "refunded": False, "amount_refunded": 0, "disputed": True,
}  # fmt: skip
PLAN = {"interval": "month", "interval_count": 1, "amount": 700}
TIERS = [{"up_to": 5, "unit_amount": 1000, "flat_amount": 500}, {"up_to": None, "unit_amount": 800, "flat_amount": 0}]


@pytest.mark.parametrize("state", ["draft", "open", "paid", "void", "uncollectible"])
def test_each_invoice_state_is_mapped(state: str) -> None:
    found = invoice({**INVOICE, "status": state})
    assert found is not None
    assert found.status == state


def test_an_invoice_is_issued_when_it_was_finalized() -> None:
    found = invoice(INVOICE)
    assert found is not None
    assert (found.kind, found.amount, found.currency, found.customer) == ("sale", Decimal("123.45"), "CHF", "cus_1")
    assert found.issued_at == datetime.fromtimestamp(1760000100, UTC)
    assert found.paid_at == datetime.fromtimestamp(1760200000, UTC)
    assert found.attributes == {"metadata.region": "north"}


def test_a_draft_is_issued_at_its_creation_and_an_unknown_state_is_rejected() -> None:
    found = invoice({**INVOICE, "status_transitions": None})
    assert found is not None
    assert found.issued_at == datetime.fromtimestamp(1760000000, UTC)
    with pytest.raises(InvalidRecordError) as raised:
        invoice({**INVOICE, "status": "brand_new"})
    assert raised.value.reason is Reason.UNKNOWN_VALUE


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "succeeded"), ({"status": "pending"}, "pending"), ({"status": "failed"}, "failed"),
        ({"refunded": True, "amount_refunded": 500}, "refunded"), ({"amount_refunded": 200}, "succeeded"),
    ],
)  # fmt: skip
def test_each_charge_state_is_mapped(changes: dict[str, Any], status: str) -> None:
    found = payment({**CHARGE, **changes})
    assert found is not None
    assert found.status == status
    assert found.attributes == {"disputed": "true"}


@pytest.mark.parametrize(
    ("currency", "amount", "exact"),
    [("JPY", 500, "500"), ("USD", 500, "5.00"), ("KWD", 500, "0.500"), ("ISK", 500, "5.00"), (None, 500, "5.00")],
)
def test_minor_units_follow_the_currency(currency: str | None, amount: int, exact: str) -> None:
    assert money(amount, "amount", currency) == Decimal(exact)


@pytest.mark.parametrize(
    ("items", "cents"),
    [
        ([item(price(2000))], 2000),
        ([item(price(2000), 3)], 6000),
        ([item(price(12000, "year"))], 1000),
        ([item(price(3000, "month", 3))], 1000),
        ([item(price(700, "week"))], Decimal(700) / (Decimal(84) / Decimal("365.25"))),
        ([item(price(100, "day"))], Decimal(100) / (Decimal(12) / Decimal("365.25"))),
        ([item(price(None, unit_amount_decimal="0.5")), item(price(100))], Decimal("100.5")),
        ([item(price(9999, usage_type="metered"), None)], 0),
        ([item(price(100, transform_quantity={"divide_by": 10, "round": "up"}), 21)], 300),
        ([item(price(100, transform_quantity={"divide_by": 10, "round": "down"}), 21)], 200),
        ([item(price(None, billing_scheme="tiered", tiers_mode="graduated", tiers=TIERS), 7)], 7100),
        ([item(price(None, billing_scheme="tiered", tiers_mode="graduated", tiers=TIERS), 4)], 4500),
        ([item(price(None, billing_scheme="tiered", tiers_mode="volume", tiers=TIERS), 7)], 5600),
        ([item(price(None, billing_scheme="tiered", tiers_mode="volume", tiers=TIERS), 5)], 5500),
        ([{"quantity": 2, "plan": PLAN}], 1400),
        ([{"quantity": 21, "plan": {**PLAN, "transform_usage": {"divide_by": 10, "round": "up"}}}], 2100),
        ([], 0),
    ],
)
def test_the_value_of_a_subscription_is_monthly(items: list[dict[str, Any]], cents: Any) -> None:
    assert monthly({"status": "active"}, items, []) == cents


@pytest.mark.parametrize("state", ["trialing", "incomplete", "incomplete_expired", "paused"])
def test_trials_and_pauses_are_worth_nothing(state: str) -> None:
    assert monthly({"status": state}, [item()], []) == 0
    assert monthly({"status": "active", "pause_collection": {"behavior": "void"}}, [item()], []) == 0


@pytest.mark.parametrize("state", ["active", "past_due", "canceled", "unpaid"])
def test_other_states_count_with_their_price(state: str) -> None:
    assert monthly({"status": state}, [item()], []) == 2000


def test_discounts_are_subtracted_and_never_make_it_negative() -> None:
    yearly = [item(price(12000, "year"))]
    assert monthly({"status": "active"}, yearly, [Coupon(Decimal(25), Decimal(0))]) == 750
    assert monthly({"status": "active"}, yearly, [Coupon(Decimal(0), Decimal(2400))]) == 800
    assert monthly({"status": "active"}, yearly, [Coupon(Decimal(0), Decimal(99999))]) == 0


def test_missing_tiers_and_items_without_interval_are_rejected() -> None:
    with pytest.raises(InvalidRecordError):
        monthly({"status": "active"}, [item(price(None, billing_scheme="tiered"))], [])
    with pytest.raises(InvalidRecordError):
        monthly({"status": "active"}, [{"price": {"unit_amount": 1}}], [])


def test_a_subscription_is_named_by_its_price_and_dated_by_its_start() -> None:
    row = {
        "id": "sub_1", "status": "past_due", "customer": "cus_1", "start_date": 1760000000, "created": 1750000000,
        "items": {"data": [item()]}, "cancel_at_period_end": True,
    }  # fmt: skip
    found = subscription(row, Decimal(2000))
    assert (found.status, found.plan, found.currency, found.monthly_amount) == ("past_due", "Team", "USD", Decimal(20))
    assert found.started_at == datetime.fromtimestamp(1760000000, UTC)
    assert found.attributes == {"cancel_at_period_end": "true"}
    assert digits("USD") == 2


def test_records_without_an_id_are_rejected() -> None:
    with pytest.raises(InvalidRecordError):
        payment({**CHARGE, "id": None})
