"""What a response's status means: the one table from status to error, and how long to wait."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.sources.http.rate_limit import LONGEST_WAIT, HeaderWait
from exporter.sources.http.transport import RawResponse, http_date

Classify = Callable[[int, Mapping[str, str], bytes], SourceError | None]
"""A provider's own classification of status, headers and body, consulted first; None falls through to the table."""

_SECONDS = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
_PERMANENT_SERVER_ERRORS = frozenset({501, 505})

_REFUSALS: Mapping[int, tuple[Reason, str]] = MappingProxyType(
    {
        401: (Reason.UNAUTHORIZED, "the credentials were refused"),
        403: (Reason.FORBIDDEN, "the credentials lack the permission"),
        404: (Reason.NOT_FOUND, "there is nothing at this address"),
        410: (Reason.NOT_FOUND, "this address is gone"),
    }
)


def error_for_status(
    response: RawResponse, path: str, now: datetime, wait: HeaderWait | None = None
) -> SourceError | None:
    """The error that the status stands for, or None for a usable response.

    `retry_after` of a RateLimitedError is 0 if the vendor names no wait.
    """
    status = response.status
    if 200 <= status < 300 or status == 304:
        return None
    seconds = requested_wait(response.headers, now, wait)
    if status == 429 or (status == 503 and seconds > 0):
        return RateLimitedError(f"{path}: the vendor's rate limit is used up ({status})", seconds)
    if status < 400:
        return SourceRejectedError(Reason.BLOCKED_ORIGIN, f"{path}: a redirect ({status}) is not followed")
    if status in (408, 425) or (status >= 500 and status not in _PERMANENT_SERVER_ERRORS):
        return SourceUnavailableError(Reason.SERVER_ERROR, f"{path}: the server failed ({status})")
    reason, message = _REFUSALS.get(status, (Reason.BAD_REQUEST, "the request was refused"))
    return SourceRejectedError(reason, f"{path}: {message} ({status})")


def requested_wait(headers: Mapping[str, str], now: datetime, wait: HeaderWait | None = None) -> float:
    """Seconds the vendor asks to wait, by Retry-After or else its own headers; 0 if it names none."""
    return retry_after(headers, now) or (wait(headers) if wait else None) or 0.0


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Retry-After in seconds; a date counts from the vendor's own clock. 0 if it is absent, past or invalid."""
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_WAIT)
    until = http_date(text) if text else None
    if until is None:
        return 0.0
    vendor_time = http_date(headers.get("date", "")) or now
    return min(max((until - vendor_time).total_seconds(), 0.0), LONGEST_WAIT)
