"""Passes over a Zendesk that withholds, repeats, settles late, limits and refuses in four shapes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from exporter.errors import IncompletePassError, RateLimitedError, Reason, SourceRejectedError
from exporter.sources.base import Page, Pass
from exporter.sources.registry import create
from tests.sources.around import NOW, Clock, options, records_of, run, surroundings
from tests.sources.zendesk.vendor import CLIENT_SECRET, EXPORT_LIMIT, HOST, TALK, TOKEN, Zendesk

API_TOKEN = {"email": "ada@example.com", "token": {"env": "TOKEN"}}
OAUTH = {"client_id": "kpi", "client_secret": {"env": "SECRET"}, "scope": "read"}


def source(vendor: Zendesk, entity: str = "tickets", clock: Clock | None = None, **given: Any) -> Any:
    """The provider in front of the fake."""
    way = {} if given.keys() & {"oauth", "api_token"} else {"api_token": API_TOKEN}
    chosen = options(provider="zendesk", base_url=HOST, entities=[entity], **way, **given)
    clock = clock or Clock(vendor.now)
    return create(chosen, surroundings(vendor.transport(), clock=clock, TOKEN=TOKEN, SECRET=CLIENT_SECRET))


def read(
    vendor: Zendesk, entity: str = "tickets", cursor: str | None = None, resume: str | None = None, **given: Any
) -> list[Page]:
    """All pages of one pass now."""

    async def gather() -> list[Page]:
        asked = Pass(entity, vendor.now, cursor, resume)
        return [page async for page in source(vendor, entity, **given).read(asked)]

    return run(gather())


def by_id(pages: list[Page]) -> dict[str, Any]:
    """The last record of each id."""
    return {record.id: record for record in records_of(pages)}


def later(vendor: Zendesk, minutes: float = 5) -> None:
    """Lets time go by."""
    vendor.now += timedelta(minutes=minutes)


def test_the_export_is_asked_for_a_start_once_and_then_by_cursor() -> None:
    vendor = Zendesk(page=2)
    for key in range(1, 6):
        vendor.ticket(key)
    later(vendor)
    pages = read(vendor, history="10d")
    assert sorted(by_id(pages)) == ["1", "2", "3", "4", "5"]
    first, *others = [request.url.params for request in vendor.asked("incremental/tickets")]
    assert first["start_time"] == str(int((vendor.now - timedelta(days=10)).timestamp()))
    assert all("cursor" in params and "start_time" not in params for params in others)
    assert [page.cursor is None for page in pages] == [True, True, False]
    assert [page.resume is None for page in pages] == [False, False, True]


def test_what_changed_within_the_last_minute_comes_with_the_next_pass() -> None:
    """Pitfall: rows become visible late, behind a cursor that a clock made; this one is the server's own."""
    vendor = Zendesk()
    vendor.ticket(1)
    later(vendor)
    vendor.ticket(2)
    first = read(vendor)
    assert list(by_id(first)) == ["1"]
    later(vendor)
    assert list(by_id(read(vendor, cursor=first[-1].cursor))) == ["2"]


def test_a_full_pass_never_takes_a_withheld_ticket_for_deleted() -> None:
    """A ticket that changed a moment ago is missing from every export of this minute."""
    vendor = Zendesk()
    vendor.ticket(1)
    later(vendor)
    vendor.ticket(1, status="pending")
    pages = read(vendor)
    assert by_id(pages) == {}
    assert [page.listing for page in pages] == [None]


def test_an_idle_export_keeps_its_cursor() -> None:
    vendor = Zendesk()
    vendor.ticket(1)
    later(vendor)
    cursor = read(vendor)[-1].cursor
    later(vendor, 600)
    assert [(page.records, page.cursor) for page in read(vendor, cursor=cursor)] == [((), cursor)]


def test_many_tickets_of_the_same_second_are_all_read() -> None:
    """Pitfall: a block of one time that is larger than a page."""
    vendor = Zendesk(page=3)
    for key in range(1, 30):
        vendor.ticket(key)
    later(vendor)
    assert len(by_id(read(vendor))) == 29


def test_an_interrupted_export_goes_on_with_the_page_it_was_at() -> None:
    vendor = Zendesk(page=2)
    for key in range(1, 8):
        vendor.ticket(key)
    later(vendor)
    whole = read(vendor)
    for stop in range(1, len(whole)):
        rest = read(vendor, resume=whole[stop - 1].resume)
        assert sorted(by_id([*whole[:stop], *rest])) == [str(key) for key in range(1, 8)]


def test_a_deleted_ticket_comes_as_a_state_and_becomes_a_tombstone() -> None:
    """Pitfall: a deletion is a value of the status, with hardly any content left."""
    vendor = Zendesk()
    vendor.ticket(1)
    later(vendor)
    cursor = read(vendor)[-1].cursor
    vendor.tickets[1] = {"id": 1, "status": "deleted", "generated_timestamp": int(vendor.now.timestamp())}
    later(vendor)
    assert by_id(read(vendor, cursor=cursor))["1"].deleted
    assert not vendor.asked("/metrics")


def test_metrics_that_were_left_out_are_asked_for() -> None:
    vendor = Zendesk(sideload=False)
    vendor.ticket(1)
    vendor.ticket(2)
    del vendor.metrics[2]
    later(vendor)
    found = by_id(read(vendor))
    assert (found["1"].reopens, found["2"].reopens) == (1.0, None)
    assert [request.url.path for request in vendor.asked("/metrics")] == [
        "/api/v2/tickets/1/metrics", "/api/v2/tickets/2/metrics",
    ]  # fmt: skip


def test_metrics_that_may_not_be_read_fail_the_pass() -> None:
    """Pitfall: a 403 that is ignored makes numbers vanish without a word."""
    vendor = Zendesk(sideload=False)
    vendor.ticket(1)
    later(vendor)
    vendor.before = lambda r: httpx.Response(403, json={}) if r.url.path.endswith("/metrics") else None
    with pytest.raises(SourceRejectedError) as raised:
        read(vendor)
    assert raised.value.reason is Reason.FORBIDDEN


def test_users_are_exported_from_the_beginning_and_customers_left_out() -> None:
    vendor = Zendesk()
    vendor.user(7, updated_at="2015-01-01T00:00:00Z")
    vendor.user(8, role="end-user")
    vendor.user(9, active=False)
    later(vendor)
    pages = read(vendor, "people", history="30d")
    assert {key: (one.team, one.active) for key, one in by_id(pages).items()} == {
        "7": ("Group 1", True), "9": ("Group 1", False),
    }  # fmt: skip
    assert pages[-1].listing is None
    later(vendor)
    vendor.user(7, name="Ada")
    later(vendor)
    assert {one.name for one in records_of(read(vendor, "people", pages[-1].cursor))} == {"Ada"}


def test_groups_are_read_page_by_page() -> None:
    vendor = Zendesk(page=1)
    vendor.ticket(1, group_id=3)
    later(vendor)
    assert by_id(read(vendor))["1"].queue == "Group 3"
    assert len(vendor.asked("/groups")) == 3


def test_the_next_page_that_never_ends_ends() -> None:
    """Pitfall: Talk's next_page is never null, and each page begins with the last row of the one before."""
    vendor = Zendesk(page=3)
    for key in range(1, 9):
        vendor.call(key)
        later(vendor, 1)
    pages = read(vendor, "calls")
    assert sorted(by_id(pages)) == [str(key) for key in range(1, 9)]
    assert len(records_of(pages)) > 8
    assert len(vendor.asked("calls")) < 8
    assert [page.cursor is None for page in pages] == [True] * (len(pages) - 1) + [False]
    assert pages[-1].cursor == vendor.now.isoformat()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_calls_of_the_same_second_end_too(count: int) -> None:
    vendor = Zendesk(page=5)
    for key in range(1, count + 1):
        vendor.call(key)
    later(vendor)
    assert len(by_id(read(vendor, "calls"))) == count


def test_a_second_with_more_calls_than_a_page_fails_the_pass() -> None:
    """Pitfall: a block of one time that is larger than a page; Talk has no other key, so nothing may be published."""
    vendor = Zendesk()
    for key in range(1, 1101):
        vendor.call(key)
    later(vendor)
    with pytest.raises(IncompletePassError) as raised:
        read(vendor, "calls")
    assert raised.value.reason is Reason.CAPPED


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


def test_a_call_that_settles_late_is_read_again() -> None:
    """Pitfall: wrap-up and status come up to three hours after the call."""
    vendor = Zendesk()
    vendor.call(1, completion_status=None, duration=None, talk_time=None, wrap_up_time=None)
    later(vendor)
    first = read(vendor, "calls")
    assert by_id(first)["1"].status is None
    stamp = vendor.calls[1]["updated_at"]
    later(vendor, 180)
    vendor.call(1, completion_status="completed", talk_time=80, wrap_up_time=9, updated_at=stamp)
    found = by_id(read(vendor, "calls", first[-1].cursor))["1"]
    assert (found.status, found.talk_seconds, found.wrap_seconds, found.queue) == ("answered", 80, 9, "Group 3")


def test_a_lookback_of_nothing_still_covers_what_is_withheld() -> None:
    vendor = Zendesk()
    vendor.rating(1)
    read(vendor, "surveys", NOW.isoformat(), lookback="0s")
    (request,) = vendor.asked("satisfaction")
    assert request.url.params["start_time"] == str(int(NOW.timestamp()) - 60)


def test_an_interrupted_pass_over_calls_goes_on_where_it_was() -> None:
    vendor = Zendesk(page=3)
    for key in range(1, 12):
        vendor.call(key)
        later(vendor, 1)
    whole = read(vendor, "calls")
    for stop in range(1, len(whole)):
        rest = read(vendor, "calls", resume=whole[stop - 1].resume)
        assert len(by_id([*whole[:stop], *rest])) == 11


def test_a_next_page_at_another_host_is_not_followed() -> None:
    vendor = Zendesk()
    rows = [{"id": key} for key in (1, 2)]
    body = {"calls": rows, "count": 2, "next_page": "https://evil.example/api"}
    vendor.before = lambda r: httpx.Response(200, json=body) if "calls" in r.url.path else None
    with pytest.raises(SourceRejectedError):
        read(vendor, "calls")
    assert {request.url.host for request in vendor.log} == {"acme.zendesk.com"}


def test_ratings_that_were_answered_are_surveys() -> None:
    vendor = Zendesk(page=2)
    vendor.rating(1)
    vendor.rating(2, score="offered")
    vendor.rating(3, score="bad_with_comment")
    pages = read(vendor, "surveys")
    assert {key: one.score for key, one in by_id(pages).items()} == {"1": 1.0, "3": 0.0}
    later(vendor, 30)
    vendor.rating(2, score="good")
    assert by_id(read(vendor, "surveys", pages[-1].cursor))["2"].score == 1.0


def test_the_queue_is_measured_at_each_pass() -> None:
    vendor = Zendesk()
    (page,) = read(vendor, "measurements")
    assert {one.name: one.value for one in page.records} == {  # type: ignore[attr-defined]
        "calls_waiting": 3.0, "longest_wait_time": 41.0, "agents_online": 2.0,
    }  # fmt: skip
    later(vendor, 1)
    (following,) = read(vendor, "measurements", page.cursor)
    assert {one.id for one in page.records}.isdisjoint({one.id for one in following.records})


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


def test_rows_that_are_no_objects_are_rejected_alone() -> None:
    vendor = Zendesk()
    for key in range(1, 41):
        vendor.ticket(key)
    later(vendor)
    good = [{**row, "metric_set": {"reopens": 0}} for row in vendor.tickets.values()]
    body = {"tickets": [*good, None], "end_of_stream": True, "after_cursor": "x"}
    vendor.before = lambda r: httpx.Response(200, json=body) if "incremental" in r.url.path else None
    (page,) = read(vendor)
    assert (len(page.records), [error.reason for error in page.rejected]) == (40, [Reason.BAD_TYPE])


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
