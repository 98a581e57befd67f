"""Recent instants stay in the year of the companies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.this_year import recent


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 7, 1, 11, 58, tzinfo=UTC)),
        (datetime(2026, 12, 31, 23, 1, tzinfo=UTC), datetime(2026, 12, 31, 23, tzinfo=UTC)),
    ],
)
def test_an_instant_before_the_year_began_moves_to_its_start(now: datetime, expected: datetime) -> None:
    assert recent(timedelta(minutes=2), now) == expected
