"""Workdays, activity and opening hours."""

from __future__ import annotations

from datetime import date, datetime
from random import Random

import pytest

from exporter.demo.company.rhythm import (
    CLOSES,
    OPENS,
    ZONE,
    activity,
    add_working_time,
    any_time,
    is_workday,
    last_workdays,
    local_day,
    midnight,
    next_workday,
    office_time,
)


def local(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 3, 13), True),
        (date(2026, 3, 14), False),
        (date(2026, 4, 3), False),
        (date(2026, 4, 6), False),
        (date(2026, 12, 25), False),
    ],
)
def test_workdays_leave_out_weekends_and_holidays(day: date, expected: bool) -> None:
    assert is_workday(day) is expected


def test_activity_follows_week_season_holidays_and_growth() -> None:
    wednesday = activity(date(2026, 6, 3))
    assert activity(date(2026, 6, 1)) > wednesday > activity(date(2026, 6, 5)) > 5 * activity(date(2026, 6, 6))
    assert activity(date(2026, 7, 15)) < 0.9 * wednesday
    assert activity(date(2026, 12, 25)) < 0.1 * wednesday
    assert activity(date(2025, 6, 4)) < wednesday < activity(date(2027, 6, 2))


def test_growth_is_bounded_however_long_the_demo_is_used() -> None:
    assert activity(date(2050, 6, 1)) == activity(date(2049, 6, 2))
    assert activity(date(1999, 6, 2)) > 0.6


def test_midnight_and_local_day_use_the_zone_of_the_company() -> None:
    assert midnight(date(2026, 3, 13)) == local("2026-03-13T00:00")
    assert local_day(midnight(date(2026, 3, 13))) == date(2026, 3, 13)
    assert local_day(midnight(date(2026, 3, 13)) - 1) == date(2026, 3, 12)


@pytest.mark.parametrize(
    ("at", "hours", "expected"),
    [
        ("2026-03-12T10:00", 2, "2026-03-12T12:00"),
        ("2026-03-12T17:00", 2, "2026-03-13T09:00"),
        ("2026-03-13T17:00", 2, "2026-03-16T09:00"),
        ("2026-03-14T12:00", 1, "2026-03-16T09:00"),
        ("2026-03-12T22:00", 1, "2026-03-13T09:00"),
        ("2026-03-12T05:00", 1, "2026-03-12T09:00"),
        ("2026-03-12T08:00", 25, "2026-03-16T13:00"),
        ("2026-04-02T17:30", 1, "2026-04-07T08:30"),
        ("2026-03-12T17:59", 0, "2026-03-12T17:59"),
    ],
)
def test_working_time_is_added_only_in_opening_hours(at: str, hours: int, expected: str) -> None:
    assert add_working_time(local(at), hours * 3600) == local(expected)


def test_last_workdays_are_the_last_four_of_the_month() -> None:
    assert last_workdays(2026, 5) == (date(2026, 5, 26), date(2026, 5, 27), date(2026, 5, 28), date(2026, 5, 29))
    assert last_workdays(2025, 12)[-1] == date(2025, 12, 31)


def test_the_next_workday_may_be_the_same_day() -> None:
    assert next_workday(date(2026, 3, 13)) == date(2026, 3, 13)
    assert next_workday(date(2026, 4, 3)) == date(2026, 4, 7)


def test_times_stay_within_their_day() -> None:
    rng, day = Random(1), date(2026, 3, 12)
    start = midnight(day)
    assert all(OPENS * 3600 <= office_time(rng, day) - start < CLOSES * 3600 for _ in range(500))
    assert all(0 <= any_time(rng, day) - start < 86_400 for _ in range(500))


def test_lunch_is_quieter_than_the_morning() -> None:
    rng, day = Random(1), date(2026, 3, 12)
    hours = [(office_time(rng, day) - midnight(day)) // 3600 for _ in range(4000)]
    assert hours.count(12) < 0.7 * hours.count(10)
