"""The company's calendar: periods as spans of local dates, their instants in UTC, and how much of them has elapsed."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import NamedTuple
from zoneinfo import ZoneInfo

from exporter.config.company import Company, Hours
from exporter.config.dated import Dated
from exporter.config.fields import Pace, Period
from exporter.config.public_holidays import public_holidays
from exporter.errors import EvaluationError
from exporter.metrics.values import Window

_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_YEAR = timedelta(days=366)


class DateSpan(NamedTuple):
    """Local dates [first, until). A tuple, because caches of a history look up millions of them."""

    first: date
    until: date

    @property
    def days(self) -> int:
        """The number of dates."""
        return (self.until - self.first).days

    def dates(self) -> Iterator[date]:
        """Every date, in order."""
        return (self.first + timedelta(days=n) for n in range(self.days))


def period_of(period: Period, day: date, week_start: int = 0, fiscal_month: int = 1) -> DateSpan:
    """The period that contains `day`.

    `week_start` counts weekdays from Monday 0. `fiscal_month` is the month (January is 1) in which the fiscal year
    starts; quarters are its three-month parts.
    """
    if period is Period.DAY:
        return DateSpan(day, day + _DAY)
    if period is Period.WEEK:
        first = day - timedelta(days=(day.weekday() - week_start) % 7)
        return DateSpan(first, first + 7 * _DAY)
    length = _MONTHS[period]
    months = day.year * 12 + day.month - 1
    start = months - (months - (fiscal_month - 1)) % length
    return DateSpan(_first_of(start), _first_of(start + length))


def previous_period(period: Period, span: DateSpan) -> DateSpan:
    """The period that ends where `span` starts."""
    return _shifted(period, span, _MONTHS.get(period, 0), timedelta(days=7 if period is Period.WEEK else 1))


def same_period_last_year(period: Period, span: DateSpan) -> DateSpan:
    """The same period of last year.

    Months, quarters and years shift by twelve months, and weeks by 364 days so that weekdays stay aligned. A day
    keeps its date; 29 February becomes the 28th.
    """
    if period is Period.DAY:
        day = span.first
        first = day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)
        return DateSpan(first, first + _DAY)
    return _shifted(period, span, 12, timedelta(days=364))


def _shifted(period: Period, span: DateSpan, months: int, days: timedelta) -> DateSpan:
    if period not in _MONTHS:
        return DateSpan(span.first - days, span.until - days)
    return DateSpan(*(_first_of(day.year * 12 + day.month - 1 - months) for day in (span.first, span.until)))


def _first_of(months: int) -> date:
    return date(months // 12, months % 12 + 1, 1)


def period_name(period: Period, span: DateSpan, fiscal_month: int = 1) -> str:
    """The period's name: 2026-10-31, 2026-W44, 2026-10, 2026-Q4 or 2026; FY2026-27-Q1 or FY2026-27 in a fiscal year.

    A week is named after the ISO week that contains its fourth day. Names sort by time.
    """
    first = span.first
    if period is Period.DAY:
        return first.isoformat()
    if period is Period.WEEK:
        year, week, _ = (first + 3 * _DAY).isocalendar()
        return f"{year}-W{week:02}"
    if period is Period.MONTH:
        return f"{first:%Y-%m}"
    months = first.year * 12 + first.month - fiscal_month
    year, quarter = months // 12, months % 12 // 3 + 1
    name = f"{year}" if fiscal_month == 1 else f"FY{year}-{(year + 1) % 100:02}"
    return f"{name}-Q{quarter}" if period is Period.QUARTER else name


def workdays(company: Company) -> Callable[[date], bool]:
    """Returns a test for workdays: the company's weekdays without public holidays and the company's days off.

    Raises EvaluationError if no holidays are known for the country or its subdivision.
    """
    settings = company.holidays
    days_off = frozenset(settings.dates)
    weekdays = company.working_weekdays
    public: Container[date] = ()
    if settings.country:
        try:
            public = public_holidays(settings.country, settings.subdivision)
        except NotImplementedError as error:
            raise EvaluationError("company.holidays", str(error)) from None

    def is_workday(day: date) -> bool:
        return day.weekday() in weekdays.on(day) and day not in days_off and day not in public

    return is_workday


class TimeLeft(NamedTuple):
    """What is left of a span of dates: an amount of `days`, `workdays`, `hours` or `opening hours`."""

    amount: float
    unit: str


class Calendar:
    """Periods, day bounds and workday weights of one company.

    Results are cached. They depend on the arguments alone, so one calendar can serve many evaluations.
    """

    def __init__(
        self,
        zone: ZoneInfo,
        is_workday: Callable[[date], bool],
        *,
        week_start: int = 0,
        fiscal_month: int = 1,
        hours: Dated[Hours] | None = None,
        names_workdays: bool = False,
    ) -> None:
        self._zone = zone
        self._is_workday = is_workday
        self._week_start = week_start
        self._fiscal_month = fiscal_month
        self._hours = hours
        self._names_workdays = names_workdays
        self._starts: dict[date, datetime] = {}
        self._today: tuple[datetime, datetime, date] | None = None
        self._weights: dict[tuple[DateSpan, Pace], tuple[float, ...]] = {}
        self._sums: dict[tuple[DateSpan, Pace], tuple[float, ...]] = {}

    @classmethod
    def of(cls, company: Company) -> Calendar:
        """The calendar of a company's time zone, week, fiscal year, workdays, holidays and opening hours.

        Raises EvaluationError if no holidays are known for its country.
        """
        return cls(
            company.timezone,
            workdays(company),
            week_start=company.week_start,
            fiscal_month=company.fiscal_month,
            hours=company.hours,
            names_workdays=bool(company.workdays),
        )

    def start_of(self, day: date) -> datetime:
        """The first instant of a local date, in UTC.

        If a clock change skips midnight, this is the first valid instant after it; if midnight occurs twice, the
        first one.
        """
        start = self._starts.get(day)
        if start is None:
            start = self._starts[day] = _instant(datetime.combine(day, time()), self._zone)
        return start

    def day_of(self, instant: datetime) -> date:
        """The local date that contains an instant; the last one is remembered, as all KPIs ask about the same."""
        if self._today is not None and self._today[0] <= instant < self._today[1]:
            return self._today[2]
        day = instant.astimezone(self._zone).date()
        while self.start_of(day + _DAY) <= instant:
            day += _DAY
        self._today = self.start_of(day), self.start_of(day + _DAY), day
        return day

    def period_of(self, period: Period, instant: datetime) -> DateSpan:
        """The period that contains an instant; an instant at a period's start belongs to that period."""
        return period_of(period, self.day_of(instant), self._week_start, self._fiscal_month)

    def last_day(self, window: Window) -> date:
        """The local date of a window's last instant, which is just before its end; of its start if it is empty."""
        return self.day_of(max(window.start, window.end - timedelta(microseconds=1)))

    def window(self, span: DateSpan, until: datetime | None = None) -> Window:
        """The span's instants in UTC, cut off at `until`."""
        return Window(self.start_of(span.first), until or self.start_of(span.until))

    def weights(self, span: DateSpan, pace: Pace) -> tuple[float, ...]:
        """The weight of each date of a span: for `workdays` 1 per workday and 0 otherwise, else 1 each.

        In a span without any workday every date has the same weight, so that it still elapses; see `is_day_off`.
        """
        weights = self._weights.get((span, pace))
        if weights is None:
            weights = (1.0,) * span.days
            if pace is Pace.WORKDAYS:
                worked = tuple(float(self._is_workday(day)) for day in span.dates())
                weights = worked if any(worked) else weights
            self._weights[span, pace] = weights
        return weights

    def after_workdays(self, day: date, count: int) -> date:
        """The first date before which `count` workdays have passed since the beginning of `day`.

        A company that has not worked for a year is no longer waited for.
        """
        last = day + _YEAR
        while count and day < last:
            count -= self._is_workday(day)
            day += _DAY
        return day

    def is_day_off(self, span: DateSpan, pace: Pace) -> bool:
        """True if nothing is expected in a whole span: by pace of workdays, and none of its dates is one."""
        return pace is Pace.WORKDAYS and not any(map(self._is_workday, span.dates()))

    def share(self, span: DateSpan, pace: Pace, instant: datetime) -> float:
        """The share f, from 0 to 1, of a span's result that is expected by an instant.

        Past days count with their weight and today with its elapsed part, so a day of 23 or 25 hours weighs the
        same as any other.
        """
        if instant <= self.start_of(span.first):
            return 0.0
        if instant >= self.start_of(span.until):
            return 1.0
        today = self.day_of(instant)
        index = (today - span.first).days
        weights, sums = self.weights(span, pace), self._sums.get((span, pace))
        if sums is None:
            sums = self._sums[span, pace] = tuple(accumulate(weights, initial=0.0))
        return (sums[index] + weights[index] * self._elapsed_today(today, pace, instant)) / sums[-1]

    def left(self, span: DateSpan, pace: Pace, instant: datetime) -> TimeLeft:
        """What is left of a span at an instant, counting today with its remaining part.

        It is counted in workdays by pace of workdays, and without a pace if the company names its workdays; otherwise,
        and in a span without any workday, in days. A single day is counted in opening hours or hours.
        """
        by_workdays = pace is Pace.WORKDAYS or (pace is Pace.NONE and self._names_workdays)
        by_workdays = by_workdays and not self.is_day_off(span, Pace.WORKDAYS)
        pace = Pace.WORKDAYS if by_workdays else Pace.LINEAR
        share = 1 - self.share(span, pace, instant)
        if span.days > 1:
            return TimeLeft(share * sum(self.weights(span, pace)), "workdays" if by_workdays else "days")
        opens, closes = self._working_time(span.first, pace)
        unit = "opening hours" if by_workdays and self._hours is not None else "hours"
        return TimeLeft(share * ((closes - opens) / _HOUR), unit)

    def opening(self, day: date) -> Window | None:
        """The opening hours of a day; None on a day off. A company that names neither days nor hours is always open."""
        if not self._names_workdays and self._hours is None:
            return Window(self.start_of(day), self.start_of(day + _DAY))
        return Window(*self._working_time(day, Pace.WORKDAYS)) if self._is_workday(day) else None

    def _working_time(self, day: date, pace: Pace) -> tuple[datetime, datetime]:
        """The instants between which a day's result is expected."""
        if pace is Pace.WORKDAYS and self._hours is not None:
            hours = self._hours.on(day)
            times = hours.opens, hours.closes
            opens, closes = (_instant(datetime.combine(day, time_of_day), self._zone) for time_of_day in times)
            return opens, closes
        return self.start_of(day), self.start_of(day + _DAY)

    def _elapsed_today(self, day: date, pace: Pace, instant: datetime) -> float:
        opens, closes = self._working_time(day, pace)
        if instant >= closes:
            return 1.0
        return max((instant - opens) / (closes - opens), 0.0)


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    """A local time as an instant in UTC: the first of two, or the first valid one after a skipped time."""
    first = local.replace(tzinfo=zone).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == local:
        return first
    return _end_of_gap(local.replace(tzinfo=zone, fold=1).astimezone(UTC), first, zone)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant of the zone's clock change in (before, after]."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
