"""The rate limit of a token bucket: a burst at once, then so many a second."""

from __future__ import annotations


class TokenBucket:
    """Counts what happens against a rate. `now` is of any clock that never goes back, in seconds."""

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens, self._counted_at = burst, now

    def take(self, now: float) -> float:
        """Seconds until the rate allows one more; 0 counts it."""
        refill = (now - self._counted_at) * self._per_second
        self._tokens, self._counted_at = min(self._tokens + refill, self._burst), now
        if self._tokens < 1:
            return (1 - self._tokens) / self._per_second
        self._tokens -= 1
        return 0.0
