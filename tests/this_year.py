"""Recent instants for tests that run the whole program on the real clock, with KPIs of the calendar year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Zurich")


def recent(ago: timedelta, now: datetime | None = None) -> datetime:
    """An instant that long before now, or the start of the year if that would be last year for the companies."""
    now = now or datetime.now(UTC)
    year = now.astimezone(ZONE).year
    return max(now - ago, datetime(year, 1, 1, tzinfo=ZONE)).astimezone(UTC)
