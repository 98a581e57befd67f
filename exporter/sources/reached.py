"""Up to where a pass has read: a cursor in the vendor's time, for providers whose cursor is an instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from exporter.passes import Pass

_AT_ONCE = timedelta(0)


def reached(asked: Pass, skew: float, lag: timedelta = _AT_ONCE, seen: datetime | None = None) -> str:
    """The latest change seen (default: all up to the pass's start), as text for the pass's cursor.

    Never beyond the start less the `lag`, in the time of a vendor whose clock is `skew` seconds off ours: what such
    a vendor stamps afterwards would lie behind the cursor. Never backwards either.
    """
    bound = asked.started_at - lag + timedelta(seconds=min(0.0, skew))
    at = bound if seen is None else min(seen, bound)
    known = datetime.fromisoformat(asked.cursor) if asked.cursor else at
    return max(at, known).astimezone(UTC).isoformat()
