"""Schedules: which entity is read next, when, and whether in full."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from exporter.errors import Reason
from exporter.store.state import Outcome
from exporter.sync.observer import PassReport
from exporter.sync.schedule import Job, Schedule, next_wait
from tests.sync.fakes import NOON, FakeSource

KNOWN = Outcome("crm", "deals", cursor="c", last_success=NOON, last_full=NOON, watermark=NOON)
DONE = PassReport("crm", "deals", full=False, success=True)
FULL = replace(DONE, full=True)
MINUTE = timedelta(minutes=1)


def source_schedule(*known: Outcome, wall=NOON, entities=("deals",), **fingerprints: str) -> Schedule:
    job = Job(FakeSource("crm", entities), MINUTE, timedelta(hours=1), fingerprints)
    made = Schedule(job, random.Random(1))
    made.start({outcome.entity: outcome for outcome in known}, 100.0, wall)
    return made


def test_a_new_entity_is_due_within_a_second_in_full() -> None:
    schedule = source_schedule(entities=("deals", "calls"))
    assert schedule.due(101.0) == ["deals", "calls"]
    assert schedule.wants_full("deals", 101.0, NOON)
    assert schedule.pause_after("deals") is None


def test_a_restart_keeps_the_interval() -> None:
    assert 30 <= source_schedule(KNOWN, wall=NOON + 30 * timedelta(seconds=1)).wait(100.0) <= 31
    assert source_schedule(KNOWN, wall=NOON + 5 * MINUTE).wait(100.0) <= 1
    assert source_schedule(KNOWN, wall=NOON - MINUTE).wait(100.0) <= 1, (
        "the clock was set back, so the entity is read at once"
    )


def test_changed_options_make_an_entity_due_at_once() -> None:
    assert source_schedule(KNOWN, deals="other").wait(100.0) <= 1
    assert source_schedule(replace(KNOWN, fingerprint="same"), deals="same").wait(100.0) > 59


def test_a_failed_entity_is_due_at_once_after_a_restart() -> None:
    assert source_schedule(replace(KNOWN, failures=3, reason=Reason.CONNECT)).wait(100.0) <= 1


def test_the_vendor_s_wait_survives_a_restart() -> None:
    limited = replace(KNOWN, failures=1, reason=Reason.RATE_LIMITED, retry_at=NOON + timedelta(hours=2))
    assert 7200 <= source_schedule(limited).wait(100.0) <= 7201
    assert source_schedule(limited, wall=NOON + timedelta(hours=3)).wait(100.0) <= 1


def test_a_full_pass_is_due_at_the_reconcile_interval() -> None:
    schedule = source_schedule(KNOWN)
    assert not schedule.wants_full("deals", 100.0, NOON + timedelta(minutes=59))
    assert schedule.wants_full("deals", 100.0, NOON + timedelta(minutes=60))
    assert schedule.wants_full("deals", 100.0, NOON - MINUTE), "the last one lies in the future: the clock was wrong"


def test_a_full_pass_alternates_with_changes() -> None:
    schedule = source_schedule(KNOWN)
    late = NOON + timedelta(hours=2)
    paused = replace(FULL, success=False, paused=True)
    assert schedule.pause_after("deals") == 60
    assert schedule.wants_full("deals", 200.0, late)
    assert schedule.record(paused, 200.0) == 0
    assert not schedule.wants_full("deals", 200.0, late)
    assert schedule.record(DONE, 210.0) == 0
    assert schedule.wants_full("deals", 210.0, late)
    schedule.record(paused, 300.0)
    failed = replace(DONE, success=False, reason=Reason.SERVER_ERROR)
    assert schedule.record(failed, 310.0) > 0
    assert not schedule.wants_full("deals", 310.0, late), "changes come first"
    schedule.record(DONE, 320.0)
    assert schedule.record(FULL, 400.0) >= 60
    schedule.update({"deals": replace(KNOWN, last_full=late)})
    assert not schedule.wants_full("deals", 500.0, late)


def test_a_failing_full_pass_waits_while_changes_continue() -> None:
    schedule = source_schedule(KNOWN)
    late = NOON + timedelta(hours=2)
    schedule.record(replace(FULL, success=False, reason=Reason.CAPPED), 200.0)
    assert not schedule.wants_full("deals", 260.0, late)
    assert schedule.wants_full("deals", 3800.0, late)


def test_a_rate_limited_full_pass_resumes() -> None:
    schedule = source_schedule(KNOWN)
    schedule.record(replace(FULL, success=False, reason=Reason.RATE_LIMITED, retry_after=10.0), 200.0)
    assert schedule.wants_full("deals", 211.0, NOON + timedelta(hours=2))


def test_a_source_that_fails_as_a_whole_is_postponed_as_a_whole() -> None:
    schedule = source_schedule(KNOWN, replace(KNOWN, entity="calls"), entities=("deals", "calls"))
    wait = schedule.record(replace(DONE, success=False, reason=Reason.RATE_LIMITED, retry_after=900.0), 100.0)
    schedule.postpone("deals")
    assert schedule.wait(100.0) == wait >= 900


def test_a_reset_makes_every_entity_due_in_full() -> None:
    schedule = source_schedule(KNOWN)
    schedule.reset(150.0)
    assert schedule.due(150.0) == ["deals"]
    assert schedule.wants_full("deals", 150.0, NOON)


def test_entities_outside_of_the_config_are_ignored() -> None:
    schedule = source_schedule(KNOWN)
    schedule.update({"calls": replace(KNOWN, entity="calls")})
    assert schedule.due(1e9) == ["deals"]


def waits(report: PassReport, failures: int, interval: float = 60.0) -> tuple[float, float]:
    """The shortest and the longest of many waits."""
    seconds = [next_wait(report, failures, interval, random.Random(seed)) for seed in range(200)]
    return min(seconds), max(seconds)


def failed(reason: Reason | None = None, retry_after: float | None = None) -> PassReport:
    return PassReport("crm", "deals", full=False, success=reason is None, reason=reason, retry_after=retry_after)


@pytest.mark.parametrize("interval", [1.0, 60.0, 86400.0])
def test_after_a_success_the_interval_passes(interval: float) -> None:
    shortest, longest = waits(failed(), 0, interval)
    assert interval <= shortest < longest <= interval * 1.05


@pytest.mark.parametrize(("failures", "most"), [(1, 2), (2, 4), (3, 8), (4, 16)])
@pytest.mark.parametrize("reason", [Reason.CONNECT, Reason.TIMEOUT, Reason.SERVER_ERROR, Reason.INTERNAL])
def test_transient_failures_are_retried_soon_with_jitter(reason: Reason, failures: int, most: float) -> None:
    shortest, longest = waits(failed(reason), failures)
    assert 0 <= shortest < most * 0.1
    assert most * 0.9 < longest <= most


def test_a_retry_is_never_later_than_the_interval() -> None:
    assert waits(failed(Reason.DNS), 4, interval=5.0)[1] <= 5.0


@pytest.mark.parametrize("failures", [5, 6, 1000])
def test_after_five_failures_there_is_one_probe_per_interval(failures: int) -> None:
    shortest, longest = waits(failed(Reason.CONNECT), failures)
    assert 60 <= shortest < longest <= 63


@pytest.mark.parametrize("reason", [Reason.SCHEMA, Reason.CAPPED, Reason.NOT_FOUND, Reason.TOO_MANY_REJECTED])
def test_permanent_failures_wait_for_the_next_interval(reason: Reason) -> None:
    assert waits(failed(reason), 1)[0] >= 60


@pytest.mark.parametrize(("failures", "expected"), [(1, 300), (2, 600), (4, 2400), (5, 3600), (5000, 3600)])
@pytest.mark.parametrize("reason", [Reason.UNAUTHORIZED, Reason.FORBIDDEN])
def test_refused_credentials_are_probed_with_growing_waits(reason: Reason, failures: int, expected: float) -> None:
    assert waits(failed(reason), failures) == (expected, expected)
    assert waits(failed(reason), failures, interval=7200.0) == (7200, 7200)


def test_the_vendor_s_wait_is_honoured_in_full() -> None:
    shortest, longest = waits(failed(Reason.RATE_LIMITED, retry_after=1800.0), 3)
    assert 1800 <= shortest <= longest <= 1801
