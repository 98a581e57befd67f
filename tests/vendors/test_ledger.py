"""Contracts and bills at an instant show only what has happened by then."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from exporter.demo.company.rhythm import local_day, midnight
from tests.demo.tiny_company import at
from tests.vendors.stripe.ledger import Attempt, Discount, Refund, rounded
from tests.vendors.tiny_books import DAY, bill, contract


@pytest.mark.parametrize(("currency", "expected"), [("CHF", "12.35"), ("JPY", "12")])
def test_amounts_are_rounded_to_the_smallest_unit_of_their_currency(currency: str, expected: str) -> None:
    assert rounded(Decimal("12.345678"), currency) == Decimal(expected)


def test_a_period_starts_on_the_same_day_of_each_month_or_its_last_day() -> None:
    start = midnight(date(2026, 1, 31)) + 3600 * 10
    subscription = contract(1, (start - at(0)) / 60)
    days = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 28), date(2026, 3, 31), date(2026, 4, 30)]
    starts = [subscription.period_on(day) for day in days]
    assert [None if start is None else local_day(start) == day for start, day in zip(starts, days, strict=True)] == [
        True, True, None, True, True,
    ]  # fmt: skip
    assert subscription.period_on(date(2025, 12, 31)) is None


def test_a_yearly_contract_is_billed_once_a_year_until_its_end() -> None:
    subscription = contract(1, yearly=True, ended_at=at(2 * 365 * DAY))
    assert subscription.period_on(date(2026, 4, 2)) is None
    assert subscription.period_on(date(2027, 3, 2)) == at(365 * DAY)
    assert subscription.period_on(date(2028, 3, 2)) is None


def test_periods_start_when_the_trial_ends() -> None:
    subscription = contract(1, trial_until=at(14 * DAY))
    assert (subscription.on_trial(at(0)), subscription.on_trial(at(14 * DAY))) == (True, False)
    assert subscription.period_on(date(2026, 3, 2)) is None
    assert subscription.period_on(date(2026, 3, 16)) == at(14 * DAY)


def test_an_instant_belongs_to_the_trial_or_to_a_period() -> None:
    subscription = contract(1, trial_until=at(14 * DAY))
    assert subscription.period(at(3 * DAY)) == (at(0), at(14 * DAY))
    assert subscription.period(at(14 * DAY)) == (at(14 * DAY), at(45 * DAY - 60))  # an hour less: clocks go forward
    assert contract(1, yearly=True).period(at(400 * DAY)) == (at(365 * DAY), at(731 * DAY))


@pytest.mark.parametrize(
    ("discount", "first", "second"),
    [
        (None, 100, 150),
        (Discount(10, Decimal(0), lasting=True), 90, 135),
        (Discount(0, Decimal(5), lasting=True), 95, 145),
        (Discount(20, Decimal(0), lasting=False), 80, 150),
    ],
)
def test_the_amount_due_follows_the_items_and_the_discount(discount: Discount | None, first: int, second: int) -> None:
    subscription = contract(1, 0, (31 * DAY, 3), discount=discount)
    assert (subscription.due(at(0)), subscription.due(at(31 * DAY))) == (first, second)


def test_a_bill_is_drafted_finalized_and_paid() -> None:
    invoice = bill(1, 0, (90, False), (120, True))
    assert [invoice.status(at(minute)) for minute in (0, 60, 100, 120)] == ["draft", "open", "open", "paid"]
    assert [invoice.overdue(at(minute)) for minute in (80, 90, 120)] == [False, True, False]
    assert invoice.paid_at == at(120)


def test_a_bill_may_be_void_or_written_off_or_deleted_as_a_draft() -> None:
    assert bill(1, voided_at=at(99)).status(at(99)) == "void"
    assert bill(1, written_off_at=at(99)).status(at(99)) == "uncollectible"
    deleted = bill(1, finalized_at=None, deleted_at=at(30))
    assert [deleted.exists(at(minute)) for minute in (-1, 0, 29, 30)] == [False, True, True, False]
    assert deleted.status(at(29)) == "draft"


def test_refunds_belong_to_the_charge_that_succeeded() -> None:
    invoice = bill(1, 0, (90, False), (120, True), refunds=(Refund(at(200), Decimal(30)), Refund(at(300), Decimal(70))))
    refused, paid = invoice.charges()
    assert (refused.refunds, paid.refunded(at(199)), paid.refunded(at(200)), paid.refunded(at(300))) == ((), 0, 30, 100)
    assert refused.id != paid.id


def test_everything_that_happens_to_a_bill_or_a_contract_is_a_change() -> None:
    invoice = bill(1, attempts=(Attempt(at(60), at(99), succeeded=True),), refunds=(Refund(at(200), Decimal(30)),))
    assert {*invoice.change_times()} == {at(0), at(60), at(99), at(200)}
    subscription = contract(1, 0, (50, 3), trial_until=at(20), notice_at=at(70), ended_at=at(90))
    assert subscription.change_times() == (at(0), at(20), at(50), at(70), at(90))
