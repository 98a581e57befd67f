"""The company's books depend only on its seed and the instant, and contain every irregularity of billing."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from exporter.demo.company.company import DemoCompany
from tests.vendors.stripe.books import Books

LAST = datetime(2026, 3, 13, 14, 0, tzinfo=UTC)
NOW = int(LAST.timestamp())


@pytest.fixture(scope="module")
def books() -> Books:
    """Half a year up to LAST."""
    found = Books(DemoCompany(7, date(2025, 9, 1)))
    found.advance(NOW)
    return found


def test_a_later_start_or_several_steps_lead_to_the_same_books(books: Books) -> None:
    later = Books(DemoCompany(7, date(2026, 2, 1)))
    for day in (date(2026, 2, 3), LAST.date()):
        later.advance(int(datetime(day.year, day.month, day.day, 14, tzinfo=UTC).timestamp()))
    known = {bill.id: bill for bill in books.bills.records}
    assert later.contracts.records == books.contracts.records
    assert all(known[bill.id] == bill for bill in later.bills.records)
    assert later.bills.records[-1].id == books.bills.records[-1].id
    assert later.charges[-1] in books.charges


def test_another_seed_has_other_books(books: Books) -> None:
    other = Books(DemoCompany(8, date(2026, 3, 12)))
    other.advance(NOW)
    assert other.contracts.records[0] != books.contracts.records[0]


def test_time_never_goes_back_and_advancing_twice_adds_nothing(books: Books) -> None:
    before = len(books.contracts.records), len(books.bills.records), len(books.charges)
    books.advance(NOW)
    books.advance(NOW - 40 * 86_400)
    assert (len(books.contracts.records), len(books.bills.records), len(books.charges)) == before


def test_ids_and_charges_are_in_order_of_time(books: Books) -> None:
    starts = [one.created_at for one in books.contracts.records]
    drafted = [one.created_at for one in books.bills.records]
    tried = [one.attempt.at for one in books.charges]
    assert (starts, drafted, tried) == (sorted(starts), sorted(drafted), sorted(tried))
    assert len({one.id for one in books.charges}) == len(books.charges)


def test_contracts_have_every_form(books: Books) -> None:
    running = [one for one in books.contracts.records if one.exists(NOW) and not one.over(NOW)]
    assert {one.currency for one in running} == {"CHF", "EUR", "JPY"}
    assert {one.yearly for one in running} == {one.on_account for one in running} == {True, False}
    assert {one.lines(NOW)[0].plan for one in running} == {"Starter", "Team", "Business", "Enterprise"}
    assert any(one.on_trial(NOW) for one in running)
    assert any(len(one.lines(NOW)) > 10 for one in running)
    assert any(one.discount and one.discount.amount for one in running)
    grown = [one.terms[-1].lines[0].quantity - one.terms[0].lines[0].quantity for one in running]
    assert min(grown) < 0 < max(grown)
    assert any(one.over(NOW) for one in books.contracts.records)


def test_bills_have_every_final_status(books: Books) -> None:
    states = Counter(one.status(NOW) for one in books.bills.records if one.exists(NOW))
    assert states.keys() == {"draft", "open", "paid", "void", "uncollectible"}
    assert states["paid"] > 0.8 * states.total()
    assert any(one.deleted_at and one.deleted_at <= NOW for one in books.bills.records)
    assert {one.reason for one in books.bills.records} == {"subscription_create", "subscription_cycle", "manual"}


def test_payments_fail_take_days_or_are_refunded_partly_or_fully(books: Books) -> None:
    assert any(not one.attempt.succeeded for one in books.charges)
    assert any(one.attempt.settled_at > one.attempt.at for one in books.charges)
    shares = {one.refunded(NOW) / one.amount for one in books.charges if one.refunded(NOW)}
    assert max(shares) == 1
    assert min(shares) < 1
    assert any(books.overdue(one, NOW) for one in books.contracts.records)


def test_each_period_of_a_contract_has_one_bill(books: Books) -> None:
    periods = Counter((one.contract, one.created_at) for one in books.bills.records if one.reason != "manual")
    assert set(periods.values()) == {1}
    held = next(one for one in books.contracts.records if not one.yearly and one.ended_at and one.ended_at < NOW)
    last = max((at for key, at in periods if key == held.id), default=0)
    assert last < (held.ended_at or 0)
