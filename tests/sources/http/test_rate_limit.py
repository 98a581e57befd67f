from __future__ import annotations

from datetime import timedelta

import pytest

from exporter.errors import RateLimitedError
from exporter.sources.http.rate_limit import LONGEST_WAIT, RateLimiter
from tests.sources.source_context import FakeClock, run, source_context


def limiter_of(clock: FakeClock, interval: int = 60, per_second: float | None = None) -> RateLimiter:
    return RateLimiter(per_second, source_context(clock=clock), timedelta(seconds=interval))


def test_a_limiter_without_a_pause_lets_requests_through_at_once() -> None:
    clock = FakeClock()
    run(limiter_of(clock).enter())
    assert clock.slept == []


def test_a_short_pause_is_slept_and_a_long_one_raises() -> None:
    clock = FakeClock()
    limiter = limiter_of(clock)
    limiter.pause(15)
    run(limiter.enter())
    assert clock.slept == [15.0]
    limiter.pause(16)
    with pytest.raises(RateLimitedError) as caught:
        run(limiter.enter())
    assert caught.value.retry_after == 16


def test_a_wait_longer_than_the_interval_is_never_slept() -> None:
    clock = FakeClock()
    limiter = limiter_of(clock, interval=5)
    limiter.pause(6)
    assert not limiter.sleeps(6)
    with pytest.raises(RateLimitedError):
        run(limiter.enter())


def test_the_longest_pause_wins() -> None:
    clock = FakeClock()
    limiter = limiter_of(clock)
    limiter.pause(10)
    limiter.pause(3)
    run(limiter.enter())
    assert clock.slept == [10.0]


def test_a_pause_extended_during_sleep_is_slept_in_full() -> None:
    clock = FakeClock()
    limiter = limiter_of(clock)

    async def sleep(seconds: float) -> None:
        if not clock.slept:
            limiter.pause(12)
        clock.slept.append(seconds)
        clock.advance(seconds)

    object.__setattr__(limiter._context, "sleep", sleep)
    limiter.pause(8)
    run(limiter.enter())
    assert clock.slept == [8.0, 4.0]


def test_a_clock_that_stands_still_during_sleep_does_not_block_requests() -> None:
    clock = FakeClock()
    limiter = limiter_of(clock)

    async def sleep(seconds: float) -> None:
        clock.slept.append(seconds)

    object.__setattr__(limiter._context, "sleep", sleep)
    limiter.pause(8)
    run(limiter.enter())
    assert clock.slept == [8.0]


def test_no_pause_is_longer_than_a_year() -> None:
    limiter = limiter_of(FakeClock())
    limiter.pause(1e30)
    with pytest.raises(RateLimitedError) as caught:
        run(limiter.enter())
    assert caught.value.retry_after == LONGEST_WAIT


def test_penalties_double_up_to_an_hour_and_reset_after_a_success() -> None:
    limiter = limiter_of(FakeClock())
    assert [limiter.penalty() for _ in range(9)] == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    limiter.succeeded()
    assert limiter.penalty() == 30
