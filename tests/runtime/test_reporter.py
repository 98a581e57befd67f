"""Events of sync and sources as metrics and log lines."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from exporter import naming
from exporter.errors import Reason
from exporter.exposition.self_metrics import SelfMetrics
from exporter.naming import SourceState
from exporter.runtime.reporter import Reporter, adopt_config, drop_removed, initialise
from exporter.store.state import Outcome
from exporter.sync.observer import PassReport, Progress
from tests.evaluation.records import NOW, small_config
from tests.exposition.sample import sample_config


@pytest.fixture
def self_metrics() -> SelfMetrics:
    return SelfMetrics()


@pytest.fixture
def woken() -> list[bool]:
    return []


@pytest.fixture
def reporter(self_metrics: SelfMetrics, woken: list[bool]) -> Reporter:
    return Reporter(self_metrics, small_config(), lambda: woken.append(True))


def test_records_are_counted_by_result(reporter: Reporter, self_metrics: SelfMetrics) -> None:
    rejected = {Reason.BAD_TIME: 2, Reason.NOT_A_NUMBER: 1}
    report = PassReport("crm", "deals", True, success=True, new=5, updated=4, deleted=1, rejected=rejected)
    reporter.finished(report)
    reporter.finished(report)
    counted = {labels[2]: value for labels, value in self_metrics.snapshot()[naming.RECORDS].items()}
    assert counted == {"new": 10, "updated": 8, "unchanged": 0, "deleted": 2, "rejected": 6}
    assert self_metrics.value(naming.REJECTED, "crm", "deals", "bad_time") == 4


def test_a_source_is_up_when_the_last_pass_over_each_of_its_entities_succeeded(self_metrics: SelfMetrics) -> None:
    reporter = Reporter(self_metrics, sample_config(), lambda: None)
    reporter.finished(PassReport("crm", "deals", False, success=True))
    assert self_metrics.value(naming.SOURCE_UP, "crm") == 0
    reporter.finished(PassReport("crm", "people", False, success=True))
    assert self_metrics.value(naming.SOURCE_UP, "crm") == 1
    reporter.finished(PassReport("crm", "deals", True, paused=True))
    assert self_metrics.value(naming.SOURCE_UP, "crm") == 1
    reporter.finished(PassReport("crm", "deals", False, reason=Reason.CAPPED))
    assert self_metrics.value(naming.SOURCE_UP, "crm") == 0
    assert self_metrics.value(naming.CAPPED, "crm", "deals") == 1
    assert self_metrics.value(naming.ERRORS, "crm", "deals", "capped") == 1


def test_rows_are_named_when_they_are_first_rejected(reporter: Reporter, caplog: pytest.LogCaptureFixture) -> None:
    def finished(*examples: str, full: bool = False) -> None:
        counts = {Reason.BAD_TYPE: len(examples)} if examples else {}
        reporter.finished(PassReport("crm", "deals", full, success=True, rejected=counts, examples=examples))

    with caplog.at_level(logging.WARNING, "exporter"):
        finished("amount: bad_type at line 3")
        finished()  # nothing changed
        finished("amount: bad_type at line 3", full=True)
        finished("amount: bad_type at line 3", "amount: bad_type at line 4")
        finished(full=True)  # everything was right
        finished("amount: bad_type at line 3")
    one = "1 row was rejected: amount: bad_type at line 3"
    two = "2 rows were rejected: amount: bad_type at line 3; amount: bad_type at line 4"
    assert [record.getMessage() for record in caplog.records] == [one, two, one]


def test_a_published_pass_wakes_the_evaluator(reporter: Reporter, woken: list[bool]) -> None:
    reporter.progressed(Progress("crm", "deals", False, 1, 100, 0.5))
    assert woken == []
    reporter.published("crm", "deals")
    assert woken == [True]


def test_the_state_of_a_source_is_one_hot(reporter: Reporter, self_metrics: SelfMetrics) -> None:
    reporter.state_changed("crm", SourceState.BACKFILL)
    reporter.state_changed("crm", SourceState.RATE_LIMITED)
    states = {labels[1]: on for labels, on in self_metrics.snapshot()[naming.SOURCE_STATE].items()}
    assert set(states) == {state.value for state in SourceState}
    assert [state for state, on in states.items() if on] == ["rate_limited"]


def test_the_next_attempt_is_the_later_of_plan_and_permission(reporter: Reporter, self_metrics: SelfMetrics) -> None:
    reporter.scheduled("crm", "deals", NOW)
    reporter.next_attempt("crm", NOW + timedelta(minutes=5))
    assert self_metrics.value(naming.NEXT_ATTEMPT, "crm", "deals") == NOW.timestamp() + 300
    reporter.next_attempt("crm", NOW)
    reporter.next_attempt("unknown", NOW)
    assert self_metrics.value(naming.NEXT_ATTEMPT, "crm", "deals") == NOW.timestamp() + 300


def test_requests_clock_skew_and_store_errors_are_reported(reporter: Reporter, self_metrics: SelfMetrics) -> None:
    reporter.request("crm", "429")
    reporter.clock_skew("crm", 3.4)
    reporter.clock_jumped(7200)
    reporter.store_failed("stage", "error")
    reporter.store_rebuilt()
    assert self_metrics.value(naming.REQUESTS, "crm", "429") == 1
    assert self_metrics.value(naming.CLOCK_SKEW, "crm") == 3
    assert self_metrics.value(naming.CLOCK_JUMPS) == 1
    assert self_metrics.value(naming.STORE_ERRORS, "stage", "error") == 1
    assert self_metrics.value(naming.STORE_UP) == 0
    assert self_metrics.value(naming.STORE_REBUILDS) == 1


def test_every_source_and_kpi_has_series_from_the_start_until_it_leaves_the_config(self_metrics: SelfMetrics) -> None:
    initialise(self_metrics)
    adopt_config(self_metrics, sample_config(), NOW)
    assert self_metrics.value(naming.SOURCE_UP, "phones") == 0
    assert self_metrics.value(naming.SOURCE_STATE, "phones", "starting") == 1
    assert self_metrics.value(naming.KPI_UP, "win_rate") == 0
    self_metrics.set(naming.SOURCE_UP, 1, "crm")
    self_metrics.set(naming.KPI_UP, 1, "win_rate")
    self_metrics.set(naming.FAILURES, 2, "crm", "leads")
    adopt_config(self_metrics, sample_config(), NOW + timedelta(days=1))
    drop_removed(self_metrics, sample_config())
    assert self_metrics.value(naming.SOURCE_UP, "crm") == 1
    assert self_metrics.value(naming.KPI_UP, "win_rate") == 1
    assert self_metrics.value(naming.FAILURES, "crm", "leads") is None
    adopt_config(self_metrics, small_config(), NOW)
    drop_removed(self_metrics, small_config())
    assert self_metrics.value(naming.SOURCE_UP, "phones") is None
    assert self_metrics.value(naming.KPI_UP, "win_rate") is None
    assert self_metrics.value(naming.RELOAD_SUCCESS) == 1
    assert self_metrics.value(naming.RELOAD_TIME) == NOW.timestamp()


def test_a_failure_is_logged_once_until_its_reason_changes_or_it_ends(
    reporter: Reporter, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "exporter"):
        reporter.finished(PassReport("crm", "deals", True, success=True, records=7, seconds=1.25))
        for reason in (None, Reason.TIMEOUT, Reason.TIMEOUT, Reason.TLS, None, None):
            message = "no answer" if reason else ""
            report = PassReport("crm", "deals", False, success=reason is None, reason=reason, message=message)
            reporter.finished(report)
        reporter.finished(PassReport("crm", "deals", True, success=True, records=7, seconds=1.25))
    assert [record.getMessage() for record in caplog.records] == [
        "first full sync: 7 records in 1.2 s",
        "sync failed, timeout: no answer",
        "sync failed, tls: no answer",
        "sync recovered",
    ]
    assert vars(caplog.records[1])["entity"] == "deals"


def test_records_of_an_unknown_entity_are_counted_without_affecting_the_source(
    reporter: Reporter, self_metrics: SelfMetrics
) -> None:
    reporter.finished(PassReport("crm", "unknown", False, rejected={Reason.MISSING_FIELD: 2}))
    assert self_metrics.value(naming.RECORDS, "crm", "unknown", "rejected") == 2
    assert self_metrics.value(naming.REJECTED, "crm", "unknown", "missing_field") == 2
    assert self_metrics.value(naming.SOURCE_UP, "crm") is None
    assert self_metrics.value(naming.CAPPED, "crm", "unknown") is None


def test_outcomes_of_the_previous_process_count_until_the_next_pass(self_metrics: SelfMetrics) -> None:
    reporter = Reporter(self_metrics, sample_config(), lambda: None)
    succeeded = Outcome("crm", "deals", last_success=NOW)
    reporter.restore_outcomes([succeeded])
    assert self_metrics.value(naming.SOURCE_UP, "crm") == 0
    reporter.restore_outcomes([succeeded, Outcome("crm", "people", last_success=NOW)])
    assert self_metrics.value(naming.SOURCE_UP, "crm") == 1
    reporter.restore_outcomes([Outcome("crm", "people", last_success=NOW, failures=1)])
    assert self_metrics.value(naming.SOURCE_UP, "crm") == 0
