"""What Salesforce's refusals mean: their codes say more than the status, and a used-up quota is a 403."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import orjson

from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError, SourceUnavailableError

QUIET = 3600.0
"""Seconds to leave the org alone when its quota is used up; it is counted over the last 24 hours."""

_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
_CODE = re.compile(r"[A-Z_]{3,60}")
_REFUSED: Mapping[str, Reason] = {
    "INVALID_FIELD": Reason.SCHEMA, "MALFORMED_QUERY": Reason.SCHEMA, "INVALID_QUERY_FILTER_OPERATOR": Reason.SCHEMA,
    "INVALID_TYPE": Reason.FORBIDDEN, "INSUFFICIENT_ACCESS": Reason.FORBIDDEN, "API_DISABLED_FOR_ORG": Reason.FORBIDDEN,
}  # fmt: skip
_PASSING: Mapping[str, Reason] = {
    "QUERY_TIMEOUT": Reason.TIMEOUT, "SERVER_UNAVAILABLE": Reason.SERVER_ERROR,
    "UNABLE_TO_LOCK_ROW": Reason.SERVER_ERROR, "INVALID_QUERY_LOCATOR": Reason.PROTOCOL,
}  # fmt: skip


def classify(status: int, headers: Mapping[str, str], body: bytes) -> SourceError | None:  # noqa: ARG001
    """The provider's reading of an answer, for the HTTP client."""
    if status < 400:
        return None
    code = _code(body)
    if code == "REQUEST_LIMIT_EXCEEDED":
        return RateLimitedError("the org's API requests of the last 24 hours are used up", QUIET)
    if code in _PASSING:
        return SourceUnavailableError(_PASSING[code], f"Salesforce gave up ({code})")
    if code in _REFUSED:
        return SourceRejectedError(_REFUSED[code], f"the query or the user's right to it is refused ({code})")
    return None


def quota_wait(share: float) -> Callable[[Mapping[str, str]], float | None]:
    """Reads how much of the quota everybody together has used, from Sforce-Limit-Info."""

    def read(headers: Mapping[str, str]) -> float | None:
        found = _USAGE.search(headers.get("sforce-limit-info", ""))
        return QUIET if found and int(found[1]) >= share * int(found[2]) else None

    return read


def _code(body: bytes) -> str:
    """The first error's code; errors come as a list."""
    try:
        errors = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    first = errors[0] if isinstance(errors, list) and errors else {}
    code = str(first.get("errorCode", "")) if isinstance(first, dict) else ""
    return code if _CODE.fullmatch(code) else ""
