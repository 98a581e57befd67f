"""Rate limits: one limiter per credential spaces requests and honours the vendor's waits in full."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from aiolimiter import AsyncLimiter

from exporter.errors import RateLimitedError
from exporter.sources.backoff import rate_limit_wait
from exporter.sources.base import SourceContext

ATTEMPTS = 3
"""Attempts of one call, including the first."""

LONGEST_SLEEP = 15.0
"""Waits up to this many seconds are slept; for longer ones the pass is postponed."""

LONGEST_WAIT = 365 * 86400.0

HeaderWait = Callable[[Mapping[str, str]], float | None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a vendor allows: requests per second, and the wait that its headers ask for.

    `wait` gets the headers of every response (names in lower case) and returns the seconds during which no request
    may be sent, or None. `Limits()` sets no limit; Retry-After is still obeyed.
    """

    per_second: float | None = None
    wait: HeaderWait | None = None


NO_LIMITS = Limits()


class RateLimiter:
    """Spaces the requests of all tasks that share a credential, and delays them while the vendor asks for a wait."""

    def __init__(self, per_second: float | None, context: SourceContext, interval: timedelta) -> None:
        self._per_second = per_second
        self._context = context
        self._longest_sleep = min(LONGEST_SLEEP, interval.total_seconds())
        self._bucket: AsyncLimiter | None = None
        self._paused_until = 0.0
        self._penalties = 0

    async def enter(self) -> None:
        """Returns when a request may be sent; raises RateLimitedError if that takes too long to wait for."""
        while (until := self._paused_until) > (now := self._context.monotonic()):
            if until - now > self._longest_sleep:
                raise RateLimitedError("the vendor's rate limit is used up", until - now)
            await self._context.sleep(until - now)
            if self._paused_until == until:
                break
        if self._per_second is None:
            return
        if self._bucket is None:  # bound to the running loop, so it is not created earlier
            burst = max(1.0, self._per_second / 10)  # a bucket for a whole second would exceed a strict limit
            self._bucket = AsyncLimiter(burst, burst / self._per_second)
        await self._bucket.acquire()

    def pause(self, seconds: float) -> None:
        """Allows no request for this many seconds."""
        self._paused_until = max(self._paused_until, self._context.monotonic() + min(seconds, LONGEST_WAIT))

    def sleeps(self, seconds: float) -> bool:
        """Whether a wait is short enough to be slept."""
        return seconds <= self._longest_sleep

    def penalty(self) -> float:
        """The next wait for a vendor that refuses without naming one."""
        self._penalties += 1
        return rate_limit_wait(self._penalties)

    def succeeded(self) -> None:
        """Resets the penalties."""
        self._penalties = 0
