"""What Salesforce's error codes mean beyond the status; a used-up quota is a 403."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.sources.provider import error_body

QUOTA_PAUSE = 3600.0
"""Seconds without requests once the org's quota is used up; it covers the last 24 hours."""

_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
_CODE = re.compile(r"[A-Z_]{3,60}")
_PERMANENT: Mapping[str, Reason] = {
    "INVALID_FIELD": Reason.SCHEMA, "MALFORMED_QUERY": Reason.SCHEMA, "INVALID_QUERY_FILTER_OPERATOR": Reason.SCHEMA,
    "INVALID_TYPE": Reason.FORBIDDEN, "INSUFFICIENT_ACCESS": Reason.FORBIDDEN, "API_DISABLED_FOR_ORG": Reason.FORBIDDEN,
}  # fmt: skip
_TEMPORARY: Mapping[str, Reason] = {
    "QUERY_TIMEOUT": Reason.TIMEOUT, "SERVER_UNAVAILABLE": Reason.SERVER_ERROR,
    "UNABLE_TO_LOCK_ROW": Reason.SERVER_ERROR, "INVALID_QUERY_LOCATOR": Reason.PROTOCOL,
}  # fmt: skip


def classify(status: int, headers: Mapping[str, str], body: bytes) -> SourceError | None:  # noqa: ARG001
    """The error that a response stands for; None to go by its status."""
    if status < 400:
        return None
    errors = error_body(body)
    first = errors[0] if isinstance(errors, list) and errors else {}
    code = str(first.get("errorCode", "")) if isinstance(first, dict) else ""
    if not _CODE.fullmatch(code):
        return None
    if code == "REQUEST_LIMIT_EXCEEDED":
        return RateLimitedError("the org's API requests of the last 24 hours are used up", QUOTA_PAUSE)
    if code in _TEMPORARY:
        return SourceUnavailableError(_TEMPORARY[code], f"Salesforce gave up ({code})")
    if code in _PERMANENT:
        return SourceRejectedError(_PERMANENT[code], f"the query or the user's right to it is refused ({code})")
    return None


def quota_wait(share: float) -> Callable[[Mapping[str, str]], float | None]:
    """Pauses once all clients of the org together have used so large a share of its quota, by Sforce-Limit-Info."""

    def wait(headers: Mapping[str, str]) -> float | None:
        usage = _USAGE.search(headers.get("sforce-limit-info", ""))
        return QUOTA_PAUSE if usage and int(usage[1]) >= share * int(usage[2]) else None

    return wait
