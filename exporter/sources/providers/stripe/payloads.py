"""Stripe's objects as records. Times are epoch seconds, and a customer is its id."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from exporter.records import Invoice, Payment, Subscription
from exporter.sources.parsing import convert
from exporter.sources.provider import VendorRow, attributes, epoch_instant, record_id
from exporter.sources.providers.stripe.amounts import digits, money

INVOICE_STATES: Mapping[str, str] = MappingProxyType(
    {state: state for state in ("draft", "open", "paid", "void", "uncollectible")}
)
CHARGE_STATES: Mapping[str, str] = MappingProxyType(
    {"pending": "pending", "succeeded": "succeeded", "failed": "failed"}
)
SUBSCRIPTION_STATES: Mapping[str, str] = MappingProxyType(
    {
        state: state
        for state in (
            "incomplete", "incomplete_expired", "trialing", "active", "past_due", "canceled", "unpaid", "paused",
        )
    }
)  # fmt: skip


def invoice(row: VendorRow) -> Invoice | None:
    """An invoice; None in test mode, which shares the API with live mode."""
    if not row["livemode"]:
        return None
    currency = convert.currency(row["currency"], "currency")
    transitions = row.get("status_transitions") or {}
    return Invoice(
        id=record_id(row),
        kind="sale",
        status=convert.choice(row["status"], "status", INVOICE_STATES),
        customer=_reference(row.get("customer"), "customer"),
        amount=money(row["total"], "amount", currency),
        currency=currency,
        issued_at=epoch_instant(transitions.get("finalized_at") or row["created"], "issued_at"),
        due_at=epoch_instant(row.get("due_date"), "due_at"),
        paid_at=epoch_instant(transitions.get("paid_at"), "paid_at"),
        attributes=_attributes(row, "billing_reason", "collection_method"),
    )


def payment(row: VendorRow) -> Payment | None:
    """A charge with its refunded amount; its status is refunded only if that is all of it. None in test mode."""
    if not row["livemode"]:
        return None
    currency = convert.currency(row["currency"], "currency")
    status = convert.choice(row["status"], "status", CHARGE_STATES)
    return Payment(
        id=record_id(row),
        status="refunded" if row.get("refunded") and status == "succeeded" else status,
        customer=_reference(row.get("customer"), "customer"),
        amount=money(row["amount"], "amount", currency),
        refunded=money(row.get("amount_refunded", 0), "refunded", currency),
        currency=currency,
        paid_at=epoch_instant(row["created"], "paid_at"),
        attributes={"disputed": "true"} if row.get("disputed") else {},
    )


def subscription(row: VendorRow, minor: Decimal) -> Subscription:
    """A subscription; `minor` is its monthly value in the currency's minor unit."""
    price = _first_price(row)
    currency = convert.currency(row.get("currency") or price.get("currency"), "currency")
    return Subscription(
        id=record_id(row),
        status=convert.choice(row["status"], "status", SUBSCRIPTION_STATES),
        customer=_reference(row.get("customer"), "customer"),
        plan=convert.text(price.get("nickname") or price.get("lookup_key") or price.get("id"), "plan"),
        monthly_amount=convert.money(minor.scaleb(-digits(currency)), "monthly_amount"),
        currency=currency,
        started_at=epoch_instant(row.get("start_date") or row["created"], "started_at"),
        ended_at=epoch_instant(row.get("ended_at"), "ended_at"),
        attributes=_attributes(row, "collection_method", "cancel_at_period_end"),
    )


def _first_price(row: VendorRow) -> Mapping[str, Any]:
    items = (row.get("items") or {}).get("data") or [{}]
    price: Mapping[str, Any] = items[0].get("price") or items[0].get("plan") or {}
    return price


def _attributes(row: VendorRow, *names: str) -> dict[str, str]:
    metadata = {f"metadata.{key}": value for key, value in (row.get("metadata") or {}).items()}
    return attributes({name: row.get(name) for name in names} | metadata)


def _reference(value: Any, field: str) -> str | None:
    """The id of another object, which may be expanded."""
    return convert.text(value.get("id") if isinstance(value, Mapping) else value, field)
