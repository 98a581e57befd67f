"""Opening hours against a count of open minutes that knows nothing of the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.kpi.calendar import DateSpan
from exporter.kpi.opening_time import last_opening_time, opening_time
from tests.kpi.configs import calendar_of

ZURICH = ZoneInfo("Europe/Zurich")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HOLIDAYS = (date(2026, 10, 23), date(2026, 12, 25))
COMPANY = {
    "workdays": ["mon", "tue", "wed", "thu", "fri"],
    "hours": {"opens": "08:00", "closes": "17:30"},
    "holidays": {"dates": [day.isoformat() for day in HOLIDAYS]},
}
CALENDAR, ALWAYS = calendar_of(**COMPANY), calendar_of()
NIGHT_SHIFTS = calendar_of(
    workdays=["sat", "sun"], hours={"opens": "00:30", "closes": "06:00"}, timezone="Europe/Zurich"
)


def is_open(minute: datetime) -> bool:
    """Whether the company is open in a minute, by the clock on the wall."""
    local = minute.astimezone(ZURICH)
    return local.weekday() < 5 and local.date() not in HOLIDAYS and (8, 0) <= (local.hour, local.minute) < (17, 30)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZURICH).astimezone(UTC)


@pytest.mark.parametrize(
    ("end", "hours", "start"),
    [
        ("2026-10-21T12:00", 1, "2026-10-21T11:00"),  # Wednesday at noon
        ("2026-10-21T08:30", 1, "2026-10-20T17:00"),  # half an hour today and the last one of Tuesday
        ("2026-10-21T03:00", 1, "2026-10-20T16:30"),  # at night
        ("2026-10-26T08:30", 1, "2026-10-22T17:00"),  # Monday: Friday was a holiday, then a weekend with a clock change
        ("2026-10-26T08:30", 19.5, "2026-10-21T08:00"),  # 30 minutes and two whole days
        ("2026-10-21T17:30", 9.5, "2026-10-21T08:00"),  # a whole day, and not the evening before
    ],
)
def test_the_window_goes_back_over_nights_weekends_and_holidays(end: str, hours: float, start: str) -> None:
    window = last_opening_time(CALENDAR, at(end), hours * HOUR)
    assert window == (at(start), at(end))


minutes = st.integers(0, 60 * 24 * 120).map(lambda count: datetime(2026, 9, 15, tzinfo=UTC) + count * MINUTE)


@given(minutes, st.integers(1, 60 * 12))
@settings(max_examples=60, deadline=None)
def test_the_window_has_just_as_many_open_minutes_as_asked_for(end: datetime, amount: int) -> None:
    """September to January, with the end of summer time, holidays and the turn of the year."""
    start, counted = end, 0
    while counted < amount:
        start -= MINUTE
        counted += is_open(start)
    assert last_opening_time(CALENDAR, end, amount * MINUTE) == (start, end)


@given(st.integers(0, 100).map(lambda days: date(2026, 9, 15) + timedelta(days=days)), st.integers(1, 31))
@settings(max_examples=20, deadline=None)
def test_a_span_has_as_much_opening_time_as_its_open_minutes(first: date, days: int) -> None:
    span = DateSpan(first, first + timedelta(days=days))
    start, end = (datetime.combine(day, datetime.min.time(), ZURICH).astimezone(UTC) for day in span)
    count = sum(is_open(start + n * MINUTE) for n in range((end - start) // MINUTE))
    assert opening_time(CALENDAR, span) == count * MINUTE


def test_a_company_that_names_neither_days_nor_hours_is_always_open() -> None:
    sunday = DateSpan(date(2026, 10, 25), date(2026, 10, 26))
    assert opening_time(ALWAYS, sunday) == 25 * HOUR  # the clocks go back
    assert last_opening_time(ALWAYS, at("2026-10-26T00:00"), 25 * HOUR).start == at("2026-10-25T00:00")
    assert opening_time(CALENDAR, sunday) == timedelta()


def test_an_opening_hour_that_the_clock_repeats_or_skips_counts_as_it_lasts() -> None:
    autumn, spring = (DateSpan(day, day + timedelta(days=1)) for day in (date(2026, 10, 25), date(2026, 3, 29)))
    assert opening_time(NIGHT_SHIFTS, autumn) == 6.5 * HOUR
    assert opening_time(NIGHT_SHIFTS, spring) == 4.5 * HOUR


def test_a_company_that_never_opens_is_not_waited_for() -> None:
    closed = calendar_of(
        workdays=["mon"], holidays={"dates": [f"{date(2024, 1, 1) + n * timedelta(days=7)}" for n in range(120)]}
    )
    end = at("2026-01-05T12:00")
    assert last_opening_time(closed, end, HOUR).start < end - timedelta(days=360)
