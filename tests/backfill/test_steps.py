"""The instants of a history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from exporter.backfill.steps import HOURLY, floored, history_steps, month_start, steps_between

HOUR = timedelta(hours=1)
ZURICH = ZoneInfo("Europe/Zurich")
START = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("step", [timedelta(minutes=7), HOUR, timedelta(hours=6), timedelta(days=1)])
def test_steps_are_multiples_in_utc(step: timedelta) -> None:
    start, until = datetime(2025, 1, 1, 0, 17, tzinfo=ZURICH), datetime(2025, 1, 9, 3, 1, tzinfo=ZURICH)
    result = steps_between(start, until, step)
    assert all(instant.timestamp() % step.total_seconds() == 0 for instant in result)
    assert all(later - earlier == step for earlier, later in pairwise(result))
    assert start <= result[0] < start + step
    assert until - step < result[-1] <= until


def test_both_ends_are_included_and_an_empty_span_has_no_steps() -> None:
    assert steps_between(START, START + HOUR, HOUR) == [START, START + HOUR]
    assert steps_between(START, START, HOUR) == [START]
    assert steps_between(START + HOUR, START, HOUR) == []
    assert steps_between(START + HOUR / 4, START + HOUR / 2, HOUR) == []


def test_an_instant_is_floored_in_utc() -> None:
    assert floored(datetime(2025, 3, 30, 3, 59, tzinfo=ZURICH), timedelta(days=1)) == datetime(2025, 3, 30, tzinfo=UTC)
    assert floored(START, HOUR) == START


def test_a_month_begins_at_local_midnight() -> None:
    assert month_start(datetime(2025, 7, 19, 1, tzinfo=UTC), ZURICH) == datetime(2025, 6, 30, 22, tzinfo=UTC)
    assert month_start(datetime(2025, 6, 30, 23, tzinfo=UTC), ZURICH) == datetime(2025, 6, 30, 22, tzinfo=UTC)


def test_a_history_has_a_step_an_hour_for_ninety_days_and_one_a_day_before() -> None:
    until = datetime(2025, 11, 19, 14, 52, tzinfo=UTC)
    steps = history_steps(START, until, ZURICH)
    hourly = [step for step in steps if step >= until - HOURLY]
    daily = [step for step in steps if step < until - HOURLY]
    assert len(hourly) == 90 * 24
    assert {later - earlier for earlier, later in pairwise(hourly)} == {HOUR}
    assert hourly[-1] == until.replace(minute=0)
    assert len(daily) == 232, "1 January to 20 August"
    assert {later - earlier for earlier, later in pairwise([*daily, hourly[0]])} <= {
        timedelta(hours=hours) for hours in range(1, 26)
    }


@pytest.mark.parametrize(
    ("zone", "local"), [("Europe/Zurich", "23:00"), ("Asia/Kolkata", "23:30"), ("America/New_York", "23:00")]
)
def test_the_step_of_a_day_is_its_last_full_hour(zone: str, local: str) -> None:
    steps = history_steps(START, START + timedelta(days=300), ZoneInfo(zone))
    daily = [step for step in steps if step < START + timedelta(days=300) - HOURLY]
    assert {f"{step.astimezone(ZoneInfo(zone)):%H:%M}" for step in daily} == {local}


def test_a_short_history_is_hourly_throughout() -> None:
    steps = history_steps(START, START + timedelta(days=3), ZURICH)
    assert steps == steps_between(START, START + timedelta(days=3), HOUR)
