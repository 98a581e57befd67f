"""Who may ask Stripe for what, and how often: restricted keys, versions, and two rates at once."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.demo.responses import ApiError, RequestLimit

VERSION = "2026-06-24.dahlia"
"""What an account without a header gets."""

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?")

Row = dict[str, Any]


def _refused(status: int, error: Row, headers: Mapping[str, str] | None = None) -> ApiError:
    """An error in the shape that Stripe gives all of them."""
    return ApiError(status, {"error": {"type": "invalid_request_error", **error}}, headers)


def invalid(message: str, **further: str) -> ApiError:
    """A request that makes no sense."""
    return _refused(400, {"message": message, **further})


def missing(kind: str, key: str) -> ApiError:
    """An object that is not there."""
    return _refused(404, {"code": "resource_missing", "message": f"No such {kind}: '{key}'"})


@dataclass
class StripeAccess:
    """A restricted key, which may read what `may` names, and the rates of live mode.

    `ticks` are seconds by which rates are counted.
    """

    key: str
    may: frozenset[str]
    ticks: Callable[[], float] = time.monotonic
    together: RequestLimit = field(default_factory=lambda: RequestLimit(100, 1))
    one_path: int = 25
    _paths: dict[str, RequestLimit] = field(default_factory=dict)

    def admit(self, headers: Mapping[str, str], resource: str) -> None:
        """Raises ApiError: 401, 403 that names the permission, 429 that names the rate, 400 for the version."""
        self._count(resource)
        if headers.get("authorization", "") not in {f"Bearer {self.key}", _basic(self.key)}:
            raise _refused(401, {"message": "Invalid API Key provided"})
        if not _VERSION.fullmatch(headers.get("stripe-version", VERSION)):
            raise invalid(f"Invalid Stripe API version: {headers['stripe-version']}")
        if resource not in self.may:
            name = f"rak_{resource.rstrip('s')}_read"
            message = f"The provided key does not have the required permissions. Having the '{name}' permission would"
            raise _refused(403, {"message": f"{message} allow this request."})

    def _count(self, resource: str) -> None:
        now = self.ticks()
        own = self._paths.setdefault(resource, RequestLimit(self.one_path, 1))
        for allowance, reason in ((self.together, "global-rate"), (own, "endpoint-rate")):
            if not allowance.take(now):
                error = {"code": "rate_limit", "message": "Request rate limit exceeded"}
                raise _refused(429, error, {"Stripe-Rate-Limited-Reason": reason})


def _basic(key: str) -> str:
    return f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"
