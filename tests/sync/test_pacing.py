"""How long is waited after what."""

from __future__ import annotations

import random

import pytest

from exporter.errors import Reason
from exporter.sync.observer import PassReport
from exporter.sync.pacing import Pacing

PACING = Pacing()


def waits(report: PassReport, failures: int, interval: float = 60.0) -> tuple[float, float]:
    """The shortest and the longest of many waits."""
    found = [PACING.after(report, failures, interval, random.Random(seed)) for seed in range(200)]
    return min(found), max(found)


def report(reason: Reason | None = None, retry_after: float | None = None) -> PassReport:
    return PassReport("crm", "deals", full=False, success=reason is None, reason=reason, retry_after=retry_after)


@pytest.mark.parametrize("interval", [1.0, 60.0, 86400.0])
def test_after_a_success_the_interval_passes(interval: float) -> None:
    shortest, longest = waits(report(), 0, interval)
    assert interval <= shortest < longest <= interval * 1.05


@pytest.mark.parametrize(("failures", "most"), [(1, 2), (2, 4), (3, 8), (4, 16)])
@pytest.mark.parametrize("reason", [Reason.CONNECT, Reason.TIMEOUT, Reason.SERVER_ERROR, Reason.INTERNAL])
def test_what_may_pass_is_tried_again_soon_and_never_in_step(reason: Reason, failures: int, most: float) -> None:
    shortest, longest = waits(report(reason), failures)
    assert 0 <= shortest < most * 0.1
    assert most * 0.9 < longest <= most


def test_a_retry_is_never_later_than_the_interval() -> None:
    assert waits(report(Reason.DNS), 4, interval=5.0)[1] <= 5.0


@pytest.mark.parametrize("failures", [5, 6, 1000])
def test_from_the_fifth_failure_on_there_is_one_probe_an_interval(failures: int) -> None:
    shortest, longest = waits(report(Reason.CONNECT), failures)
    assert 60 <= shortest < longest <= 63


@pytest.mark.parametrize("reason", [Reason.SCHEMA, Reason.CAPPED, Reason.NOT_FOUND, Reason.TOO_MANY_REJECTED])
def test_what_trying_again_cannot_change_waits_for_the_next_interval(reason: Reason) -> None:
    assert waits(report(reason), 1)[0] >= 60


@pytest.mark.parametrize(("failures", "expected"), [(1, 300), (2, 600), (4, 2400), (5, 3600), (5000, 3600)])
@pytest.mark.parametrize("reason", [Reason.UNAUTHORIZED, Reason.FORBIDDEN])
def test_refused_credentials_are_spared(reason: Reason, failures: int, expected: float) -> None:
    assert waits(report(reason), failures) == (expected, expected)
    assert waits(report(reason), failures, interval=7200.0) == (7200, 7200)


def test_the_vendor_s_wait_is_honoured_in_full() -> None:
    shortest, longest = waits(report(Reason.RATE_LIMITED, retry_after=1800.0), 3)
    assert 1800 <= shortest <= longest <= 1801
