"""What the fake APIs respond with: JSON, errors, and rate limits that cause them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response


class ApiError(Exception):
    """Raised to respond with an error: JSON, or HTML if the body is text."""

    def __init__(self, status: int, body: Mapping[str, Any] | str, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.body, self.headers = status, body, headers or {}
        super().__init__(status)

    def response(self) -> Response:
        """The error as an HTTP response."""
        if isinstance(self.body, str):
            return Response(self.body, self.status, dict(self.headers), "text/html")
        return json_response(self.status, self.body, self.headers)


def json_response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(orjson.dumps(body), status, dict(headers or {}), "application/json")


@dataclass
class RequestLimit:
    """A rate limit of `limit` requests per fixed window of `seconds`; times are seconds since 1970."""

    limit: int
    seconds: float
    used: int = 0
    _window: int = -1

    def take(self, now: float) -> bool:
        """Uses up one request; False if the window has none left."""
        window = int(now // self.seconds)
        if window != self._window:
            self._window, self.used = window, 0
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    @property
    def remaining(self) -> int:
        """Requests left in this window."""
        return self.limit - self.used

    def resets_at(self) -> float:
        """When the next window begins."""
        return (self._window + 1) * self.seconds
