"""Time that counts only while a company is open: nights, weekends and holidays take none of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from exporter.kpi.calendar import Calendar, DateSpan
from exporter.metrics.values import Window

_DAY = timedelta(days=1)
_NONE = timedelta()
_LONGEST_BREAK = 366
"""Days after which a company that does not open is no longer waited for."""


def opening_time(calendar: Calendar, span: DateSpan) -> timedelta:
    """How long the company is open in a span of dates."""
    hours = (calendar.opening(day) for day in span.dates())
    return sum((each.end - each.start for each in hours if each is not None), _NONE)


def last_opening_time(calendar: Calendar, end: datetime, amount: timedelta) -> Window:
    """The window until `end` in which the company was open for just so long.

    It begins at the latest possible instant, so never while the company is closed. Whatever happened in between, at
    night or on a holiday, is in it, too.
    """
    day, missing = calendar.day_of(end), amount
    for _ in range(_LONGEST_BREAK):
        hours = calendar.opening(day)
        if hours is not None:
            closes = min(hours.end, end)
            open_for = max(closes - hours.start, _NONE)
            if open_for >= missing:
                return Window(closes - missing, end)
            missing -= open_for
        day -= _DAY
    return Window(calendar.start_of(day), end)
