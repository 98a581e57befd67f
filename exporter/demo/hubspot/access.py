"""Who may ask HubSpot for what, and how often: keys, tokens that expire, scopes and rate limits."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from exporter.demo.allowance import RequestLimit
from exporter.demo.answers import ApiError

TOKEN_LIFE = timedelta(minutes=30)

_WELL_FORMED = re.compile(r"[A-Za-z0-9._\-]{3,256}")


def refusal(status: int, category: str, message: str, errors: list[dict[str, Any]] | None = None) -> ApiError:
    """An error in the shape that HubSpot gives all of them."""
    body: dict[str, Any] = {"status": "error", "message": message, "correlationId": "demo", "category": category}
    return ApiError(status, {**body, "errors": errors} if errors else body)


@dataclass
class HubspotAccess:
    """The credentials and limits of the account.

    `token` is a service key that does not expire; `refresh_token` buys tokens that live 30 minutes.
    """

    clock: Callable[[], datetime]
    token: str
    scopes: frozenset[str]
    refresh_token: str = "demo-refresh"  # noqa: S105 - the demo's data are made up
    allowance: RequestLimit = field(default_factory=lambda: RequestLimit(1000, 10))
    searches: RequestLimit = field(default_factory=lambda: RequestLimit(5, 1))
    _issued: dict[str, datetime] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def admit(self, authorization: str, scope: str | None) -> None:
        """Raises RefusedError: 401, 403 that names the scope, or 530 from the edge for a malformed token."""
        scheme, _, token = authorization.partition(" ")
        if token and not _WELL_FORMED.fullmatch(token):
            raise ApiError(530, "<html><body>error code: 1016</body></html>")
        ends = self._issued.get(token)
        if scheme != "Bearer" or (token != self.token and ends is None):
            raise refusal(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
        if ends is not None and ends <= self.clock():
            raise refusal(401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired.")
        if scope is not None and scope not in self.scopes:
            missing = [{"message": "scopes are required", "context": {"requiredGranularScopes": [scope]}}]
            raise refusal(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes.", missing)

    def count(self) -> dict[str, str]:
        """Uses up one request and gives the limit headers; raises RefusedError(429)."""
        allowed = self.allowance.take(self.clock().timestamp())
        headers = {
            "X-HubSpot-RateLimit-Max": str(self.allowance.most),
            "X-HubSpot-RateLimit-Remaining": str(self.allowance.left),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(self.allowance.seconds * 1000)),
            "X-HubSpot-RateLimit-Daily": "650000",
            "X-HubSpot-RateLimit-Daily-Remaining": "649000",
        }
        if not allowed:
            raise ApiError(429, _limit("TEN_SECONDLY_ROLLING"), headers)
        return headers

    def revoke(self) -> None:
        """Ends all tokens at once."""
        self._issued.clear()

    def count_search(self) -> dict[str, str]:
        """Uses up one search; its answers carry no limit headers. Raises RefusedError(429)."""
        if not self.searches.take(self.clock().timestamp()):
            raise ApiError(429, _limit("SECONDLY"))
        return {}

    def issue(self, body: bytes) -> dict[str, Any]:
        """A new access token for the refresh token in a form; raises RefusedError(400)."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh_token:
            raise ApiError(400, {"status": "BAD_REFRESH_TOKEN", "message": "missing or unknown refresh token"})
        token = f"access-{next(self._numbers)}"
        self._issued[token] = self.clock() + TOKEN_LIFE
        return {
            "access_token": token,
            "refresh_token": self.refresh_token,
            "token_type": "bearer",
            "expires_in": int(TOKEN_LIFE.total_seconds()),
        }


def _limit(policy: str) -> dict[str, Any]:
    message = f"You have reached your {policy.lower()} limit."
    return {"status": "error", "message": message, "errorType": "RATE_LIMIT", "policyName": policy}
