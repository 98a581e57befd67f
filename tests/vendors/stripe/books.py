"""The company's contracts and bills up to an instant. Only those who ask for them pay for drawing them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from exporter.demo.company.company import WARM_UP, DemoCompany, Timeline, draw_days, numbered_days
from exporter.demo.company.rhythm import local_day
from tests.vendors.stripe import billing
from tests.vendors.stripe.ledger import Bill, Charge, Contract

FOUNDED = date(2023, 1, 1)
"""The first contracts are of that day, whenever the history that is told begins."""


class Books:
    """What is billed, from the company's first day on."""

    def __init__(self, company: DemoCompany) -> None:
        self._next_day = min(FOUNDED, company.since)
        self.contracts: Timeline[Contract] = Timeline()
        self.bills: Timeline[Bill] = Timeline()
        self._company = company
        self._charges: list[Charge] = []
        self._in_order = True
        self._of_contract: dict[int, list[Bill]] = {}

    def advance(self, now: int) -> None:
        """Draws all days up to and including the local day of `now`; never goes back."""
        first, last = self._next_day, local_day(now)
        if last < first:
            return
        self._next_day = last + timedelta(days=1)
        seed, staff = self._company.seed, self._company.staff
        self.contracts.extend(draw_days(seed, "contracts", billing.contracts, staff, (first, last)))
        for day, first_id in numbered_days(max(first, self._company.since - WARM_UP), last):
            self.keep(billing.bills(seed, self.contracts.records, day, first_id))

    def keep(self, bills: Iterable[Bill]) -> None:
        """Takes bills into the books, whose ids are above all there are."""
        known = len(self.bills.records)
        self.bills.extend(bills)
        for bill in self.bills.records[known:]:
            self._of_contract.setdefault(bill.contract, []).append(bill)
            self._charges.extend(bill.charges())
            self._in_order = False

    @property
    def charges(self) -> list[Charge]:
        """All attempts to collect, in order of time, those to come included."""
        if not self._in_order:
            self._charges.sort(key=lambda charge: (charge.attempt.at, charge.id))
            self._in_order = True
        return self._charges

    def contract(self, key: int) -> Contract:
        """The contract of that id."""
        return next(self.contracts.from_id(key))

    def overdue(self, contract: Contract, now: int) -> bool:
        """A card was refused for one of its bills, and it has not been paid since."""
        return any(bill.overdue(now) for bill in self._of_contract.get(contract.id, ()))
