"""Two brakes: the breaker for a source that is down, the lockout for credentials that are refused."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import timedelta

from exporter.errors import Reason, SourceRejectedError, SourceUnavailableError


class Breaker:
    """Opens after five calls that failed in a row; then one probe per interval until one succeeds."""

    FAILURES = 5

    def __init__(self, interval: timedelta, monotonic: Callable[[], float]) -> None:
        self._interval = interval.total_seconds()
        self._monotonic = monotonic
        self._failures = 0
        self._next_probe = 0.0

    @property
    def is_open(self) -> bool:
        """True while only probes are let through."""
        return self._failures >= self.FAILURES

    def enter(self) -> None:
        """Raises SourceUnavailableError(BREAKER_OPEN) unless a call may be tried now."""
        if not self.is_open:
            return
        now = self._monotonic()
        if now < self._next_probe:
            raise SourceUnavailableError(Reason.BREAKER_OPEN, "the source keeps failing: next try in a while")
        self._next_probe = now + self._interval

    def failed(self) -> None:
        """A call failed for want of an answer."""
        self._failures += 1
        if self.is_open:
            self._next_probe = self._monotonic() + self._interval

    def succeeded(self) -> None:
        """The source answered."""
        self._failures = 0


class Lockout:
    """Stops asking with refused credentials: after 5 min, doubling up to 1 h, or when the secret changes.

    Vendors lock accounts that keep knocking. A refusal right after a success is one of a single path, so it
    does not count.
    """

    FIRST, LONGEST = 300.0, 3600.0

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._refusals = 0
        self._until = 0.0
        self._identity: Hashable = None
        self._accepted = False

    def enter(self, identity: Hashable) -> None:
        """Raises SourceRejectedError(UNAUTHORIZED) while these credentials need not be tried again."""
        if self._refusals and identity == self._identity and self._monotonic() < self._until:
            raise SourceRejectedError(Reason.UNAUTHORIZED, "the credentials were refused: next try in a while")

    def refused(self, identity: Hashable) -> None:
        """The vendor does not accept the credentials."""
        if not self._accepted:
            self._refusals = self._refusals + 1 if identity == self._identity else 1
            wait = min(self.FIRST * 2.0 ** min(self._refusals - 1, 10), self.LONGEST)
            self._until = self._monotonic() + wait
            self._identity = identity
        self._accepted = False

    def accepted(self) -> None:
        """The vendor accepts the credentials."""
        self._accepted = True
        self._refusals = 0
