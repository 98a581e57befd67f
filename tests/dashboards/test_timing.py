"""Durations as the programs write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dashboards.encoding import duration_text, promql_seconds
from tests.dashboards.checks.shape import duration


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(), "0s"),
        (timedelta(seconds=90), "90s"),
        (timedelta(minutes=90), "90m"),
        (timedelta(hours=24), "1d"),
        (timedelta(days=400), "400d"),
        (timedelta(milliseconds=1500), "1500ms"),
    ],
)
def test_a_span_is_written_in_its_largest_whole_unit(span: timedelta, text: str) -> None:
    assert duration_text(span) == text
    assert duration(text) == span.total_seconds()


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "1h30m", None, 5])
def test_what_is_no_duration(text: object) -> None:
    assert duration(text) is None


def test_seconds_for_promql_have_no_exponent() -> None:
    assert promql_seconds(timedelta(days=30)) == "2592000"
    assert promql_seconds(timedelta(seconds=2.5)) == "2.5"
