"""Local dates as instants."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from exporter.metrics.values import FIRST, LAST, local_midnight, stored
from tests.metrics.stores import at


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        ("Europe/Zurich", "2024-01-15", "2024-01-14T23:00"),
        ("Europe/Zurich", "2024-07-15", "2024-07-14T22:00"),
        ("America/Havana", "2024-03-10", "2024-03-10T05:00"),  # no midnight: the clock goes from 00:00 to 01:00
        ("America/Havana", "2024-11-03", "2024-11-03T04:00"),  # two midnights: the first
        ("Asia/Tokyo", "2024-01-01", "2023-12-31T15:00"),
    ],
)
def test_a_day_begins_at_local_midnight(zone: str, day: str, instant: str) -> None:
    assert local_midnight(date.fromisoformat(day), ZoneInfo(zone)) == at(instant)


def test_the_first_and_last_date_have_no_time_zone() -> None:
    for zone in ("Asia/Tokyo", "America/Havana"):
        assert local_midnight(date.min, ZoneInfo(zone)) == FIRST
        assert local_midnight(date.max, ZoneInfo(zone)) == LAST


def test_an_instant_is_stored_naive_in_utc() -> None:
    aware = datetime(2024, 3, 5, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert stored(aware) == datetime(2024, 3, 4, 23, 30)  # noqa: DTZ001
