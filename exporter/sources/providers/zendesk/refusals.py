"""What Zendesk's refusals mean, and its two families of limits: the account's and each export's own."""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from exporter.errors import Reason, SourceError, SourceRejectedError

_EXPORT = re.compile(r"remaining=(\d+);\s*resets=(\d+)")
_WINDOW = 60.0


def classify(status: int, headers: Mapping[str, str], body: bytes) -> SourceError | None:  # noqa: ARG001
    """The provider's reading of an answer: a plan that lacks a feature answers as if there were no such address."""
    if status == 404 and _title(body) == "InvalidEndpoint":
        return SourceRejectedError(Reason.FORBIDDEN, "the account's plan does not have this")
    if status == 403:
        return SourceRejectedError(
            Reason.FORBIDDEN, "the token may not read this: is the scope written right, and its user an admin?"
        )
    return None


def header_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds until a used-up limit starts anew: the tightest of the account's and the endpoint's."""
    waits = [
        float(found[2])
        for name, value in headers.items()
        if name.startswith("zendesk-ratelimit-") and (found := _EXPORT.search(value)) and found[1] == "0"
    ]
    if headers.get("ratelimit-remaining") == "0":
        reset = headers.get("ratelimit-reset", "")
        waits.append(min(float(reset), _WINDOW) if reset.isdecimal() else _WINDOW)
    return max(waits, default=None)


def _title(body: bytes) -> str:
    """The error's name; Zendesk writes errors in four shapes."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    error = found.get("error") if isinstance(found, dict) else None
    return str(error.get("title", "")) if isinstance(error, dict) else str(error or "")
