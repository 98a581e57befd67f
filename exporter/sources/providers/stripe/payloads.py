"""From Stripe's objects to records. Times are epoch seconds; customers are named by their id."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Invoice, Payment, Subscription
from exporter.sources.parsing import convert
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


def invoice(row: Mapping[str, Any]) -> Invoice | None:
    """An invoice; None for one of test mode, which shares the API with real ones."""
    if not row["livemode"]:
        return None
    currency = convert.currency(row["currency"], "currency")
    moved = row.get("status_transitions") or {}
    return Invoice(
        id=_id(row),
        kind="sale",
        status=convert.choice(row["status"], "status", INVOICE_STATES),
        customer=_reference(row.get("customer"), "customer"),
        amount=money(row["total"], "amount", currency),
        currency=currency,
        issued_at=_at(moved.get("finalized_at") or row["created"], "issued_at"),
        due_at=_at(row.get("due_date"), "due_at"),
        paid_at=_at(moved.get("paid_at"), "paid_at"),
        attributes=_attributes(row, "billing_reason", "collection_method"),
    )


def payment(row: Mapping[str, Any]) -> Payment | None:
    """A charge with what of it was given back; `refunded` only where all of it was."""
    if not row["livemode"]:
        return None
    currency = convert.currency(row["currency"], "currency")
    status = convert.choice(row["status"], "status", CHARGE_STATES)
    return Payment(
        id=_id(row),
        status="refunded" if row.get("refunded") and status == "succeeded" else status,
        customer=_reference(row.get("customer"), "customer"),
        amount=money(row["amount"], "amount", currency),
        refunded=money(row.get("amount_refunded", 0), "refunded", currency),
        currency=currency,
        paid_at=_at(row["created"], "paid_at"),
        attributes={"disputed": "true"} if row.get("disputed") else {},
    )


def subscription(row: Mapping[str, Any], minor: Decimal) -> Subscription:
    """A subscription; `minor` is what it is worth a month in the currency's smallest unit."""
    currency = convert.currency(row.get("currency") or _first_price(row).get("currency"), "currency")
    product = _first_price(row)
    return Subscription(
        id=_id(row),
        status=convert.choice(row["status"], "status", SUBSCRIPTION_STATES),
        customer=_reference(row.get("customer"), "customer"),
        plan=convert.text(product.get("nickname") or product.get("lookup_key") or product.get("id"), "plan"),
        monthly_amount=convert.money(minor.scaleb(-digits(currency)), "monthly_amount"),
        currency=currency,
        started_at=_at(row.get("start_date") or row["created"], "started_at"),
        ended_at=_at(row.get("ended_at"), "ended_at"),
        attributes=_attributes(row, "collection_method", "cancel_at_period_end"),
    )


def _first_price(row: Mapping[str, Any]) -> Mapping[str, Any]:
    items = (row.get("items") or {}).get("data") or [{}]
    found: Mapping[str, Any] = items[0].get("price") or items[0].get("plan") or {}
    return found


def _attributes(row: Mapping[str, Any], *names: str) -> dict[str, str]:
    metadata = {f"metadata.{key}": convert.text(value, key) for key, value in (row.get("metadata") or {}).items()}
    known = {name: convert.text(row.get(name), name) for name in names} | metadata
    return {name: value for name, value in known.items() if value is not None}


def _reference(value: Any, field: str) -> str | None:
    """The id of another object, which may have been expanded."""
    return convert.text(value.get("id") if isinstance(value, Mapping) else value, field)


def _at(value: Any, field: str) -> datetime | None:
    return convert.instant(value, field, UTC, ("epoch",))


def _id(row: Mapping[str, Any]) -> str:
    key = convert.text(row.get("id"), "id")
    if key is None:
        raise InvalidRecordError(Reason.MISSING_FIELD, "id")
    return key
