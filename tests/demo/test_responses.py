"""The rate limit of the fake APIs."""

from __future__ import annotations

from exporter.demo.responses import RequestLimit


def test_a_window_allows_a_number_of_requests_and_then_none_until_the_next() -> None:
    allowance = RequestLimit(2, 10)
    assert [allowance.take(now) for now in (100.0, 101.0, 102.0, 109.9)] == [True, True, False, False]
    assert (allowance.remaining, allowance.resets_at()) == (0, 110.0)
    assert allowance.take(110.0)
    assert (allowance.remaining, allowance.resets_at()) == (1, 120.0)
