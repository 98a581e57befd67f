"""Who may ask Zendesk, and how often: OAuth tokens that expire, an account's limit, and one for each export."""

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
"""The agent whose API token is taken too, in the old way."""


def refusal(status: int, error: str, description: str) -> ApiError:
    """An error in the commonest of Zendesk's four shapes."""
    return ApiError(status, {"error": error, "description": description})


def no_such_place() -> ApiError:
    """What an address answers that is not there, or that the plan does not have: another shape of error."""
    return ApiError(404, {"error": {"title": "InvalidEndpoint", "message": "Not found"}})


def _exports() -> dict[str, RequestLimit]:
    """Requests a minute. The vendor's own are 10 of tickets (30 with the add-on), 20 of users and 10 of Talk.

    Here a first load of years should not take a quarter of an hour.
    """
    return {"tickets": RequestLimit(100, MINUTE), "users": RequestLimit(100, MINUTE), "talk": RequestLimit(300, MINUTE)}


@dataclass
class ZendeskAccess:
    """One OAuth client, one API token of old, and the limits of an account on a large plan."""

    clock: Callable[[], datetime]
    client_id: str
    secret: str
    account: RequestLimit = field(default_factory=lambda: RequestLimit(2500, MINUTE))
    exports: dict[str, RequestLimit] = field(default_factory=_exports)
    _issued: dict[str, datetime] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def admit(self, authorization: str) -> None:
        """Raises ApiError(401) for a stranger and for a token that has expired."""
        scheme, _, token = authorization.partition(" ")
        if scheme == "Basic":
            if token == base64.b64encode(f"{ADMIN}/token:{self.secret}".encode()).decode():
                return
            raise ApiError(401, {"error": "Couldn't authenticate you"})
        ends = self._issued.get(token) if scheme == "Bearer" else None
        if ends is None or ends <= self.clock():
            raise ApiError(
                401, {"error": "invalid_token", "error_description": "The access token provided is expired or revoked."}
            )

    def count(self, export: str | None) -> dict[str, str]:
        """Uses up a request of the account and of the export, and gives the limit headers; ApiError(429)."""
        now = self.clock().timestamp()
        allowed = self.account.take(now)
        headers = {
            "x-rate-limit": str(self.account.limit),
            "ratelimit-limit": str(self.account.limit),
            "ratelimit-remaining": str(self.account.remaining),
            "ratelimit-reset": str(_left(self.account, now)),
        }
        own = self.exports[export] if export else None
        if own is not None:
            allowed = own.take(now) and allowed
            name = "exports" if export == "talk" else "exports-cursor"
            told = f"total={own.limit}; remaining={own.remaining}; resets={_left(own, now)}"
            headers[f"Zendesk-RateLimit-incremental-{name}"] = told
        if not allowed:
            wait = max(_left(one, now) for one in (self.account, own) if one is not None and one.remaining <= 0)
            told = "Number of allowed API requests per minute exceeded"
            raise ApiError(
                429, {"error": "APIRateLimitExceeded", "description": told}, {**headers, "retry-after": str(wait)}
            )
        return headers

    def issue(self, body: bytes) -> dict[str, Any]:
        """A new access token for the client's credentials in a form; raises ApiError(401)."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        given = form.get("grant_type"), form.get("client_id"), form.get("client_secret")
        if given != ("client_credentials", self.client_id, self.secret):
            raise ApiError(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
        token = f"access-{next(self._numbers)}"
        self._issued[token] = self.clock() + TOKEN_LIFE
        return {
            "access_token": token,
            "token_type": "bearer",
            "scope": form.get("scope", "read"),
            "expires_in": int(TOKEN_LIFE.total_seconds()),
        }


def _left(allowance: RequestLimit, now: float) -> int:
    return max(1, round(allowance.resets_at() - now))
