"""From Stripe's objects to records. Times are epoch seconds; customers are named by their id."""

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
    """An invoice; None for one of test mode, which shares the API with real ones."""
    if not row["livemode"]:
        return None
    currency = convert.currency(row["currency"], "currency")
    moved = row.get("status_transitions") or {}
    return Invoice(
        id=record_id(row),
        kind="sale",
        status=convert.choice(row["status"], "status", INVOICE_STATES),
        customer=_reference(row.get("customer"), "customer"),
        amount=money(row["total"], "amount", currency),
        currency=currency,
        issued_at=epoch_instant(moved.get("finalized_at") or row["created"], "issued_at"),
        due_at=epoch_instant(row.get("due_date"), "due_at"),
        paid_at=epoch_instant(moved.get("paid_at"), "paid_at"),
        attributes=_attributes(row, "billing_reason", "collection_method"),
    )


def payment(row: VendorRow) -> Payment | None:
    """A charge with what of it was given back; `refunded` only where all of it was."""
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
    """A subscription; `minor` is what it is worth a month in the currency's smallest unit."""
    currency = convert.currency(row.get("currency") or _first_price(row).get("currency"), "currency")
    product = _first_price(row)
    return Subscription(
        id=record_id(row),
        status=convert.choice(row["status"], "status", SUBSCRIPTION_STATES),
        customer=_reference(row.get("customer"), "customer"),
        plan=convert.text(product.get("nickname") or product.get("lookup_key") or product.get("id"), "plan"),
        monthly_amount=convert.money(minor.scaleb(-digits(currency)), "monthly_amount"),
        currency=currency,
        started_at=epoch_instant(row.get("start_date") or row["created"], "started_at"),
        ended_at=epoch_instant(row.get("ended_at"), "ended_at"),
        attributes=_attributes(row, "collection_method", "cancel_at_period_end"),
    )


def _first_price(row: VendorRow) -> Mapping[str, Any]:
    items = (row.get("items") or {}).get("data") or [{}]
    found: Mapping[str, Any] = items[0].get("price") or items[0].get("plan") or {}
    return found


def _attributes(row: VendorRow, *names: str) -> dict[str, str]:
    metadata = {f"metadata.{key}": value for key, value in (row.get("metadata") or {}).items()}
    return attributes({name: row.get(name) for name in names} | metadata)


def _reference(value: Any, field: str) -> str | None:
    """The id of another object, which may have been expanded."""
    return convert.text(value.get("id") if isinstance(value, Mapping) else value, field)
