"""Books with a few handwritten contracts and bills."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from exporter.demo.company.rhythm import local_day
from tests.demo.tiny_company import TinyCompany, at
from tests.vendors.stripe.books import Books
from tests.vendors.stripe.ledger import Attempt, Bill, Contract, Line, Term

DAY, MONTH = 24 * 60.0, 31 * 24 * 60.0
"""In minutes, the unit of `at`."""


class TinyBooks(Books):
    """Contains only the given contracts and bills."""

    def __init__(self, contracts: Iterable[Contract] = (), bills: Iterable[Bill] = ()) -> None:
        super().__init__(TinyCompany())
        self.contracts.extend(contracts)
        self.add(bills)

    def advance(self, now: int) -> None:
        """Generates nothing."""


def contract(key: int, minutes: float = 0, *changes: tuple[float, int], **overrides: Any) -> Contract:
    """A monthly contract of two seats at 50; `changes` are (minutes, seats)."""
    terms = ((minutes, 2), *changes)
    defaults: dict[str, Any] = {
        "customer": f"Customer {key}", "currency": "CHF", "yearly": False, "on_account": False,
        "terms": tuple(Term(at(when), (Line("Team", seats, Decimal(50)),)) for when, seats in terms),
    }  # fmt: skip
    fields = {**defaults, **overrides}
    first = fields.get("trial_until") or fields["terms"][0].at
    return Contract(id=key, first_day=local_day(first), **fields)


def bill(key: int, minutes: float = 0, *attempts: tuple[float, bool], **overrides: Any) -> Bill:
    """A bill of 100 for contract 1, finalized after an hour; `attempts` are (minutes, succeeded)."""
    defaults: dict[str, Any] = {
        "contract": 1, "reason": "subscription_cycle", "currency": "CHF", "amount": Decimal(100), "on_account": False,
        "created_at": at(minutes), "finalized_at": at(minutes + 60),
        "attempts": tuple(Attempt(at(when), at(when), ok) for when, ok in attempts),
    }  # fmt: skip
    return Bill(id=key, **{**defaults, **overrides})
