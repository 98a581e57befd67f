"""Pipedrive's access control: an API token, a burst limit over two seconds, and a daily budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from exporter.demo.responses import ApiError, RequestLimit

DAY = 86_400.0
REFUSALS_BEFORE_BLOCK = 20
"""Consecutive refused requests after which the network in front of the API blocks the client."""
BLOCK_SECONDS = 600.0
"""Seconds for which a blocked client gets an HTML page."""

_BLOCK_PAGE = "<!DOCTYPE html><html><head><title>Access denied</title></head><body>Error 1015</body></html>"


def api_error(status: int, error: str) -> ApiError:
    """An error in the format that both versions share."""
    return ApiError(status, {"success": False, "error": error, "errorCode": status, "data": None})


@dataclass
class PipedriveAccess:
    """The token of one user, and the limits of a company with 23 seats on the Growth plan."""

    clock: Callable[[], datetime]
    token: str
    burst: RequestLimit = field(default_factory=lambda: RequestLimit(100, 2))
    budget: int = 30_000 * 2 * 23
    _day: int = -1
    _spent: int = 0
    _refused: int = 0
    _blocked_until: float = 0.0

    def admit(self, token: str | None) -> None:
        """Raises ApiError(401) for any other token."""
        if token != self.token:
            raise api_error(401, "unauthorized access")

    def spend(self, cost: int) -> dict[str, str]:
        """Charges a request that costs so many tokens to the daily budget, and returns the rate limit headers.

        Raises ApiError: 429 if the burst limit or the budget is exceeded, and 403 in HTML while the client is blocked.
        """
        now = self.clock().timestamp()
        if now < self._blocked_until:
            raise ApiError(403, _BLOCK_PAGE)
        if int(now // DAY) != self._day:
            self._day, self._spent = int(now // DAY), 0
        allowed = self.burst.take(now)
        affordable = self._spent + cost <= self.budget
        headers = self._headers(now)
        if not (allowed and affordable):
            self._refuse(now)
            raise ApiError(429, {"success": False, "error": "request over limit", "errorCode": 429}, headers)
        self._refused = 0
        self._spent += cost
        return {**headers, "x-daily-ratelimit-token-remaining": str(self.budget - self._spent)}

    def _refuse(self, now: float) -> None:
        self._refused += 1
        if self._refused > REFUSALS_BEFORE_BLOCK:
            self._refused, self._blocked_until = 0, now + BLOCK_SECONDS

    def _headers(self, now: float) -> dict[str, str]:
        """The rate limit headers; the only hint when to retry is the seconds until the burst resets."""
        return {
            "x-ratelimit-limit": str(self.burst.limit),
            "x-ratelimit-remaining": str(self.burst.remaining),
            "x-ratelimit-reset": str(max(1, round(self.burst.resets_at() - now))),
            "x-daily-ratelimit-token-limit": str(self.budget),
            "x-daily-ratelimit-token-remaining": str(max(0, self.budget - self._spent)),
        }
