"""How long to wait after a failure, for the HTTP client and for the scheduler.

A transient failure is retried after an exponential wait with full jitter. After `FAILURE_LIMIT` failures in a row
only one probe per sync interval is sent. Refused credentials are probed after 5 minutes, doubling up to 1 hour.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import timedelta

from exporter.errors import Reason, SourceRejectedError, SourceUnavailableError

FAILURE_LIMIT = 5
"""Failures in a row after which retries stop and one probe is sent per interval."""

_MAX_DOUBLINGS = 10


def _exponential(first: float, count: int, longest: float) -> float:
    return min(first * 2.0 ** min(count - 1, _MAX_DOUBLINGS), longest)


def retry_wait(failures: int, jitter: float, first: float = 1.0, longest: float = 20.0) -> float:
    """Seconds before a transient failure is retried: full jitter below 1 s, 2 s, 4 s ... `jitter` is in [0, 1]."""
    return jitter * _exponential(first, failures, longest)


def credential_wait(refusals: int) -> float:
    """Seconds before refused credentials are tried again: 5 minutes, doubling up to 1 hour."""
    return _exponential(300.0, refusals, 3600.0)


def rate_limit_wait(refusals: int) -> float:
    """Seconds to wait after a 429 that names no wait: 30 seconds, doubling up to 1 hour."""
    return _exponential(30.0, refusals, 3600.0)


class CircuitBreaker:
    """Opens after `FAILURE_LIMIT` failed calls in a row; then allows one probe per interval until one succeeds."""

    def __init__(self, interval: timedelta, monotonic: Callable[[], float]) -> None:
        self._interval = interval.total_seconds()
        self._monotonic = monotonic
        self._failures = 0
        self._next_probe = 0.0

    @property
    def is_open(self) -> bool:
        """True while only probes are allowed."""
        return self._failures >= FAILURE_LIMIT

    def enter(self) -> None:
        """Raises SourceUnavailableError(BREAKER_OPEN) unless a call is allowed now."""
        if not self.is_open:
            return
        now = self._monotonic()
        if now < self._next_probe:
            raise SourceUnavailableError(
                Reason.BREAKER_OPEN, "the source keeps failing; it is retried once per sync interval"
            )
        self._next_probe = now + self._interval

    def failed(self) -> None:
        """Counts a call without a usable response."""
        self._failures += 1
        if self.is_open:
            self._next_probe = self._monotonic() + self._interval

    def succeeded(self) -> None:
        """Closes the breaker: the source responded."""
        self._failures = 0


class CredentialLockout:
    """Stops requests with refused credentials, for `credential_wait` or until the secret changes.

    Vendors lock accounts after repeated refusals. A refusal right after a success concerns a single path, so it
    does not count.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._refusals = 0
        self._locked_until = 0.0
        self._identity: Hashable = None
        self._accepted = False

    def enter(self, identity: Hashable) -> None:
        """Raises SourceRejectedError(UNAUTHORIZED) while these credentials must not be tried again."""
        if self._refusals and identity == self._identity and self._monotonic() < self._locked_until:
            raise SourceRejectedError(Reason.UNAUTHORIZED, "the credentials were refused; they are retried later")

    def refused(self, identity: Hashable) -> None:
        """Counts a refusal of the credentials."""
        if not self._accepted:
            self._refusals = self._refusals + 1 if identity == self._identity else 1
            self._locked_until = self._monotonic() + credential_wait(self._refusals)
            self._identity = identity
        self._accepted = False

    def accepted(self) -> None:
        """Ends the lockout: the vendor accepted the credentials."""
        self._accepted = True
        self._refusals = 0


class RetryBudget:
    """Limits retries to a fifth of the requests plus a small reserve, so that retries do not multiply an outage."""

    PER_REQUEST = 0.2
    RESERVE = 10.0
    CAPACITY = 100.0

    def __init__(self) -> None:
        self._remaining = self.RESERVE

    def request(self) -> None:
        """Earns a fraction of a retry."""
        self._remaining = min(self.CAPACITY, self._remaining + self.PER_REQUEST)

    def spend(self) -> bool:
        """Takes one retry from the budget; False if none remains."""
        if self._remaining < 1:
            return False
        self._remaining -= 1
        return True
