"""When things happen in the company: workdays, seasons, growth and the course of a day.

Instants are whole seconds since 1970 in UTC; days are local dates in the company's zone.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

import holidays

from exporter.demo.company.chance import Odds

ZONE = ZoneInfo("Europe/Zurich")
OPENS, CLOSES = 8, 18
"""Opening hours of a workday, local."""

_ONE_DAY = timedelta(days=1)
_WEEKDAY = (1.12, 1.06, 1.0, 0.98, 0.84, 0.06, 0.03)
_HOLIDAY = 0.04
_MONTH = (0.97, 1.0, 1.05, 1.0, 0.98, 1.04, 0.86, 0.88, 1.06, 1.08, 1.08, 0.9)
_GROWTH_A_YEAR = 0.10
_GROWTH_FROM = date(2026, 1, 1)
_HOUR = Odds(dict(zip(range(OPENS, CLOSES), (7, 11, 13, 12, 6, 9, 12, 12, 10, 5), strict=True)))
"""Relative activity of each opening hour: peaks in the morning and the afternoon, a dip at lunch."""


@cache
def _holidays_of(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("CH", subdiv="ZH", years=year))


@cache
def is_workday(day: date) -> bool:
    """Monday to Friday, without the public holidays of Zurich."""
    return day.weekday() < 5 and day not in _holidays_of(day.year)


@cache
def activity(day: date) -> float:
    """Relative activity of a day by weekday, season, holidays and growth; an average Wednesday of 2026 has 1."""
    growth = 1 + _GROWTH_A_YEAR * (day - _GROWTH_FROM).days / 365
    week = _HOLIDAY if day in _holidays_of(day.year) else _WEEKDAY[day.weekday()]
    return week * _MONTH[day.month - 1] * min(1.6, max(0.7, growth))


@cache
def midnight(day: date) -> int:
    """The instant at which the local day start."""
    return int(datetime.combine(day, time(), ZONE).timestamp())


def local_day(at: int) -> date:
    """The local date of an instant."""
    return datetime.fromtimestamp(at, ZONE).date()


@cache
def next_workday(day: date) -> date:
    """The day itself if it is a workday, otherwise the next workday."""
    while not is_workday(day):
        day += _ONE_DAY
    return day


@cache
def last_workdays(year: int, month: int, count: int = 4) -> tuple[date, ...]:
    """The last workdays of a month, in which sellers close more deals."""
    day = date(year + month // 12, month % 12 + 1, 1) - _ONE_DAY
    workdays: list[date] = []
    while len(workdays) < count:
        if is_workday(day):
            workdays.append(day)
        day -= _ONE_DAY
    return tuple(reversed(workdays))


def office_time(rng: Random, day: date) -> int:
    """An instant within the opening hours of a day, more likely in busy hours."""
    return midnight(day) + _HOUR.draw(rng) * 3600 + int(rng.random() * 3600)


def any_time(rng: Random, day: date) -> int:
    """An instant at any hour, as for visitors of a website."""
    hour = min(23.99, max(0.0, rng.gauss(14, 4.5)))
    return midnight(day) + int(hour * 3600)


def add_working_time(at: int, seconds: float) -> int:
    """The instant at which `seconds` of opening hours have passed since `at`."""
    day = next_workday(local_day(at))
    start = max(at, midnight(day) + OPENS * 3600)
    while start + seconds >= (closes := midnight(day) + CLOSES * 3600):
        seconds -= max(0, closes - start)
        day = next_workday(day + _ONE_DAY)
        start = midnight(day) + OPENS * 3600
    return int(start + seconds)
