"""What HubSpot's error responses mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest

from exporter.errors import RateLimitedError, Reason, SourceRejectedError
from exporter.sources.providers.hubspot.refusals import classify, header_wait
from tests.demo.tiny_company import ManualClock
from tests.sources.account import source_context

NIGHT = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
"""Half an hour before clocks go forward in Zurich: this local day has 23 hours."""


def refusal(status: int, body: Any, headers: dict[str, str] | None = None, now: datetime | None = None) -> Any:
    context = source_context(
        ManualClock(now) if now else ManualClock(), httpx.MockTransport(lambda _: httpx.Response(200))
    )
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return classify(context)(status, headers or {}, content)


@pytest.mark.parametrize(
    ("body", "headers", "seconds"),
    [
        ({"policyName": "SECONDLY"}, {}, 1.0),
        ({"policyName": "TEN_SECONDLY_ROLLING"}, {}, 10.0),
        ({"policyName": "ten_secondly_rolling"}, {}, 10.0),
        ({"policyName": "DAILY"}, {}, 14 * 3600.0),
        ({"policyName": "DAILY"}, {"retry-after": "120"}, 120.0),
        ({"policyName": "TEN_SECONDLY_ROLLING"}, {"retry-after": "7"}, 7.0),
        ({}, {"x-hubspot-ratelimit-remaining": "0", "x-hubspot-ratelimit-interval-milliseconds": "4000"}, 4.0),
        ({"policyName": "HOURLY"}, {}, 0.0),
        (b"<html>", {}, 0.0),
        ([], {}, 0.0),
    ],
)
def test_the_wait_is_the_vendors_or_that_of_its_policy(body: Any, headers: dict[str, str], seconds: float) -> None:
    error = refusal(429, body, headers)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == seconds


def test_a_daily_limit_ends_at_local_midnight_on_the_day_clocks_go_forward() -> None:
    assert refusal(429, {"policyName": "DAILY"}, now=NIGHT).retry_after == 21.5 * 3600


@pytest.mark.parametrize(("headers", "seconds"), [({}, 60.0), ({"retry-after": "30"}, 30.0)])
def test_requests_wait_while_the_account_is_moved(headers: dict[str, str], seconds: float) -> None:
    assert refusal(477, b"", headers).retry_after == seconds


def test_a_malformed_token_is_unauthorized() -> None:
    error = refusal(530, b"<html>")
    assert isinstance(error, SourceRejectedError)
    assert error.reason is Reason.UNAUTHORIZED


def test_every_sufficient_scope_is_named() -> None:
    context = {"requiredGranularScopes": ["crm.objects.deals.read", "crm.objects.deals.sensitive.read", "<b>", 7]}
    error = refusal(403, {"errors": [{"context": context}, {"context": None}, "odd", {}]})
    assert str(error).endswith("it lacks the scope crm.objects.deals.read or crm.objects.deals.sensitive.read")


@pytest.mark.parametrize(
    "body", [b"", b"{", {}, {"errors": "no"}, {"errors": [{"context": {"requiredGranularScopes": 1}}]}]
)
def test_a_403_without_scopes_is_forbidden_too(body: Any) -> None:
    error = refusal(403, body)
    assert error.reason is Reason.FORBIDDEN
    assert "scope" not in str(error)


@pytest.mark.parametrize("status", [200, 400, 401, 404, 500, 502, 503, 521, 524])
def test_other_statuses_have_their_common_meaning(status: int) -> None:
    assert refusal(status, b"") is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-hubspot-ratelimit-remaining": "3"}, None),
        ({"x-hubspot-ratelimit-remaining": "0"}, 10.0),
        ({"x-hubspot-ratelimit-remaining": "0", "x-hubspot-ratelimit-interval-milliseconds": "10000"}, 10.0),
        ({"x-hubspot-ratelimit-remaining": "0", "x-hubspot-ratelimit-interval-milliseconds": "soon"}, 10.0),
    ],
)
def test_the_headers_say_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert header_wait(headers) == seconds
