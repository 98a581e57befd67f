"""Zendesk's access control: expiring OAuth tokens, the rate limit of the account, and one for each export."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from exporter.demo.responses import ApiError, RequestLimit

TOKEN_LIFE = timedelta(hours=2)
MINUTE = 60.0
ADMIN = "admin@alpenwerk.example"
"""The agent whose legacy API token is accepted too."""


def api_error(status: int, error: str, description: str) -> ApiError:
    """An error in the most common of Zendesk's four formats."""
    return ApiError(status, {"error": error, "description": description})


def invalid_endpoint() -> ApiError:
    """The error of a path that does not exist or that the plan lacks, in another format."""
    return ApiError(404, {"error": {"title": "InvalidEndpoint", "message": "Not found"}})


def _exports() -> dict[str, RequestLimit]:
    """Requests per minute. The vendor allows 10 for tickets (30 with the add-on), 20 for users and 10 for Talk.

    The limits are higher here because a first load of years would otherwise take a quarter of an hour.
    """
    return {"tickets": RequestLimit(100, MINUTE), "users": RequestLimit(100, MINUTE), "talk": RequestLimit(300, MINUTE)}


@dataclass
class ZendeskAccess:
    """One OAuth client, one legacy API token, and the limits of an account on a large plan."""

    clock: Callable[[], datetime]
    client_id: str
    secret: str
    account: RequestLimit = field(default_factory=lambda: RequestLimit(2500, MINUTE))
    exports: dict[str, RequestLimit] = field(default_factory=_exports)
    _issued: dict[str, datetime] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def admit(self, authorization: str) -> None:
        """Raises ApiError(401) for unknown and for expired credentials."""
        scheme, _, token = authorization.partition(" ")
        if scheme == "Basic":
            if token == base64.b64encode(f"{ADMIN}/token:{self.secret}".encode()).decode():
                return
            raise ApiError(401, {"error": "Couldn't authenticate you"})
        expires_at = self._issued.get(token) if scheme == "Bearer" else None
        if expires_at is None or expires_at <= self.clock():
            raise ApiError(
                401, {"error": "invalid_token", "error_description": "The access token provided is expired or revoked."}
            )

    def count(self, export: str | None) -> dict[str, str]:
        """Counts a request against the limits of the account and of the export, and returns the rate limit headers.

        Raises ApiError(429) if a limit is exceeded.
        """
        now = self.clock().timestamp()
        allowed = self.account.take(now)
        headers = {
            "x-rate-limit": str(self.account.limit),
            "ratelimit-limit": str(self.account.limit),
            "ratelimit-remaining": str(self.account.remaining),
            "ratelimit-reset": str(_seconds_until_reset(self.account, now)),
        }
        export_limit = self.exports[export] if export else None
        if export_limit is not None:
            allowed = export_limit.take(now) and allowed
            name = "exports" if export == "talk" else "exports-cursor"
            usage = f"total={export_limit.limit}; remaining={export_limit.remaining}; resets={_seconds_until_reset(export_limit, now)}"
            headers[f"Zendesk-RateLimit-incremental-{name}"] = usage
        if not allowed:
            wait = max(
                _seconds_until_reset(limit, now)
                for limit in (self.account, export_limit)
                if limit is not None and limit.remaining <= 0
            )
            description = "Number of allowed API requests per minute exceeded"
            raise ApiError(
                429,
                {"error": "APIRateLimitExceeded", "description": description},
                {**headers, "retry-after": str(wait)},
            )
        return headers

    def issue(self, body: bytes) -> dict[str, Any]:
        """A new access token for the client credentials in a form. Raises ApiError(401)."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        credentials = form.get("grant_type"), form.get("client_id"), form.get("client_secret")
        if credentials != ("client_credentials", self.client_id, self.secret):
            raise ApiError(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
        token = f"access-{next(self._numbers)}"
        self._issued[token] = self.clock() + TOKEN_LIFE
        return {
            "access_token": token,
            "token_type": "bearer",
            "scope": form.get("scope", "read"),
            "expires_in": int(TOKEN_LIFE.total_seconds()),
        }


def _seconds_until_reset(limit: RequestLimit, now: float) -> int:
    return max(1, round(limit.resets_at() - now))
