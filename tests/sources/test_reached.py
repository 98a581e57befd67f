"""Where the next pass begins."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from exporter.passes import Pass
from exporter.sources.reached import reached
from tests.sources.around import NOW

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("cursor", "skew", "seen", "expected"),
    [
        (None, 0.0, None, NOW - MINUTE),
        (None, 600.0, None, NOW - MINUTE),
        (None, -600.0, None, NOW - 11 * MINUTE),
        (None, 0.0, NOW - 9 * MINUTE, NOW - 9 * MINUTE),
        (None, 0.0, NOW + 9 * MINUTE, NOW - MINUTE),
        (NOW - 2 * MINUTE, -600.0, None, NOW - 2 * MINUTE),
        (NOW - 2 * MINUTE, 0.0, NOW - 9 * MINUTE, NOW - 2 * MINUTE),
    ],
)
def test_the_cursor_stays_behind_the_vendors_clock_and_never_goes_back(
    cursor: datetime | None, skew: float, seen: datetime | None, expected: datetime
) -> None:
    asked = Pass("deals", NOW, cursor.isoformat() if cursor else None)
    assert reached(asked, skew, MINUTE, seen) == expected.isoformat()
