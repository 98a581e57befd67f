"""The company's contracts and bills up to an instant, generated on demand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from exporter.demo.company.company import WARM_UP, DemoCompany, Timeline, draw_days, numbered_days
from exporter.demo.company.rhythm import local_day
from tests.vendors.stripe import billing
from tests.vendors.stripe.ledger import Bill, Charge, Contract

FOUNDED = date(2023, 1, 1)
"""The first contracts begin on this day, even if the simulated history begins later."""


class Books:
    """All contracts, bills and charges from the company's first day."""

    def __init__(self, company: DemoCompany) -> None:
        self._next_day = min(FOUNDED, company.since)
        self.contracts: Timeline[Contract] = Timeline()
        self.bills: Timeline[Bill] = Timeline()
        self._company = company
        self._charges: list[Charge] = []
        self._in_order = True
        self._bills_by_contract: dict[int, list[Bill]] = {}

    def advance(self, now: int) -> None:
        """Generates all days up to and including the local day of `now`; an earlier instant changes nothing."""
        first, last = self._next_day, local_day(now)
        if last < first:
            return
        self._next_day = last + timedelta(days=1)
        seed, staff = self._company.seed, self._company.staff
        self.contracts.extend(draw_days(seed, "contracts", billing.contracts, staff, (first, last)))
        for day, first_id in numbered_days(max(first, self._company.since - WARM_UP), last):
            self.add(billing.bills(seed, self.contracts.records, day, first_id))

    def add(self, bills: Iterable[Bill]) -> None:
        """Adds bills, whose ids must be greater than all existing ones."""
        count = len(self.bills.records)
        self.bills.extend(bills)
        for bill in self.bills.records[count:]:
            self._bills_by_contract.setdefault(bill.contract, []).append(bill)
            self._charges.extend(bill.charges())
            self._in_order = False

    @property
    def charges(self) -> list[Charge]:
        """All attempts to collect, in order of time, including future ones."""
        if not self._in_order:
            self._charges.sort(key=lambda charge: (charge.attempt.at, charge.id))
            self._in_order = True
        return self._charges

    def contract(self, key: int) -> Contract:
        """The contract with that id."""
        return next(self.contracts.from_id(key))

    def overdue(self, contract: Contract, now: int) -> bool:
        """Whether a card was declined for one of the contract's bills, which is still unpaid."""
        return any(bill.overdue(now) for bill in self._bills_by_contract.get(contract.id, ()))
