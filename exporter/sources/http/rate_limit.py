"""Politeness towards a vendor: one gate per credential, waits honoured in full, retries on a budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from aiolimiter import AsyncLimiter

from exporter.errors import RateLimitedError
from exporter.sources.backoff import rate_limit_wait
from exporter.sources.base import SourceContext

ATTEMPTS = 3
"""Attempts of one call, the first included."""

LONGEST_SLEEP = 15.0
"""Waits up to so many seconds are slept; for longer ones the pass is put off."""

LONGEST_WAIT = 365 * 86400.0

HeaderWait = Callable[[Mapping[str, str]], float | None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a vendor allows: requests a second, and how its headers say to wait.

    `wait` gets every answer's headers (names in lower case) and gives the seconds for which no request may
    be sent, or None. `Limits()` knows of no limit but still obeys Retry-After.
    """

    per_second: float | None = None
    wait: HeaderWait | None = None


NO_LIMITS = Limits()


class RateLimiter:
    """Spaces the requests of all tasks that share a credential, and holds them back when the vendor asks to."""

    def __init__(self, per_second: float | None, context: SourceContext, interval: timedelta) -> None:
        self._per_second = per_second
        self._context = context
        self._patience = min(LONGEST_SLEEP, interval.total_seconds())
        self._bucket: AsyncLimiter | None = None
        self._until = 0.0
        self._penalties = 0

    async def enter(self) -> None:
        """Returns when a request may be sent; raises RateLimitedError where that is too far off."""
        while (until := self._until) > (now := self._context.monotonic()):
            if until - now > self._patience:
                raise RateLimitedError("the vendor's limit is used up", until - now)
            await self._context.sleep(until - now)
            if self._until == until:
                break
        if self._per_second is not None:
            await self._spaced(self._per_second)

    async def _spaced(self, per_second: float) -> None:
        if self._bucket is None:  # bound to the running loop, so not made earlier
            burst = max(1.0, per_second / 10)  # a bucket as deep as a whole second would exceed a strict limit
            self._bucket = AsyncLimiter(burst, burst / per_second)
        await self._bucket.acquire()

    def hold(self, seconds: float) -> None:
        """No request before so many seconds have passed."""
        self._until = max(self._until, self._context.monotonic() + min(seconds, LONGEST_WAIT))

    def sleeps(self, seconds: float) -> bool:
        """True where a wait is short enough to be slept."""
        return seconds <= self._patience

    def penalty(self) -> float:
        """Seconds to stay away where the vendor refuses without saying for how long: 30 s, doubling up to 1 h."""
        self._penalties += 1
        return rate_limit_wait(self._penalties)

    def passed(self) -> None:
        """A request went through: penalties start anew."""
        self._penalties = 0
