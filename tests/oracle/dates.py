"""The oracle's calendar: local dates as instants, periods, and how much of a span has elapsed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
_QUARTER_HOUR = timedelta(minutes=15)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FULL_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

Span = tuple[date, date]
"""Local dates [first, until)."""


@lru_cache(maxsize=100_000)
def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which local clocks show this time or, on the same date, a later one.

    Found by trying every quarter of an hour, on which all clock changes of the generated zones fall.
    """
    at = datetime.combine(local.date(), time(), UTC) - timedelta(hours=15)
    while at.astimezone(zone).replace(tzinfo=None) < local:
        at += _QUARTER_HOUR
    return at


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local date."""
    return instant_of(datetime.combine(day, time()), zone)


def local_date(at: datetime, zone: ZoneInfo) -> date:
    """The latest date that has begun."""
    day = at.astimezone(zone).date() - DAY
    while midnight(day + DAY, zone) <= at:
        day += DAY
    return day


def day_beginning_at(at: datetime, zone: ZoneInfo) -> date | None:
    """The local date that begins at this very instant, as which a date without a time is stored."""
    day = local_date(at, zone)
    return day if midnight(day, zone) == at else None


class CompanyCalendar:
    """The calendar of a company as its YAML describes it."""

    def __init__(self, company: Mapping[str, Any]) -> None:
        self.zone = ZoneInfo(company["timezone"])
        self._company = company
        self._week_start = _FULL_WEEKDAYS.index(company.get("week_starts", "monday"))
        self._fiscal_month = 1 + _MONTHS.index(company.get("fiscal_year_starts", "january"))

    def period(self, period: str, day: date) -> Span:
        """The period that contains a date."""
        if period == "day":
            return day, day + DAY
        if period == "week":
            while day.weekday() != self._week_start:
                day -= DAY
            return day, day + 7 * DAY
        first = day.replace(day=1)
        if period == "month":
            return first, _next_month(first)
        length = 3 if period == "quarter" else 12
        while (first.month - self._fiscal_month) % length:
            first = (first - DAY).replace(day=1)
        until = first
        for _ in range(length):
            until = _next_month(until)
        return first, until

    def previous(self, period: str, span: Span) -> Span:
        """The period before."""
        return self.period(period, span[0] - DAY)

    def last_year(self, period: str, span: Span) -> Span:
        """The same period of last year: a week starts 364 days before, 29 February becomes the 28th."""
        if period == "week":
            return span[0] - 364 * DAY, span[1] - 364 * DAY
        first = span[0]
        leap = (first.month, first.day) == (2, 29)
        return self.period(period, first.replace(year=first.year - 1, day=28 if leap else first.day))

    def window(self, span: Span) -> tuple[datetime, datetime]:
        """The span's instants [start, end)."""
        return midnight(span[0], self.zone), midnight(span[1], self.zone)

    def is_workday(self, day: date) -> bool:
        """True for a working weekday that is no day off."""
        names = in_force(self._company.get("workdays"), day, ("mon", "tue", "wed", "thu", "fri"))
        days_off = self._company.get("holidays", {}).get("dates", ())
        return _WEEKDAYS[day.weekday()] in names and day.isoformat() not in {str(other) for other in days_off}

    def weights(self, span: Span, pace: str) -> dict[date, float]:
        """The weight of each date; 1 each in a span without any workday."""
        days = dates_of(span)
        if pace == "workdays" and any(map(self.is_workday, days)):
            return {day: float(self.is_workday(day)) for day in days}
        return dict.fromkeys(days, 1.0)

    def is_day_off(self, span: Span, pace: str) -> bool:
        """True if work is expected on none of the dates."""
        return pace == "workdays" and not any(map(self.is_workday, dates_of(span)))

    def share(self, span: Span, pace: str, at: datetime) -> float:
        """The share of a span's result that is expected by an instant."""
        weights = self.weights(span, pace)
        elapsed = sum(weight * self._elapsed(day, pace, at) for day, weight in weights.items())
        return elapsed / sum(weights.values())

    def _elapsed(self, day: date, pace: str, at: datetime) -> float:
        opens, closes = midnight(day, self.zone), midnight(day + DAY, self.zone)
        hours = in_force(self._company.get("hours"), day, None)
        if pace == "workdays" and hours is not None:
            opens, closes = (
                instant_of(datetime.combine(day, time.fromisoformat(hours[name])), self.zone)
                for name in ("opens", "closes")
            )
        return min(max((at - opens) / (closes - opens), 0.0), 1.0)


def in_force(value: Any, day: date, default: Any) -> Any:
    """Of `[{is: ..., since: DATE}]` what is in force on a date, before all dates the first; an undated value is always."""
    if value is None:
        return default
    if not (isinstance(value, list) and value and isinstance(value[0], dict) and "is" in value[0]):
        return value
    return latest(value, day, lambda entry: entry["is"], value[0]["is"])


def latest(entries: list[Any], day: date, get: Callable[[Any], Any], default: Any) -> Any:
    """What `get` gives for the entry with the latest `since` up to a date; of equal ones the later line."""
    started = [(date_of(entry.get("since"), date.min), line) for line, entry in enumerate(entries)]
    started = [(since, line) for since, line in started if since <= day]
    return get(entries[max(started)[1]]) if started else default


def date_of(value: Any, default: date) -> date:
    """A date of the YAML, which may be text."""
    if value is None:
        return default
    return value if isinstance(value, date) else date.fromisoformat(value)


def dates_of(span: Span) -> list[date]:
    """Every date of a span."""
    return [span[0] + n * DAY for n in range((span[1] - span[0]).days)]


def _next_month(first: date) -> date:
    return (first + 32 * DAY).replace(day=1)
