"""Numbers, durations and ages formatted for people."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exporter.exposition.formatting import age, amount, ratio, span
from tests.exposition.sample import NOW


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "count", "–"),
        (1234.5, "count", "1,234.5"),
        (7.0, "count", "7"),
        (0.126, "count", "0.13"),
        (12_345.67, "count", "12,346"),
        (-1_234_567.0, "count", "-1.23M"),
        (0.623, "ratio", "62.3 %"),
        (1_200_000.0, "currency", "CHF 1.20M"),
        (9165.3267, "currency", "CHF 9,165"),
        (950.0, "currency", "CHF 950.00"),
        (2.5e9, "currency", "CHF 2.50B"),
        (67.0, "seconds", "1m 07s"),
        (3.4, "score", "3.40"),
        (2.5, "number", "2.5"),
        (0.623, "number", "0.623"),
        (0.00412, "number", "0.00412"),
        (1.256, "number", "1.26"),
        (1234.5, "number", "1,234.5"),
        (3.0, "number", "3"),
        (41.66, "points", "41.7 pts"),
        (42.0, "points", "42 pts"),
        (-100.0, "points", "-100 pts"),
        (-0.04, "points", "0 pts"),
        (1500.0, "visits", "1,500 visits"),
    ],
)
def test_values_are_formatted_in_their_unit(value: float | None, unit: str, text: str) -> None:
    assert amount(value, unit, "CHF") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (8.44, "8.4s"),
        (59.97, "1m 00s"),
        (3599.4, "59m 59s"),
        (7530, "2h 05m"),
        (275_000, "3d 04h"),
        (-75, "-1m 15s"),
    ],
)
def test_durations_have_two_units(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "just now"), (12, "12s ago"), (200, "3 min ago"), (20_000, "5 h ago"), (90_000, "1 day ago"),
        (200_000, "2 days ago"), (-95, "in 1 min"),
    ],
)  # fmt: skip
def test_ages_have_one_unit(seconds: float, text: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == text


def test_missing_values_have_a_text() -> None:
    assert age(None, NOW) == "never"
    assert ratio(None) == "–"
    assert ratio(0.966) == "0.97"
