"""The company's contracts, bills and charges in Stripe's format: minor units, epoch seconds, ids with prefixes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tests.vendors.stripe.ledger import DECIMALS, Bill, Charge, Contract, Discount, Line, Refund

Row = dict[str, Any]

EMBEDDED_ITEMS = 10
"""How many items a subscription embeds; the others have their own list."""


def minor_units(amount: Decimal, currency: str) -> int:
    """An amount in the currency's smallest unit."""
    return int(amount.scaleb(DECIMALS.get(currency, 2)))


def key(prefix: str, number: int) -> str:
    """An object's id."""
    return f"{prefix}_1Alp{number:012}"


def _embedded_list(rows: Sequence[Row], url: str, max_rows: int) -> Row:
    return {"object": "list", "data": list(rows[:max_rows]), "has_more": len(rows) > max_rows, "url": url}


def customer(contract: Contract) -> Row:
    """The customer of a contract."""
    return {
        "id": key("cus", contract.id),
        "object": "customer",
        "created": contract.created_at,
        "livemode": True,
        "name": contract.customer,
        "currency": contract.currency.lower(),
        "delinquent": False,
        "metadata": {},
    }


def subscription(contract: Contract, now: int, *, status: str, expanded: bool = False) -> Row:
    """A contract. Discounts are ids unless they are expanded."""
    subscription_id = key("sub", contract.id)
    has_ended = contract.over(now)
    has_notice = contract.notice_at is not None and contract.notice_at <= now
    rows = items(contract, now)
    return {
        "id": subscription_id,
        "object": "subscription",
        "created": contract.created_at,
        "livemode": True,
        "status": status,
        "customer": key("cus", contract.id),
        "currency": contract.currency.lower(),
        "start_date": contract.created_at,
        "billing_cycle_anchor": contract.billed_from,
        "trial_end": contract.trial_until,
        "cancel_at_period_end": has_notice and not has_ended,
        "cancel_at": contract.ended_at if has_notice else None,
        "canceled_at": contract.notice_at if has_notice else None,
        "ended_at": contract.ended_at if has_ended else None,
        "collection_method": _collection(contract.on_account),
        "days_until_due": 30 if contract.on_account else None,
        "discounts": _discounts(contract, now, expanded=expanded),
        "items": _embedded_list(rows, f"/v1/subscription_items?subscription={subscription_id}", EMBEDDED_ITEMS),
        "pause_collection": None,
        "metadata": {},
    }


def state(contract: Contract, now: int, *, overdue: bool) -> str:
    """A contract's status as of an instant."""
    if contract.over(now):
        return "canceled"
    if contract.on_trial(now):
        return "trialing"
    return "past_due" if overdue else "active"


def _collection(on_account: bool) -> str:
    return "send_invoice" if on_account else "charge_automatically"


def items(contract: Contract, now: int) -> list[Row]:
    """The items of a contract, each with the current period."""
    period_start, period_end = contract.period(now if contract.ended_at is None else min(now, contract.ended_at - 1))
    return [
        {
            "id": f"{key('si', contract.id)}{index:02}",
            "object": "subscription_item",
            "created": contract.created_at,
            "subscription": key("sub", contract.id),
            "quantity": line.quantity,
            "current_period_start": period_start,
            "current_period_end": period_end,
            "price": _price(contract, line),
        }
        for index, line in enumerate(contract.lines(now))
    ]


def _price(contract: Contract, line: Line) -> Row:
    interval, currency = "year" if contract.yearly else "month", contract.currency.lower()
    amount = minor_units(line.price, contract.currency)
    name = line.plan.lower().replace(" ", "_")
    return {
        "id": f"price_{name}_{currency}_{interval}",
        "object": "price",
        "active": True,
        "livemode": True,
        "billing_scheme": "per_unit",
        "currency": currency,
        "nickname": line.plan,
        "product": f"prod_{name}",
        "recurring": {"interval": interval, "interval_count": 1, "usage_type": "licensed", "meter": None},
        "transform_quantity": None,
        "type": "recurring",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def _discounts(contract: Contract, now: int, *, expanded: bool) -> list[Any]:
    """The current discounts; one that is not lasting disappears with the first bill."""
    discount = contract.discount
    if discount is None or (not discount.lasting and contract.billed_from <= now):
        return []
    discount_id = key("di", contract.id)
    source = {"type": "coupon", "coupon": coupon_id(discount, contract.currency)}
    return [{"id": discount_id, "object": "discount", "source": source} if expanded else discount_id]


def coupon_id(discount: Discount, currency: str) -> str:
    """An id such as `20off_forever`."""
    worth = (
        f"{discount.percent}off" if discount.percent else f"{minor_units(discount.amount, currency)}{currency.lower()}"
    )
    return f"{worth}_{'forever' if discount.lasting else 'once'}"


def coupon(contract: Contract) -> Row | None:
    """The coupon of the contract's discount, or None."""
    discount, currency = contract.discount, contract.currency
    if discount is None:
        return None
    off = minor_units(discount.amount, currency)
    return {
        "id": coupon_id(discount, currency),
        "object": "coupon",
        "created": contract.created_at,
        "livemode": True,
        "percent_off": float(discount.percent) if discount.percent else None,
        "amount_off": off or None,
        "currency": currency.lower() if off else None,
        "duration": "forever" if discount.lasting else "once",
        "valid": True,
    }


def invoice(bill: Bill, now: int) -> Row:
    """A bill as of an instant. It refers to its subscription through `parent`, and to no charge."""
    status, total = bill.status(now), minor_units(bill.amount, bill.currency)
    paid = total if status == "paid" else 0
    transitions = {
        "finalized_at": bill.finalized_at,
        "paid_at": bill.paid_at,
        "voided_at": bill.voided_at,
        "marked_uncollectible_at": bill.written_off_at,
    }
    details = {"subscription": key("sub", bill.contract), "metadata": {}}
    return {
        "id": key("in", bill.id),
        "object": "invoice",
        "created": bill.created_at,
        "livemode": True,
        "status": status,
        "customer": key("cus", bill.contract),
        "currency": bill.currency.lower(),
        "total": total,
        "amount_due": total,
        "amount_paid": paid,
        "amount_remaining": total - paid,
        "attempt_count": sum(attempt.settled_at <= now for attempt in bill.attempts),
        "due_date": bill.due_at if status != "draft" else None,
        "billing_reason": bill.reason,
        "collection_method": _collection(bill.on_account),
        "status_transitions": {name: at if at is not None and at <= now else None for name, at in transitions.items()},
        "parent": None if bill.reason == "manual" else {
            "type": "subscription_details", "subscription_details": details, "quote_details": None,
        },
        "metadata": {},
    }  # fmt: skip


def charge(record: Charge, now: int) -> Row:
    """An attempt to collect; `refunded` is true for a full refund only."""
    refunded, settled = record.refunded(now), record.attempt.settled_at <= now
    status = "pending" if not settled else "succeeded" if record.attempt.succeeded else "failed"
    return {
        "id": key("ch", record.id),
        "object": "charge",
        "created": record.attempt.at,
        "livemode": True,
        "status": status,
        "paid": status == "succeeded",
        "captured": status == "succeeded",
        "amount": minor_units(record.amount, record.currency),
        "amount_captured": minor_units(record.amount, record.currency) if status == "succeeded" else 0,
        "amount_refunded": minor_units(refunded, record.currency),
        "refunded": refunded == record.amount,
        "disputed": False,
        "currency": record.currency.lower(),
        "customer": key("cus", record.contract),
        "failure_code": "card_declined" if status == "failed" else None,
        "payment_method_details": {"type": "customer_balance" if record.on_account else "card"},
        "metadata": {},
    }


def refund(charge_record: Charge, index: int) -> Row:
    """One of the refunds of a charge."""
    refund_record: Refund = charge_record.refunds[index]
    return {
        "id": f"{key('re', charge_record.id)}{index}",
        "object": "refund",
        "created": refund_record.at,
        "amount": minor_units(refund_record.amount, charge_record.currency),
        "currency": charge_record.currency.lower(),
        "charge": key("ch", charge_record.id),
        "status": "succeeded",
        "reason": "requested_by_customer",
        "metadata": {},
    }
