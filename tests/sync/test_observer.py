"""Progress, reports and the base observer."""

from __future__ import annotations

from exporter.errors import Reason
from exporter.naming import SourceState
from exporter.sync.observer import Observer, PassReport, Progress
from tests.sync.fakes import NOON


def test_progress_has_a_rate_and_the_remaining_seconds() -> None:
    progress = Progress("crm", "deals", full=True, pages=2, records=200, seconds=4.0, total=1000)
    assert progress.rate == 50
    assert progress.remaining == 16


def test_the_remaining_seconds_are_unknown_without_a_total_or_a_rate() -> None:
    assert Progress("crm", "deals", True, 2, 200, 4.0).remaining is None
    started = Progress("crm", "deals", True, 0, 0, 0.0, total=10)
    assert (started.rate, started.remaining) == (0, None)
    assert Progress("crm", "deals", True, 2, 200, 4.0, total=100).remaining == 0, "the vendor's total may be wrong"


def test_a_report_counts_rejected_records() -> None:
    report = PassReport("crm", "deals", True, rejected={Reason.BAD_TIME: 2, Reason.BAD_TYPE: 3})
    assert report.rejected_total == 5


def test_the_base_observer_ignores_every_event() -> None:
    observer = Observer()
    observer.progressed(Progress("crm", "deals", True, 0, 0, 0.0))
    observer.finished(PassReport("crm", "deals", True))
    observer.published("crm", "deals")
    observer.scheduled("crm", "deals", NOON)
    observer.state_changed("crm", SourceState.OK)
    observer.store_failed("stage", "error")
    observer.store_rebuilt()
    observer.clock_jumped(90.0)
