"""The wall clock, read only at the edges of the process. Everything else receives `now`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]

CLOCK_JUMP = 60.0
"""Seconds between wall clock and monotonic clock that cannot be drift."""


def system_clock() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)
