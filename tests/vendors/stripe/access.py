"""Stripe's access control: restricted keys, API versions, and two rate limits."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.demo.responses import ApiError, RequestLimit

VERSION = "2026-06-24.dahlia"
"""The API version of requests without a version header."""

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?")

Row = dict[str, Any]


def _error(status: int, error: Row, headers: Mapping[str, str] | None = None) -> ApiError:
    """An error in Stripe's format."""
    return ApiError(status, {"error": {"type": "invalid_request_error", **error}}, headers)


def invalid(message: str, **details: str) -> ApiError:
    """The error of an invalid request."""
    return _error(400, {"message": message, **details})


def missing(kind: str, key: str) -> ApiError:
    """The error of an object that does not exist."""
    return _error(404, {"code": "resource_missing", "message": f"No such {kind}: '{key}'"})


@dataclass
class StripeAccess:
    """A restricted key, which may read the resources in `permissions`, and the rate limits of live mode.

    `ticks` gives the seconds by which rates are counted.
    """

    key: str
    permissions: frozenset[str]
    ticks: Callable[[], float] = time.monotonic
    global_limit: RequestLimit = field(default_factory=lambda: RequestLimit(100, 1))
    path_limit: int = 25
    _paths: dict[str, RequestLimit] = field(default_factory=dict)

    def admit(self, headers: Mapping[str, str], resource: str) -> None:
        """Raises ApiError: 401, 403 with the permission's name, 429 with the rate limit's name, or 400 for the version."""
        self._count(resource)
        if headers.get("authorization", "") not in {f"Bearer {self.key}", _basic(self.key)}:
            raise _error(401, {"message": "Invalid API Key provided"})
        if not _VERSION.fullmatch(headers.get("stripe-version", VERSION)):
            raise invalid(f"Invalid Stripe API version: {headers['stripe-version']}")
        if resource not in self.permissions:
            name = f"rak_{resource.rstrip('s')}_read"
            message = f"The provided key does not have the required permissions. Having the '{name}' permission would"
            raise _error(403, {"message": f"{message} allow this request."})

    def _count(self, resource: str) -> None:
        now = self.ticks()
        path_limit = self._paths.setdefault(resource, RequestLimit(self.path_limit, 1))
        for limit, reason in ((self.global_limit, "global-rate"), (path_limit, "endpoint-rate")):
            if not limit.take(now):
                error = {"code": "rate_limit", "message": "Request rate limit exceeded"}
                raise _error(429, error, {"Stripe-Rate-Limited-Reason": reason})


def _basic(key: str) -> str:
    return f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"
