"""The company's calendar: local dates as instants in UTC, and which share of a span has passed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from exporter.config.company import Company, Hours
from exporter.config.fields import Pace, Period
from exporter.kpi import periods
from exporter.kpi.periods import Span
from exporter.kpi.workdays import workdays
from exporter.metrics.values import Window

_DAY = timedelta(days=1)


class Calendar:
    """Periods, day bounds and workday weights of one company.

    It remembers what it has worked out, which changes no answer; so one calendar serves many evaluations.
    """

    def __init__(
        self,
        zone: ZoneInfo,
        works: Callable[[date], bool],
        *,
        week_start: int = 0,
        fiscal_month: int = 1,
        hours: Hours | None = None,
    ) -> None:
        self._zone = zone
        self._works = works
        self._week_start = week_start
        self._fiscal_month = fiscal_month
        self._hours = hours
        self._starts: dict[date, datetime] = {}
        self._weights: dict[tuple[Span, Pace], tuple[float, ...]] = {}
        self._sums: dict[tuple[Span, Pace], tuple[float, ...]] = {}

    @classmethod
    def of(cls, company: Company) -> Calendar:
        """The calendar of a company's zone, week, fiscal year, workdays, holidays and opening hours.

        Raises EvaluationError where no holidays are known for its country.
        """
        return cls(
            company.timezone,
            workdays(company),
            week_start=company.week_start,
            fiscal_month=company.fiscal_month,
            hours=company.hours,
        )

    def start_of(self, day: date) -> datetime:
        """The first instant of a local date, in UTC.

        Where midnight does not exist it is the first valid instant after, where it comes twice the first
        (maths 8.12).
        """
        start = self._starts.get(day)
        if start is None:
            start = self._starts[day] = _instant(datetime.combine(day, time()), self._zone)
        return start

    def day_of(self, instant: datetime) -> date:
        """The local date whose bounds hold an instant."""
        day = instant.astimezone(self._zone).date()
        while self.start_of(day + _DAY) <= instant:
            day += _DAY
        return day

    def holding(self, period: Period, instant: datetime) -> Span:
        """The period in which an instant lies; one exactly at a period's start belongs to that period."""
        return periods.holding(period, self.day_of(instant), self._week_start, self._fiscal_month)

    def window(self, span: Span, until: datetime | None = None) -> Window:
        """The span's instants in UTC, cut off at `until`."""
        return Window(self.start_of(span.first), until or self.start_of(span.until))

    def weights(self, span: Span, pace: Pace) -> tuple[float, ...]:
        """What each date of a span weighs: 1 a workday and 0 any other for `workdays`, else 1 each.

        A span without any workday weighs every date alike (maths 8.3).
        """
        found = self._weights.get((span, pace))
        if found is None:
            found = self._weights[span, pace] = self._weigh(span, pace)
        return found

    def share(self, span: Span, pace: Pace, instant: datetime) -> float:
        """The expected share f, from 0 to 1, of a span's result by an instant (maths 8.3).

        Whole days count by weight and today by how much of it has passed, so a day of 23 or 25 hours weighs the
        same as any other.
        """
        if instant <= self.start_of(span.first):
            return 0.0
        if instant >= self.start_of(span.until):
            return 1.0
        today = self.day_of(instant)
        passed = (today - span.first).days
        weights, sums = self.weights(span, pace), self._sums_of(span, pace)
        return (sums[passed] + weights[passed] * self._day_share(today, pace, instant)) / sums[-1]

    def _weigh(self, span: Span, pace: Pace) -> tuple[float, ...]:
        even = (1.0,) * span.days
        if pace is not Pace.WORKDAYS:
            return even
        weights = tuple(float(self._works(span.first + timedelta(days=n))) for n in range(span.days))
        return weights if any(weights) else even

    def _sums_of(self, span: Span, pace: Pace) -> tuple[float, ...]:
        found = self._sums.get((span, pace))
        if found is None:
            found = self._sums[span, pace] = tuple(accumulate(self.weights(span, pace), initial=0.0))
        return found

    def _day_share(self, day: date, pace: Pace, instant: datetime) -> float:
        opens, closes = self.start_of(day), self.start_of(day + _DAY)
        if pace is Pace.WORKDAYS and self._hours is not None:
            opens = _instant(datetime.combine(day, self._hours.opens), self._zone)
            closes = _instant(datetime.combine(day, self._hours.closes), self._zone)
        if instant >= closes:
            return 1.0
        return max((instant - opens) / (closes - opens), 0.0)


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    """A local time as an instant in UTC: the first of two, or the first valid one after where there is none."""
    first = local.replace(tzinfo=zone).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == local:
        return first
    return _end_of_gap(local.replace(tzinfo=zone, fold=1).astimezone(UTC), first, zone)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the zone's clock jumped, which lies after `before` and not after `after`."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
