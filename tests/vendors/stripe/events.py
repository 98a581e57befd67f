"""What happened to contracts, bills and charges, told as Stripe tells it: late, and for thirty days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.vendors.stripe import payloads
from tests.vendors.stripe.books import Books
from tests.vendors.stripe.ledger import Bill, Charge, Contract

KEPT = 30 * 86_400
LATE = 20
"""Seconds until an event can be read."""
MADE_IN = "2024-06-20"
"""The API version of the account, in which events are written whatever a request asks for."""


class Event(NamedTuple):
    """Something that happened to an object at an instant."""

    at: int
    kind: str
    subject: str
    told: dict[str, Any]

    def row(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": f"evt_{self.at}_{self.subject.partition('_')[2]}_{self.kind.replace('.', '_')}",
            "object": "event",
            "created": self.at,
            "livemode": True,
            "api_version": MADE_IN,
            "type": self.kind,
            "data": {"object": self.told},
        }


def events(books: Books, since: int, until: int) -> list[Event]:
    """Events from `since` up to and including `until`, newest first."""
    contracts = books.contracts.changed_since(since, until)
    bills = books.bills.changed_since(since, until)
    found = [event for contract in contracts for event in _of_contract(contract, books)]
    for bill in bills:
        found += _of_bill(bill)
        found += _of_arrears(bill, books)
        found += [event for charge in bill.charges() for event in _of_charge(charge)]
    return sorted({event.row()["id"]: event for event in found if since <= event.at <= until}.values(), key=_newest)


def _newest(event: Event) -> tuple[int, str, str]:
    return -event.at, event.kind, event.subject


def _of_contract(contract: Contract, books: Books) -> Iterator[Event]:
    for at in contract.event_times():
        kind = "created" if at == contract.created_at else "deleted" if at == contract.ended_at else "updated"
        yield _subscription(contract, books, at, kind)


def _subscription(contract: Contract, books: Books, at: int, kind: str) -> Event:
    status = payloads.state(contract, at, overdue=books.overdue(contract, at))
    told = payloads.subscription(contract, at, status=status)
    return Event(at, f"customer.subscription.{kind}", told["id"], told)


def _of_arrears(bill: Bill, books: Books) -> Iterator[Event]:
    """A subscription is past due from the first refusal until its bill is paid or given up."""
    failures = [attempt.settled_at for attempt in bill.attempts if not attempt.succeeded]
    for at in (*failures, bill.paid_at, bill.written_off_at) if failures else ():
        if at is not None:
            yield _subscription(books.contract(bill.contract), books, at, "updated")


def _of_bill(bill: Bill) -> Iterator[Event]:
    failures = [attempt.settled_at for attempt in bill.attempts if not attempt.succeeded]
    kinds: dict[str, list[int | None]] = {
        "created": [bill.created_at],
        "finalized": [bill.finalized_at],
        "payment_failed": [*failures],
        "paid": [bill.paid_at],
        "voided": [bill.voided_at],
        "marked_uncollectible": [bill.written_off_at],
        "deleted": [bill.deleted_at],
    }
    for kind, event_times in kinds.items():
        for at in event_times:
            if at is not None:
                told = payloads.invoice(bill, at)
                yield Event(at, f"invoice.{kind}", told["id"], told)


def _of_charge(charge: Charge) -> Iterator[Event]:
    attempt = charge.attempt
    ended = "succeeded" if attempt.succeeded else "failed"
    kinds = [(attempt.at, "pending"), (attempt.settled_at, ended)][attempt.at == attempt.settled_at :]
    for at, kind in [*kinds, *((refund.at, "refunded") for refund in charge.refunds)]:
        told = payloads.charge(charge, at)
        yield Event(at, f"charge.{kind}", told["id"], told)
