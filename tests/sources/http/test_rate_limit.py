from __future__ import annotations

from datetime import timedelta

import pytest

from exporter.errors import RateLimitedError
from exporter.sources.http.rate_limit import LONGEST_WAIT, RateLimiter
from tests.sources.source_context import Clock, run, source_context


def gate(clock: Clock, interval: int = 60, per_second: float | None = None) -> RateLimiter:
    return RateLimiter(per_second, source_context(clock=clock), timedelta(seconds=interval))


def test_an_open_gate_lets_everybody_through_at_once() -> None:
    clock = Clock()
    run(gate(clock).enter())
    assert clock.slept == []


def test_a_short_hold_is_slept_and_a_long_one_refused() -> None:
    clock = Clock()
    held = gate(clock)
    held.hold(15)
    run(held.enter())
    assert clock.slept == [15.0]
    held.hold(16)
    with pytest.raises(RateLimitedError) as caught:
        run(held.enter())
    assert caught.value.retry_after == 16


def test_a_wait_longer_than_the_interval_is_never_slept() -> None:
    clock = Clock()
    held = gate(clock, interval=5)
    held.hold(6)
    assert not held.sleeps(6)
    with pytest.raises(RateLimitedError):
        run(held.enter())


def test_the_longest_hold_counts_whatever_comes_later() -> None:
    clock = Clock()
    held = gate(clock)
    held.hold(10)
    held.hold(3)
    run(held.enter())
    assert clock.slept == [10.0]


def test_a_hold_that_grows_while_it_is_slept_is_slept_in_full() -> None:
    clock = Clock()
    held = gate(clock)

    async def sleep(seconds: float) -> None:
        if not clock.slept:
            held.hold(12)
        clock.slept.append(seconds)
        clock.go(seconds)

    object.__setattr__(held._context, "sleep", sleep)
    held.hold(8)
    run(held.enter())
    assert clock.slept == [8.0, 4.0]


def test_a_clock_that_does_not_move_while_sleeping_does_not_trap_anybody() -> None:
    clock = Clock()
    held = gate(clock)

    async def sleep(seconds: float) -> None:
        clock.slept.append(seconds)

    object.__setattr__(held._context, "sleep", sleep)
    held.hold(8)
    run(held.enter())
    assert clock.slept == [8.0]


def test_no_hold_is_longer_than_a_year() -> None:
    held = gate(Clock())
    held.hold(1e30)
    with pytest.raises(RateLimitedError) as caught:
        run(held.enter())
    assert caught.value.retry_after == LONGEST_WAIT


def test_penalties_double_up_to_an_hour_and_start_anew_after_a_success() -> None:
    held = gate(Clock())
    assert [held.penalty() for _ in range(9)] == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    held.passed()
    assert held.penalty() == 30
