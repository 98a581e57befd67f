"""Days, weeks, months, quarters and years as spans of local dates; which instants they are is the calendar's matter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from exporter.config.fields import Period

_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Local dates from `first` until the day before `until`."""

    first: date
    until: date

    @property
    def days(self) -> int:
        """How many dates it holds."""
        return (self.until - self.first).days


def holding(period: Period, day: date, week_start: int = 0, fiscal_month: int = 1) -> Span:
    """The period in which `day` lies.

    `week_start` counts weekdays from Monday 0. `fiscal_month` is the month (January 1) in which the fiscal year
    starts: quarters are its three-month parts (maths 8.13).
    """
    if period is Period.DAY:
        return Span(day, day + _DAY)
    if period is Period.WEEK:
        first = day - timedelta(days=(day.weekday() - week_start) % 7)
        return Span(first, first + 7 * _DAY)
    length = _MONTHS[period]
    months = day.year * 12 + day.month - 1
    start = months - (months - (fiscal_month - 1)) % length
    return Span(_first_of(start), _first_of(start + length))


def before(period: Period, span: Span) -> Span:
    """The period that ends where `span` starts."""
    return _shifted(period, span, _MONTHS.get(period, 0), timedelta(days=7 if period is Period.WEEK else 1))


def year_before(period: Period, span: Span) -> Span:
    """The same period of last year.

    Months, quarters and years shift by twelve months, weeks by 364 days, so that weekdays stay aligned; a day
    keeps its date, and 29 February becomes the 28th (maths 8.6, 8.13).
    """
    if period is Period.DAY:
        first = _same_date_last_year(span.first)
        return Span(first, first + _DAY)
    return _shifted(period, span, 12, timedelta(days=364))


def _shifted(period: Period, span: Span, months: int, days: timedelta) -> Span:
    if period not in _MONTHS:
        return Span(span.first - days, span.until - days)
    return Span(_months_earlier(span.first, months), _months_earlier(span.until, months))


def _months_earlier(first: date, months: int) -> date:
    return _first_of(first.year * 12 + first.month - 1 - months)


def _first_of(months: int) -> date:
    return date(months // 12, months % 12 + 1, 1)


def _same_date_last_year(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year - 1, 2, 28)
    return day.replace(year=day.year - 1)
