"""What customers have subscribed to, what they are billed, and how they pay. Instants are seconds since 1970."""

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
"""Of a currency's smallest unit, where it is not the hundredth."""


_SHORTEST = 28
"""Days of a month; on a later one than it has, a period begins on its last."""


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount that can be paid in that currency."""
    return amount.quantize(Decimal(1).scaleb(-DECIMALS.get(currency, 2)))


class Line(NamedTuple):
    """So many of a plan, each at a price for one period."""

    plan: str
    quantity: int
    price: Decimal


class Term(NamedTuple):
    """What a contract holds from an instant on."""

    at: int
    lines: tuple[Line, ...]


class Discount(NamedTuple):
    """A share or an amount off every bill, or, where it does not last, off the first one."""

    percent: int
    amount: Decimal
    lasting: bool


class Attempt(NamedTuple):
    """To collect a bill; a debit is pending until it is settled."""

    at: int
    settled_at: int
    succeeded: bool


class Refund(NamedTuple):
    """Given back of what was collected."""

    at: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract(RecordHistory):
    """A subscription. Its periods begin where the trial ends, and it ends with one of them."""

    customer: str
    currency: str
    yearly: bool
    on_account: bool
    """Pays by invoice within thirty days; else a card is charged."""
    terms: tuple[Term, ...]
    first_day: date
    """On which its first period begins."""
    discount: Discount | None = None
    trial_until: int | None = None
    notice_at: int | None = None
    ended_at: int | None = None

    @property
    def created_at(self) -> int:
        """When it began, its trial included."""
        return self.terms[0].at

    @property
    def billed_from(self) -> int:
        """When its first period begins."""
        return self.created_at if self.trial_until is None else self.trial_until

    def event_times(self) -> tuple[int, ...]:
        """Its terms, the end of its trial, its notice and its end."""
        rest = (self.trial_until, self.notice_at, self.ended_at)
        return (*(term.at for term in self.terms), *(at for at in rest if at is not None))

    def over(self, now: int) -> bool:
        """Ended by now."""
        return self.ended_at is not None and self.ended_at <= now

    def on_trial(self, now: int) -> bool:
        """Still tried out, and not over."""
        return self.trial_until is not None and now < self.trial_until

    def lines(self, now: int) -> tuple[Line, ...]:
        """What it holds now."""
        return next(term.lines for term in reversed(self.terms) if term.at <= now)

    def period_on(self, day: date) -> int | None:
        """When a period begins on that local day, if one does."""
        first = self.first_day
        if day.day != first.day and (day.day > first.day or day.day < _SHORTEST):  # nearly always
            return None
        months = (day.year - first.year) * 12 + day.month - first.month
        if months < 0 or (self.yearly and months % 12) or months_later(first, months) != day:
            return None
        at = self._begins(months)
        return None if self.over(at) else at

    def period(self, now: int) -> tuple[int, int]:
        """When the period of an instant begins and ends; before the first one it is the trial."""
        if now < self.billed_from:
            return self.created_at, self.billed_from
        step = 12 if self.yearly else 1
        months = 0
        while self._begins(months + step) <= now:
            months += step
        return self._begins(months), self._begins(months + step)

    def _begins(self, months: int) -> int:
        """So many months after the first period began, at the same time of day."""
        return midnight(months_later(self.first_day, months)) + self.billed_from - midnight(self.first_day)

    def due(self, at: int) -> Decimal:
        """What the period that begins at that instant costs."""
        total = sum((line.price * line.quantity for line in self.lines(at)), Decimal(0))
        if self.discount is not None and (self.discount.lasting or at == self.billed_from):
            total = total * (100 - self.discount.percent) / 100 - self.discount.amount
        return rounded(max(total, Decimal(0)), self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge(RecordHistory):
    """One attempt to collect a bill, and what went back of it."""

    contract: int
    currency: str
    amount: Decimal
    attempt: Attempt
    on_account: bool
    refunds: tuple[Refund, ...] = ()

    def event_times(self) -> tuple[int, ...]:
        """The attempt, its settling, and the refunds."""
        return (self.attempt.at, self.attempt.settled_at, *(refund.at for refund in self.refunds))

    def refunded(self, now: int) -> Decimal:
        """What went back by now."""
        return sum((refund.amount for refund in self.refunds if refund.at <= now), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill(RecordHistory):
    """An invoice: drafted, finalized, and then paid, written off or void; some drafts are deleted."""

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
        """When it was or will be collected."""
        return next((attempt.settled_at for attempt in self.attempts if attempt.succeeded), None)

    def event_times(self) -> tuple[int, ...]:
        """Everything that happens to it and to its charges."""
        ends = (self.finalized_at, self.voided_at, self.written_off_at, self.deleted_at)
        charged = (at for charge in self.charges() for at in charge.event_times())
        return (self.created_at, *(at for at in ends if at is not None), *charged)

    def exists(self, now: int) -> bool:
        """Created, and not deleted."""
        return self.created_at <= now and not (self.deleted_at is not None and self.deleted_at <= now)

    def status(self, now: int) -> str:
        """draft, open, paid, uncollectible or void, as of an instant."""
        ends = {"paid": self.paid_at, "void": self.voided_at, "uncollectible": self.written_off_at}
        if self.finalized_at is None or now < self.finalized_at:
            return "draft"
        return next((name for name, at in ends.items() if at is not None and at <= now), "open")

    def overdue(self, now: int) -> bool:
        """An attempt to collect it has failed, and it is still open."""
        failed = any(attempt.settled_at <= now and not attempt.succeeded for attempt in self.attempts)
        return failed and self.status(now) == "open"

    def charges(self) -> Iterable[Charge]:
        """Its attempts; what went back went back on the one that succeeded."""
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
