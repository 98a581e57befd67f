"""Who may ask Pipedrive, and how much: a token, a burst of two seconds, and a budget for the day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from exporter.demo.responses import ApiError, RequestLimit

DAY = 86_400.0
PATIENCE = 20
"""Refused requests after which the network in front of the API takes over."""
BLOCKED = 600.0
"""Seconds for which it answers with a page of HTML."""

_BLOCK_PAGE = "<!DOCTYPE html><html><head><title>Access denied</title></head><body>Error 1015</body></html>"


def refusal(status: int, error: str) -> ApiError:
    """An error in the shape that both generations give."""
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
            raise refusal(401, "unauthorized access")

    def spend(self, cost: int) -> dict[str, str]:
        """Uses up a request that costs so many tokens of the day, and gives the limit headers.

        Raises ApiError: 429 for the burst and for the budget, and 403 in HTML for who goes on regardless.
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
        if self._refused > PATIENCE:
            self._refused, self._blocked_until = 0, now + BLOCKED

    def _headers(self, now: float) -> dict[str, str]:
        """Nothing says when to come again but the seconds until the burst starts anew."""
        return {
            "x-ratelimit-limit": str(self.burst.limit),
            "x-ratelimit-remaining": str(self.burst.remaining),
            "x-ratelimit-reset": str(max(1, round(self.burst.resets_at() - now))),
            "x-daily-ratelimit-token-limit": str(self.budget),
            "x-daily-ratelimit-token-remaining": str(max(0, self.budget - self._spent)),
        }
