"""When things happen in the company: workdays, seasons, growth and the course of a day.

Instants are whole seconds since 1970 in UTC; days are local dates in the company's zone.
"""

from __future__ import annotations

from calendar import monthrange
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
"""How busy each hour from opening to closing is: a morning and an afternoon hump, a lunch dip."""


@cache
def _holidays_of(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("CH", subdiv="ZH", years=year))


@cache
def is_workday(day: date) -> bool:
    """Monday to Friday, without the public holidays of Zurich."""
    return day.weekday() < 5 and day not in _holidays_of(day.year)


@cache
def activity(day: date) -> float:
    """How much happens on a day, where an average Wednesday of 2026 is 1: week, season, holidays and growth."""
    growth = 1 + _GROWTH_A_YEAR * (day - _GROWTH_FROM).days / 365
    week = _HOLIDAY if day in _holidays_of(day.year) else _WEEKDAY[day.weekday()]
    return week * _MONTH[day.month - 1] * min(1.6, max(0.7, growth))


@cache
def midnight(day: date) -> int:
    """The instant at which the local day begins."""
    return int(datetime.combine(day, time(), ZONE).timestamp())


def local_day(at: int) -> date:
    """The local date of an instant."""
    return datetime.fromtimestamp(at, ZONE).date()


@cache
def next_workday(day: date) -> date:
    """The day itself if it is a workday, else the next one."""
    while not is_workday(day):
        day += _ONE_DAY
    return day


@cache
def last_workdays(year: int, month: int, count: int = 4) -> tuple[date, ...]:
    """The last workdays of a month, when sellers close what they can."""
    day = date(year + month // 12, month % 12 + 1, 1) - _ONE_DAY
    found: list[date] = []
    while len(found) < count:
        if is_workday(day):
            found.append(day)
        day -= _ONE_DAY
    return tuple(reversed(found))


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def office_moment(rng: Random, day: date) -> int:
    """An instant within the opening hours of a day, more likely when it is busy."""
    return midnight(day) + _HOUR.draw(rng) * 3600 + int(rng.random() * 3600)


def any_moment(rng: Random, day: date) -> int:
    """An instant at any hour, evenings included, as visitors of a website come."""
    hour = min(23.99, max(0.0, rng.gauss(14, 4.5)))
    return midnight(day) + int(hour * 3600)


def after_working(at: int, seconds: float) -> int:
    """The instant when so many seconds of opening hours have passed since `at`."""
    day = next_workday(local_day(at))
    begins = max(at, midnight(day) + OPENS * 3600)
    while begins + seconds >= (closes := midnight(day) + CLOSES * 3600):
        seconds -= max(0, closes - begins)
        day = next_workday(day + _ONE_DAY)
        begins = midnight(day) + OPENS * 3600
    return int(begins + seconds)


def working(since: int, until: int) -> int:
    """Seconds of opening hours between two instants."""
    day, last, found = local_day(since), local_day(until), 0
    while day <= last:
        if is_workday(day):
            opens, closes = midnight(day) + OPENS * 3600, midnight(day) + CLOSES * 3600
            found += max(0, min(until, closes) - max(since, opens))
        day += _ONE_DAY
    return found
