"""Metrics read through the fake Stripe equal those of the books."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from exporter.config.fields import Scope, Status
from exporter.demo.company.company import DemoCompany, first_day
from exporter.kpi.values import Evaluation
from tests.vendors import books_kept
from tests.vendors.roster import ADDITIONS, ENTRIES
from tests.vendors.stripe import books as keeping
from tests.vendors.stripe.books import Books
from tests.vendors.vendor_runs import CONFIG, ONE_MONTH, Clock, Reading, reading, served

FIRST = datetime(2026, 9, 22, 12, 0, tzinfo=UTC)
LATER = FIRST + timedelta(hours=27)
MONTH, QUARTER = (
    datetime(2026, month, 1, tzinfo=ZoneInfo("Europe/Zurich")).timestamp() for month in (9, 7)
)  # the fiscal year begins in July
NOW = int(LATER.timestamp())
RATES = {"CHF": Decimal(1), "EUR": Decimal("0.93"), "JPY": Decimal("0.0053")}

Measured = Mapping[tuple[object, ...], tuple[float | None, Status | None]]


class Still(Clock):
    """Stands where it was set."""

    def __call__(self) -> datetime:
        return self._from


def config(sources: str) -> str:
    """The demo's company, with its books alone."""
    company = CONFIG.read_text(encoding="utf-8").split("\nsources:\n")[0]
    return f"{company}\nsources:\n{sources}\n{(ADDITIONS / 'stripe.yaml').read_text(encoding='utf-8')}"


@pytest.fixture(scope="module")
def books() -> Iterator[Books]:
    """The books of the company that is served, kept apart from those that Stripe's shape keeps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "WARM_UP", timedelta(days=10))
        found = Books(DemoCompany(ONE_MONTH.seed, first_day(FIRST, ONE_MONTH.months)))
        found.advance(NOW)
        yield found


@pytest.fixture(scope="module")
def through_stripe(books: Books, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """After a first pass the day before, and one over what events told since."""
    entry = (ENTRIES / "stripe.yaml").read_text(encoding="utf-8")
    with served(Still()) as (running, clock):
        found = reading(config(entry), running, clock, tmp_path_factory.mktemp("stripe"))
        clock.set(FIRST)
        assert found.sync().success
        return read(found)


def read(found: Reading) -> Measured:
    """Values and statuses of all KPIs, and values of all metrics, by what they are of, at the later instant."""
    found.clock.set(LATER)
    summary = found.sync()
    assert all(report.success and not report.rejected for report in summary.passes), summary
    evaluation = found.at(LATER)
    found.store.close()
    return measured(evaluation)


def measured(evaluation: Evaluation) -> Measured:
    values: dict[tuple[object, ...], tuple[float | None, Status | None]] = {
        (kpi.kpi, kpi.scope): (kpi.value, kpi.status) for kpi in evaluation.kpis
    }
    for item in evaluation.metrics:
        values[item.metric, item.scope, item.period, item.labels] = (item.value, None)
    return values


def test_results_through_stripe_equal_those_from_csv_files(
    books: Books, through_stripe: Measured, tmp_path: Path
) -> None:
    books_kept.write(books, NOW, tmp_path)
    with served(Still()) as (running, clock):
        from_files = read(reading(config(books_kept.SOURCES), running, clock, tmp_path))
    assert from_files.keys() == through_stripe.keys()
    for key, (value, status) in from_files.items():
        actual, digits = through_stripe[key]
        assert actual == pytest.approx(value, rel=1e-9), key
        assert digits == status, key


def test_recurring_revenue_is_the_sum_of_what_the_contracts_are_worth(books: Books, through_stripe: Measured) -> None:
    running = [item for item in books.contracts.records if item.exists(NOW) and not item.over(NOW)]
    worth = sum((books_kept.monthly(item, NOW) * RATES[item.currency] for item in running), Decimal(0))
    value, status = through_stripe["monthly_recurring_revenue", Scope.COMPANY]
    assert value == pytest.approx(float(worth), rel=1e-6)
    assert status is not Status.NO_DATA
    assert worth > 100_000


def test_refunds_are_the_share_of_the_months_payments_that_went_back(books: Books, through_stripe: Measured) -> None:
    paid = [
        item
        for item in books.charges
        if MONTH <= item.attempt.at <= NOW >= item.attempt.settled_at and item.attempt.succeeded
    ]
    came_in = sum(item.amount * RATES[item.currency] for item in paid)
    went_back = sum(item.refunded(NOW) * RATES[item.currency] for item in paid)
    value, _ = through_stripe["refund_rate", Scope.COMPANY]
    assert value == pytest.approx(float(went_back / came_in), rel=1e-6)
    assert went_back


def test_invoices_are_counted_when_they_fall_due(books: Books, through_stripe: Measured) -> None:
    due = [item for item in books.bills.records if item.due_at and QUARTER <= item.due_at <= NOW]
    states = [item.status(NOW) for item in due]
    value, _ = through_stripe["invoices_paid", Scope.COMPANY]
    assert value == pytest.approx(states.count("paid") / (len(states) - states.count("void")))
    assert states.count("open")
