"""Waits after failures, and what stops retries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exporter.errors import Reason, SourceRejectedError, SourceUnavailableError
from exporter.sources.backoff import CircuitBreaker, CredentialLockout, RetryBudget, retry_wait
from tests.sources.source_context import FakeClock


def broken(clock: FakeClock) -> CircuitBreaker:
    breaker = CircuitBreaker(timedelta(seconds=60), clock.monotonic)
    for _ in range(5):
        breaker.enter()
        breaker.failed()
    return breaker


def test_four_failures_in_a_row_leave_the_breaker_closed() -> None:
    breaker = CircuitBreaker(timedelta(seconds=60), FakeClock().monotonic)
    for _ in range(3):
        for _ in range(4):
            breaker.enter()
            breaker.failed()
        breaker.succeeded()
    assert not breaker.is_open


def test_an_open_breaker_allows_one_probe_per_interval() -> None:
    clock = FakeClock()
    breaker = broken(clock)
    for _ in range(3):
        with pytest.raises(SourceUnavailableError) as caught:
            breaker.enter()
        assert caught.value.reason is Reason.BREAKER_OPEN
        clock.advance(60)
        breaker.enter()


def test_a_success_closes_the_breaker() -> None:
    breaker = broken(FakeClock())
    breaker.succeeded()
    breaker.enter()


def test_the_lockout_ends_with_another_secret_or_after_its_wait() -> None:
    clock = FakeClock()
    lockout = CredentialLockout(clock.monotonic)
    lockout.enter("a")
    lockout.refused("a")
    with pytest.raises(SourceRejectedError):
        lockout.enter("a")
    lockout.enter("b")
    clock.advance(300)
    lockout.enter("a")


def test_another_secret_restarts_with_the_shortest_lockout() -> None:
    clock = FakeClock()
    lockout = CredentialLockout(clock.monotonic)
    for _ in range(4):
        lockout.refused("a")
    lockout.refused("b")
    clock.advance(300)
    lockout.enter("b")


def test_a_refusal_right_after_a_success_does_not_lock_but_a_second_one_does() -> None:
    lockout = CredentialLockout(FakeClock().monotonic)
    lockout.accepted()
    lockout.refused("a")
    lockout.enter("a")
    lockout.refused("a")
    with pytest.raises(SourceRejectedError):
        lockout.enter("a")


def test_the_retry_budget_has_a_reserve_and_earns_a_fifth_per_request() -> None:
    budget = RetryBudget()
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(5):
        budget.request()
    assert [budget.spend(), budget.spend()] == [True, False]


def test_the_retry_budget_is_capped() -> None:
    budget = RetryBudget()
    for _ in range(10_000):
        budget.request()
    assert sum(budget.spend() for _ in range(1000)) == 100


def test_the_retry_wait_doubles_with_full_jitter_up_to_twenty_seconds() -> None:
    assert [retry_wait(attempt, 1.0) for attempt in range(1, 8)] == [1, 2, 4, 8, 16, 20, 20]
    assert retry_wait(5, 0.0) == 0
