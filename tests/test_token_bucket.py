"""A burst at once, then so many a second."""

from __future__ import annotations

from exporter.token_bucket import TokenBucket


def test_a_burst_is_allowed_at_once_and_then_one_each_interval() -> None:
    bucket = TokenBucket(0.5, 3, now=100.0)
    assert [bucket.take(100.0) for _ in range(4)] == [0, 0, 0, 2]
    assert bucket.take(101.0) == 1
    assert bucket.take(102.0) == 0
    assert bucket.take(102.0) == 2


def test_no_more_than_a_burst_is_saved_up() -> None:
    bucket = TokenBucket(1, 2, now=0.0)
    assert [bucket.take(1000.0) for _ in range(3)] == [0, 0, 1]
