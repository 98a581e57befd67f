"""The instants of a history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

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


def month_start(instant: datetime, zone: tzinfo) -> datetime:
    """The first midnight of the local month, in UTC."""
    local = instant.astimezone(zone)
    return datetime(local.year, local.month, 1, tzinfo=zone).astimezone(UTC)
