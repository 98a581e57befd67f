"""A Pipedrive company as a source: ways in, permissions, limits and refusals."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from exporter.errors import RateLimitedError, Reason, SourceRejectedError
from exporter.passes import Page, Pass
from exporter.sources.registry import create
from tests.sources.providers.pipedrive.passes import read, source
from tests.sources.providers.pipedrive.vendor import TOKEN, Pipedrive
from tests.sources.source_context import FakeClock, options, run, source_context


@pytest.mark.parametrize(
    ("answer", "error", "reason", "wait"),
    [
        (httpx.Response(403, html="<html>blocked</html>"), RateLimitedError, Reason.RATE_LIMITED, 3600),
        (httpx.Response(429, headers={"x-daily-ratelimit-token-remaining": "0"}, json={}), RateLimitedError,
         Reason.RATE_LIMITED, 15 * 3600),
        (httpx.Response(403, json={"success": False}), SourceRejectedError, Reason.FORBIDDEN, None),
        (httpx.Response(200, json={"success": False, "error": "x", "data": None}), SourceRejectedError,
         Reason.SCHEMA, None),
        (httpx.Response(200, json={"success": True}), SourceRejectedError, Reason.SCHEMA, None),
        (httpx.Response(200, json={"success": True, "data": {"id": 1}}), SourceRejectedError, Reason.SCHEMA, None),
    ],
)  # fmt: skip
def test_errors_say_what_was_rejected(answer: httpx.Response, error: type, reason: Reason, wait: float | None) -> None:
    """Pitfalls: a budget until midnight, HTML instead of JSON, 200 that is an error."""
    vendor = Pipedrive(before=lambda _: answer)
    with pytest.raises(error) as raised:
        read(vendor)
    assert raised.value.reason is reason
    assert getattr(raised.value, "retry_after", None) == wait
    assert TOKEN not in str(raised.value)


def test_the_next_request_waits_for_an_exhausted_burst() -> None:
    vendor = Pipedrive()
    vendor.deal(1)
    used = httpx.Headers({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"})

    def spend(request: httpx.Request) -> httpx.Response | None:
        if request.url.path != "/api/v2/stages":
            return None
        return httpx.Response(200, json={"success": True, "data": [], "additional_data": {}}, headers=used)

    vendor.before = spend
    clock = FakeClock(vendor.now)
    chosen = options(provider="pipedrive", token={"env": "TOKEN"}, entities=["deals"])
    made = create(chosen, source_context(vendor.transport(), clock=clock, TOKEN=TOKEN))

    async def gather() -> list[Page]:
        return [page async for page in made.read(Pass("deals", vendor.now))]

    run(gather())
    assert 2.0 in clock.slept


def test_check_names_the_scope_that_is_missing() -> None:
    def refuse(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(403, json={}) if request.url.path.startswith("/v1/leads") else None

    (lacking,) = run(source(Pipedrive(before=refuse), "leads").check())
    assert (lacking.allowed, lacking.missing) == (False, "the scope leads:read")
    for entity in ("deals", "activities", "calls", "people"):
        (fine,) = run(source(Pipedrive(), entity).check())
        assert fine.allowed
    with pytest.raises(SourceRejectedError):
        run(source(Pipedrive(before=lambda _: httpx.Response(401, json={})), "deals").check())


def test_exactly_one_credential_is_required() -> None:
    with pytest.raises(ValueError, match="exactly one of token and oauth"):
        options(provider="pipedrive")


def test_a_refresh_token_works_too(tmp_path: Path) -> None:
    def issue(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/oauth/token":
            return httpx.Response(200, json={"access_token": "fresh", "expires_in": 3600})
        return httpx.Response(200, json={"success": True, "data": []})

    secrets = {"client_id": "app", "client_secret": {"env": "S"}, "refresh_token": {"env": "R"}}
    chosen = options(provider="pipedrive", oauth=secrets, entities=["people"])
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return issue(request) or httpx.Response(500)

    made = create(chosen, source_context(httpx.MockTransport(answer), data_dir=tmp_path, S="s", R="r"))
    run(made.check())
    assert seen[-1].headers["authorization"] == "Bearer fresh"
