"""Waits that vendors asked for: they survive jumps of the clock, and are never longer than asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from exporter.errors import Reason
from exporter.store import clock_record
from exporter.store.clock_record import ClockRecord
from exporter.store.state import Outcome
from exporter.store.store import CLOCK_FILE, Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def held(store: Store, wait: timedelta = HOUR, at: timedelta = timedelta(0)) -> None:
    store.fail("crm", "deals", Reason.RATE_LIMITED, NOON + at, retry_at=NOON + at + wait)


def seconds(store: Store, after: timedelta) -> float:
    (outcome,) = store.outcomes()
    return outcome.wait(NOON + after)


def moved(
    store: Store, wall: timedelta, monkeypatch: pytest.MonkeyPatch, boot: str = "b", passed: float = 0.0
) -> float:
    """The store learns what the wall clock says when `passed` seconds have passed on this boot of the machine."""
    now = NOON + wall
    record = ClockRecord(boot, now.timestamp() - passed)
    monkeypatch.setattr(clock_record.ClockRecord, "at", lambda _: record)
    return store.adopt_clock(now)


def test_a_wait_ends_when_the_vendor_said() -> None:
    outcome = Outcome("crm", "deals", failed_at=NOON, retry_at=NOON + HOUR)
    assert [outcome.wait(NOON + minutes * HOUR / 60) for minutes in (0, 45, 60, 300)] == [3600, 900, 0, 0]
    assert Outcome("crm", "deals").wait(NOON) == 0


def test_a_wait_stored_by_a_clock_that_was_ahead_lasts_no_longer_than_asked(store: Store) -> None:
    held(store, at=DAY)
    assert seconds(store, timedelta(0)) == 3600


def test_a_wait_moves_with_the_clock_so_that_a_jump_neither_skips_nor_extends_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved(store, timedelta(0), monkeypatch)
    held(store)
    for jump in (DAY, -DAY, HOUR, -2 * HOUR):
        assert moved(store, HOUR / 2 + jump, monkeypatch, passed=1800) == pytest.approx(jump.total_seconds())
        assert seconds(store, HOUR / 2 + jump) == 1800
        moved(store, HOUR / 2, monkeypatch, passed=1800)
        assert seconds(store, HOUR / 2) == 1800


def test_a_wait_that_was_stored_after_the_jump_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    moved(store, timedelta(0), monkeypatch)
    held(store, at=DAY)
    moved(store, DAY + timedelta(seconds=5), monkeypatch, passed=5)
    assert seconds(store, DAY) == 3600


def test_time_that_passes_is_no_jump_and_another_boot_has_no_past(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved(store, timedelta(0), monkeypatch)
    held(store)
    assert moved(store, HOUR / 2, monkeypatch, passed=1800) == 0
    assert moved(store, HOUR / 2, monkeypatch, boot="c") == 0
    assert seconds(store, HOUR / 2) == 1800


def test_a_lifted_wait_is_over(store: Store) -> None:
    held(store)
    assert (store.lift_waits("crm"), seconds(store, timedelta(0)), store.lift_waits("crm")) == (1, 0, 0)


def test_a_machine_without_uptime_and_a_damaged_record_change_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = store.path.with_name(CLOCK_FILE)
    record.write_text("{")
    assert store.adopt_clock(NOON) == 0
    assert ClockRecord.read(record) is not None
    monkeypatch.setattr(clock_record, "_UPTIME", record.with_name("gone"))
    assert store.adopt_clock(NOON + DAY) == 0
