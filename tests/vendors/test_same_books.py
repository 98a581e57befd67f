"""KPIs and metrics read through the fake Stripe equal those computed from the company's books."""

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
from tests.vendors import csv_books
from tests.vendors.roster import ADDITIONS, ENTRIES
from tests.vendors.stripe import books as books_module
from tests.vendors.stripe.books import Books
from tests.vendors.vendor_runs import CONFIG, ONE_MONTH, Clock, VendorRun, run_with_config, running_demo

FIRST = datetime(2026, 9, 22, 12, 0, tzinfo=UTC)
LATER = FIRST + timedelta(hours=27)
MONTH, QUARTER = (
    datetime(2026, month, 1, tzinfo=ZoneInfo("Europe/Zurich")).timestamp() for month in (9, 7)
)  # the fiscal year begins in July
NOW = int(LATER.timestamp())
RATES = {"CHF": Decimal(1), "EUR": Decimal("0.93"), "JPY": Decimal("0.0053")}

Results = Mapping[tuple[object, ...], tuple[float | None, Status | None]]


class StoppedClock(Clock):
    """A clock that does not advance."""

    def __call__(self) -> datetime:
        return self._start


def config(sources: str) -> str:
    """The demo's config with these sources and only the metrics and KPIs of billing."""
    company = CONFIG.read_text(encoding="utf-8").split("\nsources:\n")[0]
    return f"{company}\nsources:\n{sources}\n{(ADDITIONS / 'stripe.yaml').read_text(encoding='utf-8')}"


@pytest.fixture(scope="module")
def books() -> Iterator[Books]:
    """The books of the simulated company, separate from those of the fake Stripe."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(books_module, "WARM_UP", timedelta(days=10))
        independent_books = Books(DemoCompany(ONE_MONTH.seed, first_day(FIRST, ONE_MONTH.months)))
        independent_books.advance(NOW)
        yield independent_books


@pytest.fixture(scope="module")
def through_stripe(books: Books, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The results after a full sync the day before, and a sync of the events since."""
    entry = (ENTRIES / "stripe.yaml").read_text(encoding="utf-8")
    with running_demo(StoppedClock()) as (demo, clock):
        run = run_with_config(config(entry), demo, clock, tmp_path_factory.mktemp("stripe"))
        clock.set(FIRST)
        assert run.sync().success
        return sync_and_evaluate(run)


def sync_and_evaluate(run: VendorRun) -> Results:
    """Syncs at the later instant; returns values and statuses of all KPIs and values of all metrics."""
    run.clock.set(LATER)
    summary = run.sync()
    assert all(report.success and not report.rejected for report in summary.passes), summary
    evaluation = run.at(LATER)
    run.store.close()
    return results_by_key(evaluation)


def results_by_key(evaluation: Evaluation) -> Results:
    values: dict[tuple[object, ...], tuple[float | None, Status | None]] = {
        (kpi.kpi, kpi.scope): (kpi.value, kpi.status) for kpi in evaluation.kpis
    }
    for item in evaluation.metrics:
        values[item.metric, item.scope, item.period, item.labels] = (item.value, None)
    return values


def test_results_through_stripe_equal_those_from_csv_files(
    books: Books, through_stripe: Results, tmp_path: Path
) -> None:
    csv_books.write(books, NOW, tmp_path)
    with running_demo(StoppedClock()) as (demo, clock):
        from_files = sync_and_evaluate(run_with_config(config(csv_books.SOURCES), demo, clock, tmp_path))
    assert from_files.keys() == through_stripe.keys()
    for key, (value, status) in from_files.items():
        actual, actual_status = through_stripe[key]
        assert actual == pytest.approx(value, rel=1e-9), key
        assert actual_status == status, key


def test_recurring_revenue_is_the_sum_of_the_monthly_amounts_of_running_contracts(
    books: Books, through_stripe: Results
) -> None:
    running = [item for item in books.contracts.records if item.exists(NOW) and not item.over(NOW)]
    expected = sum((csv_books.monthly(item, NOW) * RATES[item.currency] for item in running), Decimal(0))
    value, status = through_stripe["monthly_recurring_revenue", Scope.COMPANY]
    assert value == pytest.approx(float(expected), rel=1e-6)
    assert status is not Status.NO_DATA
    assert expected > 100_000


def test_the_refund_rate_is_the_refunded_share_of_the_months_payments(books: Books, through_stripe: Results) -> None:
    paid = [
        item
        for item in books.charges
        if MONTH <= item.attempt.at <= NOW >= item.attempt.settled_at and item.attempt.succeeded
    ]
    received = sum(item.amount * RATES[item.currency] for item in paid)
    refunded = sum(item.refunded(NOW) * RATES[item.currency] for item in paid)
    value, _ = through_stripe["refund_rate", Scope.COMPANY]
    assert value == pytest.approx(float(refunded / received), rel=1e-6)
    assert refunded


def test_invoices_are_counted_when_they_fall_due(books: Books, through_stripe: Results) -> None:
    due = [item for item in books.bills.records if item.due_at and QUARTER <= item.due_at <= NOW]
    states = [item.status(NOW) for item in due]
    value, _ = through_stripe["invoices_paid", Scope.COMPANY]
    assert value == pytest.approx(states.count("paid") / (len(states) - states.count("void")))
    assert states.count("open")
