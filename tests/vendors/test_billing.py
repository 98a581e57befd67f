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
    half_year = Books(DemoCompany(7, date(2025, 9, 1)))
    half_year.advance(NOW)
    return half_year


def test_a_later_start_or_several_steps_lead_to_the_same_books(books: Books) -> None:
    later = Books(DemoCompany(7, date(2026, 2, 1)))
    for day in (date(2026, 2, 3), LAST.date()):
        later.advance(int(datetime(day.year, day.month, day.day, 14, tzinfo=UTC).timestamp()))
    bills_by_id = {bill.id: bill for bill in books.bills.records}
    assert later.contracts.records == books.contracts.records
    assert all(bills_by_id[bill.id] == bill for bill in later.bills.records)
    assert later.bills.records[-1].id == books.bills.records[-1].id
    assert later.charges[-1] in books.charges


def test_another_seed_has_other_books(books: Books) -> None:
    other_books = Books(DemoCompany(8, date(2026, 3, 12)))
    other_books.advance(NOW)
    assert other_books.contracts.records[0] != books.contracts.records[0]


def test_advancing_twice_or_to_an_earlier_instant_adds_nothing(books: Books) -> None:
    before = len(books.contracts.records), len(books.bills.records), len(books.charges)
    books.advance(NOW)
    books.advance(NOW - 40 * 86_400)
    assert (len(books.contracts.records), len(books.bills.records), len(books.charges)) == before


def test_ids_and_charges_are_in_order_of_time(books: Books) -> None:
    starts = [item.created_at for item in books.contracts.records]
    drafted = [item.created_at for item in books.bills.records]
    tried = [item.attempt.at for item in books.charges]
    assert (starts, drafted, tried) == (sorted(starts), sorted(drafted), sorted(tried))
    assert len({item.id for item in books.charges}) == len(books.charges)


def test_contracts_have_every_form(books: Books) -> None:
    running = [item for item in books.contracts.records if item.exists(NOW) and not item.over(NOW)]
    assert {item.currency for item in running} == {"CHF", "EUR", "JPY"}
    assert {item.yearly for item in running} == {item.on_account for item in running} == {True, False}
    assert {item.lines(NOW)[0].plan for item in running} == {"Starter", "Team", "Business", "Enterprise"}
    assert any(item.on_trial(NOW) for item in running)
    assert any(len(item.lines(NOW)) > 10 for item in running)
    assert any(item.discount and item.discount.amount for item in running)
    growth = [item.terms[-1].lines[0].quantity - item.terms[0].lines[0].quantity for item in running]
    assert min(growth) < 0 < max(growth)
    assert any(item.over(NOW) for item in books.contracts.records)


def test_bills_have_every_final_status(books: Books) -> None:
    states = Counter(item.status(NOW) for item in books.bills.records if item.exists(NOW))
    assert states.keys() == {"draft", "open", "paid", "void", "uncollectible"}
    assert states["paid"] > 0.8 * states.total()
    assert any(item.deleted_at and item.deleted_at <= NOW for item in books.bills.records)
    assert {item.reason for item in books.bills.records} == {"subscription_create", "subscription_cycle", "manual"}


def test_payments_fail_take_days_or_are_refunded_partly_or_fully(books: Books) -> None:
    assert any(not item.attempt.succeeded for item in books.charges)
    assert any(item.attempt.settled_at > item.attempt.at for item in books.charges)
    shares = {item.refunded(NOW) / item.amount for item in books.charges if item.refunded(NOW)}
    assert max(shares) == 1
    assert min(shares) < 1
    assert any(books.overdue(item, NOW) for item in books.contracts.records)


def test_each_period_of_a_contract_has_one_bill(books: Books) -> None:
    periods = Counter((item.contract, item.created_at) for item in books.bills.records if item.reason != "manual")
    assert set(periods.values()) == {1}
    contract = next(
        item for item in books.contracts.records if not item.yearly and item.ended_at and item.ended_at < NOW
    )
    last = max((at for key, at in periods if key == contract.id), default=0)
    assert last < (contract.ended_at or 0)
