"""A Zendesk account as a source: credentials, permissions, limits, and errors in four shapes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from exporter.errors import RateLimitedError, Reason, SourceRejectedError
from exporter.passes import Pass
from tests.sources.providers.zendesk.passes import API_TOKEN, later, read, source
from tests.sources.providers.zendesk.vendor import EXPORT_LIMIT, HOST, TALK, TOKEN, Zendesk
from tests.sources.source_context import FakeClock, by_id, options, run

OAUTH = {"client_id": "kpi", "client_secret": {"env": "SECRET"}, "scope": "read"}


@pytest.mark.parametrize("entity", ["tickets", "people", "surveys", "calls", "measurements"])
def test_search_legs_and_numbered_pages_are_never_requested(entity: str) -> None:
    """Pitfalls: search is capped at 1,000 rows and paging by offset at 10,000; a leg is not a call."""
    vendor = Zendesk(page=2)
    for key in range(1, 6):
        vendor.ticket(key)
        vendor.call(key)
        vendor.user(key)
        vendor.rating(key)
        later(vendor, 1)
    read(vendor, entity)
    assert vendor.log
    for request in vendor.log:
        assert not {"search", "legs"} & set(request.url.path.split("/"))
        assert "page" not in request.url.params


def test_an_oauth_client_gets_a_token_and_no_secret_is_sent_elsewhere() -> None:
    vendor = Zendesk()
    vendor.ticket(1)
    later(vendor)
    assert list(by_id(read(vendor, oauth=OAUTH))) == ["1"]
    assert [r.headers["authorization"] for r in vendor.requests_to("/api/v2")] == ["Bearer granted"] * 2
    assert len(vendor.requests_to("/oauth/tokens")) == 1


@pytest.mark.parametrize("credentials", [{}, {"oauth": OAUTH, "api_token": API_TOKEN}])
def test_exactly_one_kind_of_credentials_is_required(credentials: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of"):
        options(provider="zendesk", base_url=HOST, **credentials)


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({EXPORT_LIMIT: "total=10; remaining=0; resets=7"}, 7.0),
        ({"zendesk-ratelimit-incremental-exports": "total=10; remaining=0; resets=9", EXPORT_LIMIT: "odd"}, 9.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "4"}, 4.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "4", EXPORT_LIMIT: "total=10; remaining=0; resets=11"}, 11.0),
        ({"ratelimit-remaining": "5", EXPORT_LIMIT: "total=10; remaining=3; resets=60"}, 0.0),
    ],
)
def test_requests_wait_for_the_tightest_of_several_limits(headers: dict[str, str], waited: float) -> None:
    """Pitfall: several limits apply at once."""
    vendor = Zendesk(headers=headers)
    clock = FakeClock(vendor.now)

    async def gather() -> None:
        async for _ in source(vendor, clock=clock).read(Pass("tickets", vendor.now)):
            pass

    run(gather())
    assert sum(clock.slept) == waited


def test_a_limit_without_a_reset_time_interrupts_the_pass() -> None:
    vendor = Zendesk(headers={"ratelimit-remaining": "0"})
    vendor.ticket(1)
    with pytest.raises(RateLimitedError) as raised:
        read(vendor)
    assert raised.value.retry_after == pytest.approx(60, abs=1)


def test_a_429_is_retried_after_its_retry_after() -> None:
    answers = [httpx.Response(429, headers={"retry-after": "5"}, json={"error": "APIRateLimitExceeded"})]
    vendor = Zendesk(before=lambda r: answers.pop() if answers and "tickets" in r.url.path else None)
    vendor.ticket(1)
    later(vendor)
    assert list(by_id(read(vendor))) == ["1"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.Response(400, json={"error": f"bad {TOKEN}"}), Reason.BAD_REQUEST),
        (httpx.Response(404, json={"error": "RecordNotFound", "description": "Not found"}), Reason.NOT_FOUND),
        (httpx.Response(404, json={"error": {"title": "InvalidEndpoint", "message": "Not found"}}), Reason.FORBIDDEN),
        (httpx.Response(404, json={"error": "InvalidEndpoint"}), Reason.FORBIDDEN),
        (httpx.Response(404, json={"errors": [{"title": "InvalidEndpoint"}]}), Reason.NOT_FOUND),
        (httpx.Response(404, html="<html>"), Reason.NOT_FOUND),
        (httpx.Response(404, json=["x"]), Reason.NOT_FOUND),
        (httpx.Response(403, json={"error": "Forbidden", "description": "Missing scope"}), Reason.FORBIDDEN),
        (httpx.Response(401, json={"error": f"no {TOKEN}"}), Reason.UNAUTHORIZED),
        (httpx.Response(200, html="<html>"), Reason.NOT_JSON),
        (httpx.Response(200, json=[]), Reason.SCHEMA),
        (httpx.Response(200, json={"tickets": None}), Reason.SCHEMA),
        (httpx.Response(200, json={"tickets": [], "after_cursor": "x"}), Reason.SCHEMA),
        (httpx.Response(200, json={"tickets": [], "after_cursor": None, "end_of_stream": False}), Reason.SCHEMA),
    ],
)
def test_error_responses_have_a_reason_whatever_their_shape(answer: httpx.Response, reason: Reason) -> None:
    vendor = Zendesk(before=lambda r: answer if "incremental" in r.url.path else None)
    with pytest.raises(SourceRejectedError) as raised:
        read(vendor)
    assert raised.value.reason is reason
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("entity", "path", "body"),
    [
        ("measurements", f"{TALK}/current_queue_activity", {}),
        ("tickets", "/api/v2/tickets/1/metrics", {"ticket_metric": None}),
    ],
)
def test_a_response_without_its_content_is_a_schema_error(entity: str, path: str, body: dict[str, Any]) -> None:
    vendor = Zendesk(sideload=False, before=lambda r: httpx.Response(200, json=body) if r.url.path == path else None)
    vendor.ticket(1)
    later(vendor)
    with pytest.raises(SourceRejectedError) as raised:
        read(vendor, entity)
    assert raised.value.reason is Reason.SCHEMA


def test_check_does_not_rely_on_a_path_that_answers_strangers() -> None:
    """Pitfall: users/me answers 200 to strangers."""
    vendor = Zendesk()
    with pytest.raises(SourceRejectedError) as raised:
        run(source(vendor, api_token={"email": "eve@example.com", "token": {"env": "TOKEN"}}).check())  # fmt: skip
    assert raised.value.reason is Reason.UNAUTHORIZED
    assert not vendor.requests_to("users/me")


@pytest.mark.parametrize("entity", ["tickets", "people", "surveys", "calls", "measurements"])
def test_check_asks_for_what_each_entity_needs(entity: str) -> None:
    async def check() -> Any:
        zendesk_source = source(Zendesk(), entity)
        (access,) = await zendesk_source.check()
        await zendesk_source.close()
        return access

    access = run(check())
    assert (access.entity, access.allowed) == (entity, True)


def test_check_says_that_the_plan_lacks_talk_or_the_token_a_scope() -> None:
    """Pitfall: features that the plan lacks answer 404; a misspelt scope is accepted, and then every request is a 403."""
    (lacking,) = run(source(Zendesk(talk=False), "calls").check())
    assert (lacking.allowed, lacking.missing) == (False, "the account's plan does not have this")
    refusing = Zendesk(before=lambda _: httpx.Response(403, json={"error": "Forbidden"}))
    (refused,) = run(source(refusing).check())
    assert not refused.allowed
    assert "scope" in refused.missing
