"""How a bill ends: cards that are refused, debits that take days, late payers, refunds, and what is given up."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

from exporter.demo.company.chance import size_around
from tests.vendors.stripe.ledger import Attempt, Bill, Refund, rounded

HOUR, DAY = 3600, 86_400
TERM = 30 * DAY
"""Within which a bill on account is due."""

_RETRIES = (0, 3 * DAY, 8 * DAY, 15 * DAY)
"""When a card is tried, since the bill was finalized."""


def collected(rng: Random, bill: Bill) -> Bill:
    """The bill with all that is still to come, from the moment it is finalized."""
    if bill.finalized_at is None:
        return bill
    ended = _on_account(rng, bill, bill.finalized_at) if bill.on_account else _by_card(rng, bill, bill.finalized_at)
    paid_at = ended.paid_at
    return ended if paid_at is None else replace(ended, refunds=_refunds(rng, ended, paid_at))


def _on_account(rng: Random, bill: Bill, since: int) -> Bill:
    due_at, fate = since + TERM, rng.random()
    if fate < 0.02:
        return replace(bill, due_at=due_at, voided_at=since + int(size_around(rng, 2 * DAY, 0.7)))
    if fate < 0.05:
        return replace(bill, due_at=due_at, written_off_at=due_at + 60 * DAY)
    paid_at = since + int(size_around(rng, 21 * DAY, 0.4))
    return replace(bill, due_at=due_at, attempts=(Attempt(paid_at, paid_at, succeeded=True),))


def _by_card(rng: Random, bill: Bill, since: int) -> Bill:
    """Some of the cards stand for a bank account, from which a debit takes days."""
    takes = int(size_around(rng, 3 * DAY, 0.2)) if rng.random() < 0.2 else 0
    attempts: list[Attempt] = []
    for wait in _RETRIES:
        begins = max(since + wait, attempts[-1].settled_at + HOUR if attempts else since)
        attempts.append(Attempt(begins, begins + takes, rng.random() > (0.35 if attempts else 0.07)))
        if attempts[-1].succeeded:
            return replace(bill, attempts=tuple(attempts))
    return replace(bill, attempts=tuple(attempts), written_off_at=attempts[-1].settled_at + 10 * DAY)


def _refunds(rng: Random, bill: Bill, paid_at: int) -> tuple[Refund, ...]:
    """Mostly in part, sometimes in two parts, sometimes all of it."""
    if rng.random() > 0.05:
        return ()
    first_at = paid_at + int(size_around(rng, 6 * DAY, 0.8))
    if rng.random() < 0.35:
        return (Refund(first_at, bill.amount),)
    part = rounded(bill.amount * Decimal(rng.randrange(10, 45)) / 100, bill.currency)
    again = rng.random() < 0.2
    return (Refund(first_at, part), Refund(first_at + 5 * DAY, part)) if again else (Refund(first_at, part),)
