"""What is read next, when, and whether in full."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

from exporter.errors import Reason
from exporter.store.state import Outcome
from exporter.sync.observer import PassReport
from exporter.sync.pacing import Pacing
from exporter.sync.schedule import Job, Schedule
from tests.sync.fakes import NOON, FakeSource

KNOWN = Outcome("crm", "deals", cursor="c", last_success=NOON, last_full=NOON, watermark=NOON)
DONE = PassReport("crm", "deals", full=False, success=True)
FULL = replace(DONE, full=True)
MINUTE = timedelta(minutes=1)


def timetable(*known: Outcome, wall=NOON, entities=("deals",), **fingerprints: str) -> Schedule:
    job = Job(FakeSource("crm", entities), MINUTE, timedelta(hours=1), fingerprints)
    made = Schedule(job, Pacing(), random.Random(1))
    made.start({outcome.entity: outcome for outcome in known}, 100.0, wall)
    return made


def test_what_was_never_read_is_due_within_a_second_and_in_full() -> None:
    plan = timetable(entities=("deals", "calls"))
    assert plan.due(101.0) == ["deals", "calls"]
    assert plan.wants_full("deals", 101.0, NOON)
    assert plan.pause_after("deals") is None


def test_a_restart_keeps_the_interval() -> None:
    assert 30 <= timetable(KNOWN, wall=NOON + 30 * timedelta(seconds=1)).wait(100.0) <= 31
    assert timetable(KNOWN, wall=NOON + 5 * MINUTE).wait(100.0) <= 1
    assert timetable(KNOWN, wall=NOON - MINUTE).wait(100.0) <= 1, "the clock was set back: better read than wait"


def test_other_options_are_a_reason_to_read_at_once() -> None:
    assert timetable(KNOWN, deals="other").wait(100.0) <= 1
    assert timetable(replace(KNOWN, fingerprint="same"), deals="same").wait(100.0) > 59


def test_a_failure_before_the_restart_is_tried_again_at_once() -> None:
    assert timetable(replace(KNOWN, failures=3, reason=Reason.CONNECT)).wait(100.0) <= 1


def test_the_vendor_s_wait_outlives_a_restart() -> None:
    limited = replace(KNOWN, failures=1, reason=Reason.RATE_LIMITED, retry_at=NOON + timedelta(hours=2))
    assert 7200 <= timetable(limited).wait(100.0) <= 7201
    assert timetable(limited, wall=NOON + timedelta(hours=3)).wait(100.0) <= 1


def test_a_full_pass_is_due_at_the_reconcile_interval() -> None:
    plan = timetable(KNOWN)
    assert not plan.wants_full("deals", 100.0, NOON + timedelta(minutes=59))
    assert plan.wants_full("deals", 100.0, NOON + timedelta(minutes=60))
    assert plan.wants_full("deals", 100.0, NOON - MINUTE), "the last one lies in the future: the clock was wrong"


def test_a_full_pass_and_changes_take_turns() -> None:
    plan = timetable(KNOWN)
    late = NOON + timedelta(hours=2)
    paused = replace(FULL, success=False, paused=True)
    assert plan.pause_after("deals") == 60
    assert plan.wants_full("deals", 200.0, late)
    assert plan.note(paused, 200.0) == 0
    assert not plan.wants_full("deals", 200.0, late)
    assert plan.note(DONE, 210.0) == 0
    assert plan.wants_full("deals", 210.0, late)
    plan.note(paused, 300.0)
    failed = replace(DONE, success=False, reason=Reason.SERVER_ERROR)
    assert plan.note(failed, 310.0) > 0
    assert not plan.wants_full("deals", 310.0, late), "changes come first"
    plan.note(DONE, 320.0)
    assert plan.note(FULL, 400.0) >= 60
    plan.learn({"deals": replace(KNOWN, last_full=late)})
    assert not plan.wants_full("deals", 500.0, late)


def test_a_full_pass_that_fails_for_good_waits_while_changes_go_on() -> None:
    plan = timetable(KNOWN)
    late = NOON + timedelta(hours=2)
    plan.note(replace(FULL, success=False, reason=Reason.CAPPED), 200.0)
    assert not plan.wants_full("deals", 260.0, late)
    assert plan.wants_full("deals", 3800.0, late)


def test_a_full_pass_that_was_hindered_goes_on() -> None:
    plan = timetable(KNOWN)
    plan.note(replace(FULL, success=False, reason=Reason.RATE_LIMITED, retry_after=10.0), 200.0)
    assert plan.wants_full("deals", 211.0, NOON + timedelta(hours=2))


def test_a_source_that_fails_as_a_whole_is_put_off_as_a_whole() -> None:
    plan = timetable(KNOWN, replace(KNOWN, entity="calls"), entities=("deals", "calls"))
    wait = plan.note(replace(DONE, success=False, reason=Reason.RATE_LIMITED, retry_after=900.0), 100.0)
    plan.put_off("deals")
    assert plan.wait(100.0) == wait >= 900


def test_an_emptied_store_is_read_anew() -> None:
    plan = timetable(KNOWN)
    plan.reset(150.0)
    assert plan.due(150.0) == ["deals"]
    assert plan.wants_full("deals", 150.0, NOON)


def test_entities_that_left_the_config_are_not_learned() -> None:
    plan = timetable(KNOWN)
    plan.learn({"calls": replace(KNOWN, entity="calls")})
    assert plan.due(1e9) == ["deals"]
