"""Subscriptions, bills and payments. Instants are seconds since 1970."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from exporter.demo.company.entities import RecordHistory
from exporter.demo.company.rhythm import midnight

DECIMALS = {"JPY": 0}
"""Decimal places of currencies that do not have two."""

_SHORTEST = 28
"""Days of the shortest month; a period that would begin after a month's last day begins on that day."""


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount rounded to the currency's smallest unit."""
    return amount.quantize(Decimal(1).scaleb(-DECIMALS.get(currency, 2)))


class Line(NamedTuple):
    """A quantity of a plan, at a price per unit and period."""

    plan: str
    quantity: int
    price: Decimal


class Term(NamedTuple):
    """The lines of a contract from an instant on."""

    at: int
    lines: tuple[Line, ...]


class Discount(NamedTuple):
    """A percentage or an amount off every bill if it is lasting, otherwise off the first one."""

    percent: int
    amount: Decimal
    lasting: bool


class Attempt(NamedTuple):
    """An attempt to collect a bill; a debit is pending until it is settled."""

    at: int
    settled_at: int
    succeeded: bool


class Refund(NamedTuple):
    """A refund of a payment."""

    at: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract(RecordHistory):
    """A subscription. Its periods begin when the trial ends, and it ends with a period."""

    customer: str
    currency: str
    yearly: bool
    on_account: bool
    """Pays by invoice within thirty days; otherwise a card is charged."""
    terms: tuple[Term, ...]
    first_day: date
    """The day on which the first period begins."""
    discount: Discount | None = None
    trial_until: int | None = None
    notice_at: int | None = None
    ended_at: int | None = None

    @property
    def created_at(self) -> int:
        """When the contract began, including its trial."""
        return self.terms[0].at

    @property
    def billed_from(self) -> int:
        """When the first period begins."""
        return self.created_at if self.trial_until is None else self.trial_until

    def event_times(self) -> tuple[int, ...]:
        """The starts of its terms, the end of its trial, its notice and its end."""
        optional_times = (self.trial_until, self.notice_at, self.ended_at)
        return (*(term.at for term in self.terms), *(at for at in optional_times if at is not None))

    def over(self, now: int) -> bool:
        """Whether it has ended by `now`."""
        return self.ended_at is not None and self.ended_at <= now

    def on_trial(self, now: int) -> bool:
        """Whether its trial has not ended by `now`."""
        return self.trial_until is not None and now < self.trial_until

    def lines(self, now: int) -> tuple[Line, ...]:
        """The lines at `now`."""
        return next(term.lines for term in reversed(self.terms) if term.at <= now)

    def period_on(self, day: date) -> int | None:
        """When a period begins on that local day, or None."""
        first = self.first_day
        if day.day != first.day and (day.day > first.day or day.day < _SHORTEST):  # nearly always
            return None
        months = (day.year - first.year) * 12 + day.month - first.month
        if months < 0 or (self.yearly and months % 12) or months_later(first, months) != day:
            return None
        at = self._period_start(months)
        return None if self.over(at) else at

    def period(self, now: int) -> tuple[int, int]:
        """The period [start, end) that contains an instant; before the first period, the trial."""
        if now < self.billed_from:
            return self.created_at, self.billed_from
        step = 12 if self.yearly else 1
        months = 0
        while self._period_start(months + step) <= now:
            months += step
        return self._period_start(months), self._period_start(months + step)

    def _period_start(self, months: int) -> int:
        """When the period that many months after the first one begins, at the same time of day."""
        return midnight(months_later(self.first_day, months)) + self.billed_from - midnight(self.first_day)

    def due(self, at: int) -> Decimal:
        """The amount due for the period that begins at that instant."""
        total = sum((line.price * line.quantity for line in self.lines(at)), Decimal(0))
        if self.discount is not None and (self.discount.lasting or at == self.billed_from):
            total = total * (100 - self.discount.percent) / 100 - self.discount.amount
        return rounded(max(total, Decimal(0)), self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge(RecordHistory):
    """One attempt to collect a bill, and its refunds."""

    contract: int
    currency: str
    amount: Decimal
    attempt: Attempt
    on_account: bool
    refunds: tuple[Refund, ...] = ()

    def event_times(self) -> tuple[int, ...]:
        """The attempt, its settlement, and the refunds."""
        return (self.attempt.at, self.attempt.settled_at, *(refund.at for refund in self.refunds))

    def refunded(self, now: int) -> Decimal:
        """The amount refunded by `now`."""
        return sum((refund.amount for refund in self.refunds if refund.at <= now), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill(RecordHistory):
    """An invoice: drafted, finalized, and then paid, written off or voided; some drafts are deleted."""

    contract: int
    reason: str
    currency: str
    amount: Decimal
    on_account: bool
    created_at: int
    finalized_at: int | None
    due_at: int | None = None
    attempts: tuple[Attempt, ...] = ()
    refunds: tuple[Refund, ...] = ()
    voided_at: int | None = None
    written_off_at: int | None = None
    deleted_at: int | None = None

    @property
    def paid_at(self) -> int | None:
        """When the bill was or will be paid."""
        return next((attempt.settled_at for attempt in self.attempts if attempt.succeeded), None)

    def event_times(self) -> tuple[int, ...]:
        """Everything that happens to the bill and its charges."""
        final_times = (self.finalized_at, self.voided_at, self.written_off_at, self.deleted_at)
        charged = (at for charge in self.charges() for at in charge.event_times())
        return (self.created_at, *(at for at in final_times if at is not None), *charged)

    def exists(self, now: int) -> bool:
        """Whether it is created and not deleted."""
        return self.created_at <= now and not (self.deleted_at is not None and self.deleted_at <= now)

    def status(self, now: int) -> str:
        """The status as of an instant: draft, open, paid, uncollectible or void."""
        final_times = {"paid": self.paid_at, "void": self.voided_at, "uncollectible": self.written_off_at}
        if self.finalized_at is None or now < self.finalized_at:
            return "draft"
        return next((name for name, at in final_times.items() if at is not None and at <= now), "open")

    def overdue(self, now: int) -> bool:
        """Whether an attempt to collect it has failed and it is still open."""
        failed = any(attempt.settled_at <= now and not attempt.succeeded for attempt in self.attempts)
        return failed and self.status(now) == "open"

    def charges(self) -> Iterable[Charge]:
        """Its attempts; refunds belong to the one that succeeded."""
        for number, attempt in enumerate(self.attempts):
            yield Charge(
                id=self.id * 10 + number,
                contract=self.contract,
                currency=self.currency,
                amount=self.amount,
                attempt=attempt,
                on_account=self.on_account,
                refunds=self.refunds if attempt.succeeded else (),
            )
