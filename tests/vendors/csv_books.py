"""Writes the company's books to CSV files for `csv` sources, computed independently of Stripe's format."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from tests.vendors.stripe.books import Books
from tests.vendors.stripe.ledger import Bill, Charge, Contract

SOURCES = """\
  - name: subscriptions
    provider: csv
    path: subscriptions.csv
    entity: subscriptions
    complete_until: now
    columns:
      {id: id, status: status, plan: plan, monthly_amount: amount, currency: currency, started_at: started, ended_at: ended}
  - name: invoices
    provider: csv
    path: invoices.csv
    entity: invoices
    complete_until: now
    columns:
      {id: id, status: status, amount: amount, currency: currency, issued_at: issued, due_at: due, paid_at: paid}
  - name: payments
    provider: csv
    path: payments.csv
    entity: payments
    complete_until: now
    columns: {id: id, status: status, amount: amount, refunded: refunded, currency: currency, paid_at: paid}
"""


def monthly(contract: Contract, now: int) -> Decimal:
    """The monthly amount of a contract, computed from its lines."""
    if contract.trial_until is not None and (contract.trial_until > now or contract.trial_until == contract.ended_at):
        return Decimal(0)
    total = sum((line.price * line.quantity for line in contract.lines(now)), Decimal(0))
    if contract.discount is not None and contract.discount.lasting:
        total = total * (100 - contract.discount.percent) / 100 - contract.discount.amount
    return max(total, Decimal(0)) / (12 if contract.yearly else 1)


def status(contract: Contract, books: Books, now: int) -> str:
    """The status of a contract."""
    if contract.ended_at is not None and contract.ended_at <= now:
        return "canceled"
    if contract.trial_until is not None and contract.trial_until > now:
        return "trialing"
    bills = [bill for bill in books.bills.records if bill.contract == contract.id and bill.status(now) == "open"]
    has_failed_attempt = any(not item.succeeded and item.settled_at <= now for bill in bills for item in bill.attempts)
    return "past_due" if has_failed_attempt else "active"


def write(books: Books, now: int, directory: Path) -> None:
    """Writes one file for each entity, as of an instant."""
    contracts = (item for item in books.contracts.records if item.created_at <= now)
    _table(directory / "subscriptions.csv", "id,status,plan,amount,currency,started,ended", (
        (item.id, status(item, books, now), item.lines(now)[0].plan, monthly(item, now).quantize(Decimal("0.000001")),
         item.currency, _iso(item.created_at), _iso(item.ended_at, now)) for item in contracts
    ))  # fmt: skip
    bills = (item for item in books.bills.records if item.exists(now))
    _table(
        directory / "invoices.csv",
        "id,status,amount,currency,issued,due,paid",
        (_bill_row(item, now) for item in bills),
    )
    charges = (item for item in books.charges if item.attempt.at <= now)
    _table(
        directory / "payments.csv",
        "id,status,amount,refunded,currency,paid",
        (_payment_row(item, now) for item in charges),
    )


def _bill_row(bill: Bill, now: int) -> Iterable[object]:
    issued = bill.finalized_at if bill.finalized_at is not None and bill.finalized_at <= now else bill.created_at
    due = bill.due_at if bill.status(now) != "draft" else None
    paid = bill.paid_at
    return (bill.id, bill.status(now), bill.amount, bill.currency, _iso(issued), _iso(due), _iso(paid, now))


def _payment_row(charge: Charge, now: int) -> Iterable[object]:
    refunded = sum((refund.amount for refund in charge.refunds if refund.at <= now), Decimal(0))
    outcome = "succeeded" if charge.attempt.succeeded else "failed"
    state = "pending" if charge.attempt.settled_at > now else "refunded" if refunded == charge.amount else outcome
    return (charge.id, state, charge.amount, refunded, charge.currency, _iso(charge.attempt.at))


def _iso(at: int | None, now: int | None = None) -> str:
    if at is None or (now is not None and at > now):
        return ""
    return datetime.fromtimestamp(at, UTC).isoformat()


def _table(path: Path, header: str, rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(rows)
