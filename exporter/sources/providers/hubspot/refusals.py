"""What HubSpot's error responses mean beyond their status: rate limit policies, missing scopes, its edge network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError
from exporter.sources.base import SourceContext
from exporter.sources.http.status import Classify, retry_after
from exporter.sources.provider import error_body, seconds_until_midnight

_MIGRATING = 477
_EDGE = 530
_SCOPE = re.compile(r"[a-z0-9._\-]{1,80}")
_PAUSE = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}
"""Seconds to wait if the response names the policy but no time."""


def header_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds until the window of ten ends, once no requests are left. Search responses have no such headers."""
    if headers.get("x-hubspot-ratelimit-remaining") != "0":
        return None
    interval = headers.get("x-hubspot-ratelimit-interval-milliseconds", "")
    return int(interval) / 1000 if interval.isdecimal() else _PAUSE["TEN_SECONDLY_ROLLING"]


def classify(context: SourceContext) -> Classify:
    """The error that a response stands for; None to go by its status."""

    def error_of(status: int, headers: Mapping[str, str], body: bytes) -> SourceError | None:
        if status in (429, _MIGRATING):
            return _rate_limit(status, headers, body, context)
        if status == 403:
            scopes = _scopes(body)
            missing = f": it lacks the scope {' or '.join(scopes)}" if scopes else ""
            return SourceRejectedError(Reason.FORBIDDEN, f"the token may not read this{missing}")
        if status == _EDGE:  # HubSpot's edge network answers so to text that cannot be a token
            return SourceRejectedError(Reason.UNAUTHORIZED, "the token is not well-formed (530)")
        return None

    return error_of


def _rate_limit(status: int, headers: Mapping[str, str], body: bytes, context: SourceContext) -> RateLimitedError:
    now = context.clock()
    wait = retry_after(headers, now)
    if status == _MIGRATING:
        return RateLimitedError("HubSpot is moving the account to another data centre", wait or 60.0)
    policy = str(_parsed(body).get("policyName", "")).upper()
    if policy == "DAILY":  # counted until midnight in the account's zone, which is taken to be the company's
        message = "the day's requests are used up"
        return RateLimitedError(message, wait or seconds_until_midnight(now, context.zone))
    return RateLimitedError("too many requests", wait or header_wait(headers) or _PAUSE.get(policy, 0.0))


def _scopes(body: bytes) -> list[str]:
    """The scopes that the token lacks."""
    errors = _parsed(body).get("errors")
    scopes: list[str] = []
    for error in errors if isinstance(errors, list) else []:
        details = error.get("context") if isinstance(error, dict) else None
        names = details.get("requiredGranularScopes") if isinstance(details, dict) else None
        scopes += [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return [name for name in scopes if _SCOPE.fullmatch(name)]


def _parsed(body: bytes) -> dict[str, Any]:
    parsed = error_body(body)
    return parsed if isinstance(parsed, dict) else {}
