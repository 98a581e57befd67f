"""Instants as the store keeps them, and local dates as instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


def stored(instant: datetime) -> datetime:
    """An aware instant as the store keeps it: naive, in UTC."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a local day begins, in UTC: the first valid instant where midnight does not exist, the first of two."""
    if day in (date.min, date.max):
        return FIRST if day == date.min else LAST
    return datetime.combine(day, time.min, zone).astimezone(UTC)
