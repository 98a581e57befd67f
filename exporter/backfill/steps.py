"""The instants of a history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

HOUR = timedelta(hours=1)
HOURLY = timedelta(days=90)
"""How far back a history has a step an hour by default; before that it has one a day."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def floored(instant: datetime, step: timedelta) -> datetime:
    """The last multiple of `step` since 1970 that is not after `instant`, in UTC."""
    return instant.astimezone(UTC) - (instant - _EPOCH) % step


def steps_between(start: datetime, until: datetime, step: timedelta) -> list[datetime]:
    """Every multiple of `step` since 1970 from `start` to `until`, both included, in UTC.

    Grafana's steps are such multiples too, so that its queries hit the samples.
    """
    first = floored(start, step)
    if first < start:
        first += step
    count = (until - first) // step + 1
    return [first + step * number for number in range(max(0, count))]


def history_steps(start: datetime, until: datetime, zone: tzinfo) -> list[datetime]:
    """A step an hour for the last 90 days, and one a day before, in UTC.

    That of a day is the last full hour before local midnight, so that it shows what the day, and on its last day the
    month, came to.
    """
    hourly_from = max(start, until - HOURLY)
    early = (step for step in _ends_of_days(start, hourly_from, zone) if start <= step < hourly_from)
    return [*early, *steps_between(hourly_from, until, HOUR)]


def _ends_of_days(start: datetime, until: datetime, zone: tzinfo) -> Iterator[datetime]:
    day = start.astimezone(zone).date()
    while day <= until.astimezone(zone).date():
        day += timedelta(days=1)
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        yield floored(midnight - timedelta(seconds=1), HOUR)


def month_start(instant: datetime, zone: tzinfo) -> datetime:
    """The first midnight of the local month, in UTC."""
    local = instant.astimezone(zone)
    return datetime(local.year, local.month, 1, tzinfo=zone).astimezone(UTC)
