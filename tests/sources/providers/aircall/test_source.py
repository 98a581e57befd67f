"""An Aircall account as a source: credentials, limits and people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from exporter.errors import IncompletePassError, RateLimitedError, Reason, SourceError, SourceRejectedError
from exporter.passes import Page, Pass
from exporter.sources.base import Access, Source
from exporter.sources.providers.aircall.source import PER_SECOND, header_wait
from tests.demo.tiny_company import START, ManualClock, TinyCompany, phone_call
from tests.sources.account import SECRET, read_pass, run
from tests.sources.providers.aircall.phones import Phones


def test_the_default_address_is_aircalls_own() -> None:
    phones = Phones(TinyCompany(calls=[phone_call(1, 0)]))
    phones.clock.advance(5)
    assert read_pass(phones.source(), Pass("calls", phones.clock.now)).ids() == ["1"]
    assert {str(request.url.copy_with(query=None)) for request in phones.line.log} == {
        "https://api.aircall.io/v1/calls"
    }


def test_people_are_users_with_their_teams() -> None:
    phones = Phones()
    result = read_pass(phones.source("people"), Pass("people", phones.clock.now))
    by_name = {record.name: record for record in result.records}
    assert len(by_name) == 41
    assert by_name["Beat Huber"].team == "Sales North"
    assert by_name["Anna Keller"].email == "Anna.Keller@Alpenwerk.Example"


def test_removed_users_keep_their_names() -> None:
    phones = Phones()
    result = read_pass(phones.source("people"), Pass("people", phones.clock.now))
    assert (result.listing, result.cursor) == (None, None)


def test_more_users_than_a_page_holds_are_all_read() -> None:
    phones = Phones()

    def pages(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("users"):
            return None
        page = int(request.url.params["page"])
        users = [{"id": key, "name": f"User {key}"} for key in range(page * 50 - 49, min(page * 50, 120) + 1)]
        return httpx.Response(200, json={"meta": {"total": 120}, "users": users})

    phones.line.fault = pages
    assert len(read_pass(phones.source("people"), Pass("people", phones.clock.now)).ids()) == 120


def test_a_list_with_fewer_users_than_its_total_publishes_nothing() -> None:
    """Pitfall: a list that ends before its own total, without an error."""
    phones = Phones()
    few = {"meta": {"total": 10_001}, "users": []}
    phones.line.fault = lambda request: httpx.Response(200, json=few) if "/users" in request.url.path else None
    with pytest.raises(IncompletePassError) as raised:
        read_pass(phones.source("people"), Pass("people", phones.clock.now))
    assert raised.value.reason is Reason.CAPPED


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_unauthorized_whatever_the_status(status: int) -> None:
    phones = Phones()
    phones.line.fault = lambda _: httpx.Response(status, json={"message": "Forbidden"})
    with pytest.raises(SourceRejectedError) as raised:
        read_pass(phones.source(), Pass("calls", phones.clock.now))
    assert raised.value.reason is Reason.UNAUTHORIZED
    assert SECRET not in str(raised.value)


def test_the_demo_like_aircall_answers_403_to_a_wrong_key() -> None:
    phones = Phones()
    with pytest.raises(SourceRejectedError, match="403"):
        read_pass(phones.source(api_id="other"), Pass("calls", phones.clock.now))


def test_check_requests_one_row_of_each_list() -> None:
    phones = Phones()
    assert run(phones.source("calls", "people").check()) == (Access("people", True), Access("calls", True))
    assert [request.url.path for request in phones.line.log] == ["/v1/users", "/v1/teams", "/v1/calls"]


def test_check_says_what_is_wrong() -> None:
    phones = Phones()
    phones.line.fault = lambda _: httpx.Response(404, json={})
    (calls,) = run(phones.source().check())
    assert (calls.allowed, calls.missing[:20]) == (False, "not_found: /v1/calls")
    phones.line.fault = lambda _: httpx.Response(403, json={})
    with pytest.raises(SourceError):
        run(phones.source().check())


async def _until_refused(source: Source, sync_pass: Pass) -> tuple[list[Page], float]:
    pages: list[Page] = []
    try:
        async for page in source.read(sync_pass):
            pages.append(page)  # noqa: PERF401 - what came before the refusal counts
    except RateLimitedError as error:
        return pages, error.retry_after
    return pages, 0.0


def test_an_exhausted_minute_interrupts_the_pass_which_resumes_after_it() -> None:
    phones = Phones(TinyCompany(calls=[phone_call(key, key / 10) for key in range(1, 301)]))
    phones.clock.advance(60)
    phones.shape.allowance.limit = 4
    source, started_at = phones.source(), phones.clock.now
    first, wait = run(_until_refused(source, Pass("calls", started_at)))
    assert 0 < wait <= 60
    phones.clock.advance(wait / 60)
    rest, _ = run(_until_refused(source, Pass("calls", started_at, resume=first[-1].resume)))
    result = [record.id for page in first + rest for record in page.records]
    assert result == [str(key) for key in range(1, 301)]
    assert len(phones.line.log) == 1 + 6  # the count and six pages: no request was rejected and repeated


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-aircallapi-remaining": "7", "x-aircallapi-reset": "1772442030"}, None),
        ({"x-aircallapi-remaining": "0", "x-aircallapi-reset": str(int(START.timestamp()) + 42)}, 42.0),
        ({"x-aircallapi-remaining": "0"}, 60.0),
        ({"x-aircallapi-remaining": "0", "x-aircallapi-reset": "soon"}, 60.0),
        ({"x-aircallapi-remaining": "0", "x-aircallapi-reset": str(int(START.timestamp()) - 5)}, 60.0),
        ({"x-aircallapi-remaining": "0", "x-aircallapi-reset": str(int(START.timestamp()) * 1000)}, 60.0),
    ],
)
def test_the_headers_say_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert header_wait(ManualClock())(headers) == seconds


def test_a_429_without_headers_is_retried_with_the_common_backoff() -> None:
    phones = Phones(TinyCompany(calls=[phone_call(1, 0)]))
    phones.clock.advance(5)
    answers: list[Any] = [httpx.Response(429, json={})]
    phones.line.fault = lambda _: answers.pop() if answers else None
    assert read_pass(phones.source(), Pass("calls", phones.clock.now)).ids() == ["1"]
    assert phones.clock.slept


def test_the_default_rate_stays_below_the_lower_published_limit() -> None:
    assert PER_SECOND * 60 <= 60


def test_the_source_has_the_lag_of_its_vendor() -> None:
    assert Phones().source().lag == timedelta(seconds=30)


def test_close_closes_the_connections() -> None:
    phones = Phones()
    source = phones.source()
    run(source.close())
    with pytest.raises(RuntimeError):
        read_pass(source, Pass("calls", phones.clock.now))
