"""The events of contracts, bills and charges as Stripe reports them: delayed, and for thirty days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.vendors.stripe import payloads
from tests.vendors.stripe.books import Books
from tests.vendors.stripe.ledger import Bill, Charge, Contract

RETENTION = 30 * 86_400
"""Seconds for which an event is listed."""
DELAY = 20
"""Seconds until an event is listed."""
EVENT_VERSION = "2024-06-20"
"""The API version of the account, which events use regardless of the request's version."""


class Event(NamedTuple):
    """Something that happened to an object at an instant."""

    at: int
    kind: str
    subject: str
    payload: dict[str, Any]

    def row(self) -> dict[str, Any]:
        """The event in the API's format."""
        return {
            "id": f"evt_{self.at}_{self.subject.partition('_')[2]}_{self.kind.replace('.', '_')}",
            "object": "event",
            "created": self.at,
            "livemode": True,
            "api_version": EVENT_VERSION,
            "type": self.kind,
            "data": {"object": self.payload},
        }


def events(books: Books, since: int, until: int) -> list[Event]:
    """Events from `since` up to and including `until`, newest first."""
    contracts = books.contracts.changed_since(since, until)
    bills = books.bills.changed_since(since, until)
    all_events = [event for contract in contracts for event in _contract_events(contract, books)]
    for bill in bills:
        all_events += _bill_events(bill)
        all_events += _arrears_events(bill, books)
        all_events += [event for charge in bill.charges() for event in _charge_events(charge)]
    return sorted(
        {event.row()["id"]: event for event in all_events if since <= event.at <= until}.values(), key=_newest
    )


def _newest(event: Event) -> tuple[int, str, str]:
    return -event.at, event.kind, event.subject


def _contract_events(contract: Contract, books: Books) -> Iterator[Event]:
    for at in contract.event_times():
        kind = "created" if at == contract.created_at else "deleted" if at == contract.ended_at else "updated"
        yield _subscription(contract, books, at, kind)


def _subscription(contract: Contract, books: Books, at: int, kind: str) -> Event:
    status = payloads.state(contract, at, overdue=books.overdue(contract, at))
    payload = payloads.subscription(contract, at, status=status)
    return Event(at, f"customer.subscription.{kind}", payload["id"], payload)


def _arrears_events(bill: Bill, books: Books) -> Iterator[Event]:
    """Updates of a subscription: past due from the first failed attempt until its bill is paid or written off."""
    failures = [attempt.settled_at for attempt in bill.attempts if not attempt.succeeded]
    for at in (*failures, bill.paid_at, bill.written_off_at) if failures else ():
        if at is not None:
            yield _subscription(books.contract(bill.contract), books, at, "updated")


def _bill_events(bill: Bill) -> Iterator[Event]:
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
                payload = payloads.invoice(bill, at)
                yield Event(at, f"invoice.{kind}", payload["id"], payload)


def _charge_events(charge: Charge) -> Iterator[Event]:
    attempt = charge.attempt
    outcome = "succeeded" if attempt.succeeded else "failed"
    kinds = [(attempt.at, "pending"), (attempt.settled_at, outcome)][attempt.at == attempt.settled_at :]
    for at, kind in [*kinds, *((refund.at, "refunded") for refund in charge.refunds)]:
        payload = payloads.charge(charge, at)
        yield Event(at, f"charge.{kind}", payload["id"], payload)
