"""What HubSpot's refusals mean, where it says more than the status: limits by policy, missing scopes, its edge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError
from exporter.sources.base import SourceContext
from exporter.sources.http.status import Classify, retry_after

_BEING_MOVED = 477
_EDGE = 530
_SCOPE = re.compile(r"[a-z0-9._\-]{1,80}")
_PAUSE = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}
"""Seconds to wait where the vendor names the policy but no time."""


def header_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds until the window of ten is over, once nothing is left in it. Search answers carry no such headers."""
    if headers.get("x-hubspot-ratelimit-remaining") != "0":
        return None
    interval = headers.get("x-hubspot-ratelimit-interval-milliseconds", "")
    return int(interval) / 1000 if interval.isdecimal() else _PAUSE["TEN_SECONDLY_ROLLING"]


def classify(context: SourceContext) -> Classify:
    """The provider's reading of an answer, for the HTTP client."""

    def read(status: int, headers: Mapping[str, str], body: bytes) -> SourceError | None:
        if status in (429, _BEING_MOVED):
            return _limited(status, headers, body, context)
        if status == 403:
            scopes = _scopes(body)
            named = f": it lacks the scope {' or '.join(scopes)}" if scopes else ""
            return SourceRejectedError(Reason.FORBIDDEN, f"the token may not read this{named}")
        if status == _EDGE:  # the network in front of HubSpot answers so to a token that cannot be one
            return SourceRejectedError(Reason.UNAUTHORIZED, "the token is not well-formed (530)")
        return None

    return read


def _limited(status: int, headers: Mapping[str, str], body: bytes, context: SourceContext) -> RateLimitedError:
    now = context.clock()
    said = retry_after(headers, now)
    if status == _BEING_MOVED:
        return RateLimitedError("HubSpot is moving the account to another data centre", said or 60.0)
    policy = str(_parsed(body).get("policyName", "")).upper()
    if policy == "DAILY":
        return RateLimitedError("the day's requests are used up", said or _until_midnight(now, context))
    return RateLimitedError("too many requests", said or header_wait(headers) or _PAUSE.get(policy, 0.0))


def _until_midnight(now: datetime, context: SourceContext) -> float:
    """Seconds until the daily count starts anew, which is at midnight in the account's zone: here the company's."""
    local = now.astimezone(context.zone)
    following = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), context.zone)
    return (following - now).total_seconds()


def _scopes(body: bytes) -> list[str]:
    errors = _parsed(body).get("errors")
    found: list[str] = []
    for error in errors if isinstance(errors, list) else []:
        context = error.get("context") if isinstance(error, dict) else None
        names = context.get("requiredGranularScopes") if isinstance(context, dict) else None
        found += [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return [name for name in found if _SCOPE.fullmatch(name)]


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
