"""A Zendesk account as a source: ways in, permissions, limits, and refusals in four shapes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from exporter.errors import RateLimitedError, Reason, SourceRejectedError
from exporter.passes import Pass
from tests.sources.providers.zendesk.passes import API_TOKEN, later, read, source
from tests.sources.providers.zendesk.vendor import EXPORT_LIMIT, HOST, TALK, TOKEN, Zendesk
from tests.sources.source_context import Clock, by_id, options, run

OAUTH = {"client_id": "kpi", "client_secret": {"env": "SECRET"}, "scope": "read"}


@pytest.mark.parametrize("entity", ["tickets", "people", "surveys", "calls", "measurements"])
def test_neither_search_nor_legs_nor_numbered_pages_are_asked_for(entity: str) -> None:
    """Pitfalls: a search of 1,000 and offsets of 10,000 rows; legs are no calls."""
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
    assert [r.headers["authorization"] for r in vendor.asked("/api/v2")] == ["Bearer granted"] * 2
    assert len(vendor.asked("/oauth/tokens")) == 1


@pytest.mark.parametrize("ways", [{}, {"oauth": OAUTH, "api_token": API_TOKEN}])
def test_there_is_exactly_one_way_in(ways: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of"):
        options(provider="zendesk", base_url=HOST, **ways)


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
def test_the_tightest_of_two_families_of_limits_is_waited_for(headers: dict[str, str], waited: float) -> None:
    """Pitfall: several limit families at once."""
    vendor = Zendesk(headers=headers)
    clock = Clock(vendor.now)

    async def gather() -> None:
        async for _ in source(vendor, clock=clock).read(Pass("tickets", vendor.now)):
            pass

    run(gather())
    assert sum(clock.slept) == waited


def test_a_limit_that_does_not_say_when_it_ends_puts_the_pass_off() -> None:
    vendor = Zendesk(headers={"ratelimit-remaining": "0"})
    vendor.ticket(1)
    with pytest.raises(RateLimitedError) as raised:
        read(vendor)
    assert raised.value.retry_after == pytest.approx(60, abs=1)


def test_a_429_is_waited_out_as_it_says() -> None:
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
def test_refusals_are_named_whatever_their_shape(answer: httpx.Response, reason: Reason) -> None:
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
def test_an_answer_without_its_content_is_a_schema_error(entity: str, path: str, body: dict[str, Any]) -> None:
    vendor = Zendesk(sideload=False, before=lambda r: httpx.Response(200, json=body) if r.url.path == path else None)
    vendor.ticket(1)
    later(vendor)
    with pytest.raises(SourceRejectedError) as raised:
        read(vendor, entity)
    assert raised.value.reason is Reason.SCHEMA


def test_check_is_not_fooled_by_an_anonymous_answer() -> None:
    """Pitfall: users/me answers 200 to strangers."""
    vendor = Zendesk()
    with pytest.raises(SourceRejectedError) as raised:
        run(source(vendor, api_token={"email": "eve@example.com", "token": {"env": "TOKEN"}}).check())  # fmt: skip
    assert raised.value.reason is Reason.UNAUTHORIZED
    assert not vendor.asked("users/me")


@pytest.mark.parametrize("entity", ["tickets", "people", "surveys", "calls", "measurements"])
def test_check_asks_for_what_each_entity_needs(entity: str) -> None:
    async def check() -> Any:
        found = source(Zendesk(), entity)
        (access,) = await found.check()
        await found.close()
        return access

    access = run(check())
    assert (access.entity, access.allowed) == (entity, True)


def test_check_says_that_the_plan_has_no_talk_and_that_a_scope_lacks() -> None:
    """Pitfall: what the plan lacks answers 404; a scope written wrong is accepted, and then every call is 403."""
    (lacking,) = run(source(Zendesk(talk=False), "calls").check())
    assert (lacking.allowed, lacking.missing) == (False, "the account's plan does not have this")
    refusing = Zendesk(before=lambda _: httpx.Response(403, json={"error": "Forbidden"}))
    (refused,) = run(source(refusing).check())
    assert not refused.allowed
    assert "scope" in refused.missing
