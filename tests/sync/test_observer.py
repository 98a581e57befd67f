"""What is told about a pass."""

from __future__ import annotations

from exporter.errors import Reason
from exporter.naming import SourceState
from exporter.sync.observer import NullObserver, Observer, PassReport, Progress
from tests.sync.fakes import NOON


def test_progress_knows_its_rate_and_what_is_left() -> None:
    progress = Progress("crm", "deals", full=True, pages=2, records=200, seconds=4.0, total=1000)
    assert progress.rate == 50
    assert progress.remaining == 16


def test_without_a_total_or_a_beginning_nothing_is_promised() -> None:
    assert Progress("crm", "deals", True, 2, 200, 4.0).remaining is None
    begun = Progress("crm", "deals", True, 0, 0, 0.0, total=10)
    assert (begun.rate, begun.remaining) == (0, None)
    assert Progress("crm", "deals", True, 2, 200, 4.0, total=100).remaining == 0, "vendors' totals may lie"


def test_a_report_adds_up() -> None:
    report = PassReport("crm", "deals", True, rejected={Reason.BAD_TIME: 2, Reason.BAD_TYPE: 3})
    assert report.rejected_total == 5
    assert not report.changed
    assert PassReport("crm", "deals", True, deleted=1).changed


def test_silence_takes_everything() -> None:
    silence: Observer = NullObserver()
    silence.progressed(Progress("crm", "deals", True, 0, 0, 0.0))
    silence.finished(PassReport("crm", "deals", True))
    silence.published("crm", "deals")
    silence.scheduled("crm", "deals", NOON)
    silence.state_changed("crm", SourceState.OK)
    silence.store_failed("stage", "error")
    silence.store_rebuilt()
    silence.clock_jumped(90.0)
