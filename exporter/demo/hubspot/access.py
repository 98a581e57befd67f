"""Authorization and rate limits of the fake HubSpot: service keys, expiring tokens and scopes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from exporter.demo.responses import ApiError, RequestLimit

TOKEN_LIFETIME = timedelta(minutes=30)

_WELL_FORMED = re.compile(r"[A-Za-z0-9._\-]{3,256}")


def refusal(status: int, category: str, message: str, errors: list[dict[str, Any]] | None = None) -> ApiError:
    """An error in HubSpot's format."""
    body: dict[str, Any] = {"status": "error", "message": message, "correlationId": "demo", "category": category}
    return ApiError(status, {**body, "errors": errors} if errors else body)


@dataclass
class HubspotAccess:
    """The credentials and limits of the account.

    `token` is a service key that does not expire; `refresh_token` is exchanged for tokens that last 30 minutes.
    """

    clock: Callable[[], datetime]
    token: str
    scopes: frozenset[str]
    refresh_token: str = "demo-refresh"  # noqa: S105 - the demo's data are made up
    allowance: RequestLimit = field(default_factory=lambda: RequestLimit(1000, 10))
    searches: RequestLimit = field(default_factory=lambda: RequestLimit(5, 1))
    _issued: dict[str, datetime] = field(default_factory=dict)
    _token_numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def admit(self, authorization: str, scope: str | None) -> None:
        """Raises ApiError: 401, 403 with the missing scope, or 530 from the CDN for a malformed token."""
        scheme, _, token = authorization.partition(" ")
        if token and not _WELL_FORMED.fullmatch(token):
            raise ApiError(530, "<html><body>error code: 1016</body></html>")
        expires_at = self._issued.get(token)
        if scheme != "Bearer" or (token != self.token and expires_at is None):
            raise refusal(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
        if expires_at is not None and expires_at <= self.clock():
            raise refusal(401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired.")
        if scope is not None and scope not in self.scopes:
            missing = [{"message": "scopes are required", "context": {"requiredGranularScopes": [scope]}}]
            raise refusal(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes.", missing)

    def count(self) -> dict[str, str]:
        """Counts one request and returns the limit headers; raises ApiError(429)."""
        allowed = self.allowance.take(self.clock().timestamp())
        headers = {
            "X-HubSpot-RateLimit-Max": str(self.allowance.limit),
            "X-HubSpot-RateLimit-Remaining": str(self.allowance.remaining),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(self.allowance.seconds * 1000)),
            "X-HubSpot-RateLimit-Daily": "650000",
            "X-HubSpot-RateLimit-Daily-Remaining": "649000",
        }
        if not allowed:
            raise ApiError(429, _limit("TEN_SECONDLY_ROLLING"), headers)
        return headers

    def count_search(self) -> dict[str, str]:
        """Counts one search, whose responses have no limit headers; raises ApiError(429)."""
        if not self.searches.take(self.clock().timestamp()):
            raise ApiError(429, _limit("SECONDLY"))
        return {}

    def issue(self, body: bytes) -> dict[str, Any]:
        """A new access token for the refresh token in a form body; raises ApiError(400)."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh_token:
            raise ApiError(400, {"status": "BAD_REFRESH_TOKEN", "message": "missing or unknown refresh token"})
        token = f"access-{next(self._token_numbers)}"
        self._issued[token] = self.clock() + TOKEN_LIFETIME
        return {
            "access_token": token,
            "refresh_token": self.refresh_token,
            "token_type": "bearer",
            "expires_in": int(TOKEN_LIFETIME.total_seconds()),
        }


def _limit(policy: str) -> dict[str, Any]:
    message = f"You have reached your {policy.lower()} limit."
    return {"status": "error", "message": message, "errorType": "RATE_LIMIT", "policyName": policy}
