"""Passes over a Pipedrive that archives, deletes, limits, refuses and answers in HTML."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from exporter.errors import RateLimitedError, Reason, SourceRejectedError
from exporter.sources.base import Listing, Page, Pass
from exporter.sources.registry import create
from tests.sources.around import NOW, Clock, options, records_of, run, surroundings
from tests.sources.pipedrive.vendor import TOKEN, Pipedrive, iso

LEAD: dict[str, Any] = {
    "title": "L", "owner_id": 7, "source_name": "Web", "was_seen": False, "is_archived": False,
    "add_time": iso(NOW - timedelta(days=3)), "update_time": iso(NOW),
}  # fmt: skip


def source(vendor: Pipedrive, entity: str = "deals", **given: Any) -> Any:
    """The provider in front of the fake."""
    # the pace is real time, and no test here is about it
    chosen = options(provider="pipedrive", token={"env": "TOKEN"}, entities=[entity], max_per_second=1000, **given)
    return create(chosen, surroundings(vendor.transport(), clock=Clock(vendor.now), TOKEN=TOKEN))


def read(
    vendor: Pipedrive, entity: str = "deals", cursor: str | None = None, resume: str | None = None, **given: Any
) -> list[Page]:
    """All pages of one pass now."""

    async def gather() -> list[Page]:
        asked = Pass(entity, vendor.now, cursor, resume)
        return [page async for page in source(vendor, entity, **given).read(asked)]

    return run(gather())


def by_id(pages: list[Page]) -> dict[str, Any]:
    """The last record of each id."""
    return {record.id: record for record in records_of(pages)}


def test_a_deal_is_read_with_names_of_stage_and_pipeline() -> None:
    vendor = Pipedrive()
    vendor.deal(1, custom_fields={"abc": {"value": 5, "currency": "EUR"}, "def": "x"}, lost_reason="price")
    (deal,) = records_of(read(vendor, custom_fields=["abc", "nothing"]))
    assert (deal.stage, deal.pipeline, deal.owner, deal.account) == ("Offer", "New business", "7", "11")
    assert (deal.amount, deal.currency, deal.status) == (Decimal("1200.5"), "EUR", "open")
    assert deal.attributes == {"abc": "5", "lost_reason": "price"}
    assert any(request.url.params.get("custom_fields") == "abc,nothing" for request in vendor.log)


@pytest.mark.parametrize(
    ("fields", "status", "closed"),
    [
        ({}, "open", None),
        ({"status": "won", "won_time": "2026-02-01T10:00:00Z"}, "won", datetime(2026, 2, 1, 10, tzinfo=UTC)),
        ({"status": "lost", "lost_time": "2026-02-02T10:00:00Z"}, "lost", datetime(2026, 2, 2, 10, tzinfo=UTC)),
        ({"status": "won", "close_time": "2026-02-03T10:00:00Z"}, "won", datetime(2026, 2, 3, 10, tzinfo=UTC)),
        ({"status": "lost", "won_time": "2026-01-01T10:00:00Z", "lost_time": "2026-02-02T10:00:00Z"}, "lost",
         datetime(2026, 2, 2, 10, tzinfo=UTC)),
        ({"lost_time": "2026-02-02T10:00:00Z"}, "open", None),
    ],
)  # fmt: skip
def test_each_state_of_a_deal_is_ours(fields: dict[str, Any], status: str, closed: datetime | None) -> None:
    vendor = Pipedrive()
    vendor.deal(1, **fields)
    (deal,) = records_of(read(vendor))
    assert (deal.status, deal.closed_at, deal.deleted) == (status, closed, False)


@pytest.mark.parametrize(("status", "closed"), [("open", None), ("won", 3), ("lost", 5)])
def test_a_deal_was_closed_when_it_became_what_it_is(status: str, closed: int | None) -> None:
    """A deal that was lost, then won, then opened again may keep the times of before."""
    vendor = Pipedrive()
    times = {f"{name}_time": f"2026-02-0{day}T10:00:00Z" for name, day in (("won", 3), ("lost", 5), ("close", 5))}
    vendor.deal(1, status=status, **times)
    (deal,) = records_of(read(vendor))
    assert deal.closed_at == (closed and datetime(2026, 2, closed, 10, tzinfo=UTC))


def test_each_deal_has_its_own_currency_and_amount() -> None:
    """Pitfalls: currencies mixed in one list, an amount or a currency that is not there."""
    vendor = Pipedrive()
    given = [(1200.5, "EUR"), (98000, "JPY"), (0.1, "chf"), (None, "EUR"), (5, None), (0, "USD")]
    for key, (value, currency) in enumerate(given):
        vendor.deal(key, value=value, currency=currency)
    found = by_id(read(vendor))
    assert [(found[str(key)].amount, found[str(key)].currency) for key in range(len(given))] == [
        (Decimal("1200.5"), "EUR"), (98000, "JPY"), (Decimal("0.1"), "CHF"), (None, "EUR"), (5, None), (0, "USD"),
    ]  # fmt: skip


@pytest.mark.parametrize("unset", [None, "1970-01-01T00:00:00Z", ""])
def test_a_deal_that_was_never_changed_is_as_old_as_it_is(unset: str | None) -> None:
    """Pitfall: a change time that is null, or 1970, until the first change."""
    vendor = Pipedrive()
    vendor.deal(1)
    vendor.deals[1]["update_time"] = unset
    (deal,) = records_of(read(vendor))
    assert deal.updated_at == deal.created_at == NOW - timedelta(days=10)


def test_archived_deals_count_and_deleted_ones_are_tombstones() -> None:
    """Pitfall: a deal that is archived vanishes from the normal list, deletions show for 30 days."""
    vendor = Pipedrive()
    vendor.deal(1)
    vendor.deal(2, is_archived=True, status="won", won_time=iso(NOW))
    vendor.deal(3, is_deleted=True, status="deleted")
    found = by_id(read(vendor))
    assert {key: record.deleted for key, record in found.items()} == {"1": False, "2": False, "3": True}
    assert found["2"].attributes["archived"] == "true"


def test_all_lists_are_read_page_by_page_and_only_the_last_page_ends_the_pass() -> None:
    vendor = Pipedrive(page=2)
    for key in range(1, 6):
        vendor.deal(key, is_archived=key > 3)
    pages = read(vendor)
    assert sorted(by_id(pages)) == ["1", "2", "3", "4", "5"]
    assert [page.listing for page in pages] == [None] * (len(pages) - 1) + [Listing()]
    assert all(page.resume for page in pages[:-1])


def test_an_interrupted_pass_goes_on_with_the_list_it_was_in() -> None:
    vendor = Pipedrive(page=2)
    for key in range(1, 8):
        vendor.deal(key, is_archived=key > 4)
    whole = read(vendor)
    for stop in range(1, len(whole)):
        rest = read(vendor, resume=whole[stop - 1].resume)
        assert sorted(by_id([*whole[:stop], *rest])) == [str(key) for key in range(1, 8)]


def test_changes_are_asked_for_with_an_overlap_and_the_cursor_never_goes_back() -> None:
    """Pitfall: a strict filter on a time that is not unique; the filter here is inclusive, to the second."""
    vendor = Pipedrive()
    vendor.deal(1)
    cursor = read(vendor)[-1].cursor
    vendor.now += timedelta(minutes=20)
    vendor.deal(2)
    vendor.log.clear()
    pages = read(vendor, cursor=cursor)
    assert list(by_id(pages)) == ["1", "2"]
    asked = {request.url.params.get("updated_since") for request in vendor.log if "deals" in request.url.path}
    assert asked == {iso(NOW - timedelta(minutes=5))}
    assert pages[-1].cursor == vendor.now.isoformat()
    vendor.now += timedelta(minutes=20)
    assert read(vendor, cursor=pages[-1].cursor, lookback="1s")[-1].cursor == pages[-1].cursor
    assert pages[-1].listing is None


def test_leads_come_from_two_lists_of_the_first_generation() -> None:
    vendor = Pipedrive(page=2)
    for key in "abc":
        vendor.leads[key] = {**LEAD, "id": key}
    vendor.leads["c"]["was_seen"] = True
    vendor.leads["d"] = {**LEAD, "id": "d", "is_archived": True}
    found = by_id(read(vendor, "leads"))
    states = {key: record.status for key, record in found.items()}
    assert states == {"a": "new", "b": "new", "c": "working", "d": "lost"}
    assert found["a"].origin == "Web"


def test_a_leads_dates_come_from_the_fields_that_the_config_names() -> None:
    """Pipedrive deletes a lead that it turns into a deal, so a company that counts them notes the day instead."""
    qualified, converted = "a" * 40, "b" * 40
    vendor = Pipedrive()
    vendor.leads["new"] = {**LEAD, "id": "new"}
    vendor.leads["good"] = {**LEAD, "id": "good", qualified: "2026-03-01"}
    vendor.leads["sold"] = {**LEAD, "id": "sold", "is_archived": True, qualified: "2026-03-01", converted: "2026-03-02"}
    vendor.leads["gone"] = {**LEAD, "id": "gone", "is_archived": True, qualified: "2026-03-01", converted: None}
    fields = {"qualified_at": qualified, "converted_at": converted}
    found = by_id(read(vendor, "leads", lead_fields=fields))
    states = {key: record.status for key, record in found.items()}
    assert states == {"new": "new", "good": "qualified", "sold": "converted", "gone": "lost"}
    assert found["sold"].qualified_at == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert found["sold"].converted_at == datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert by_id(read(vendor, "leads"))["sold"].status == "lost"


def test_of_archived_leads_only_the_newest_changes_are_read_again() -> None:
    """Pitfall: the list takes no time, and read whole at each pass it would use up the day's budget."""
    vendor = Pipedrive(page=2)
    for key in range(20):
        changed = iso(NOW - timedelta(days=key + 1))
        vendor.leads[f"{key:02}"] = {**LEAD, "id": f"{key:02}", "is_archived": True, "update_time": changed}
    cursor = read(vendor, "leads")[-1].cursor
    vendor.leads["19"]["update_time"] = iso(NOW)
    vendor.log.clear()
    pages = read(vendor, "leads", cursor=cursor)
    assert sorted(by_id(pages)) == ["00", "01", "02", "19"]
    asked = [one.url.params for one in vendor.log if "archived" in one.url.path]
    assert [(params["sort"], params["start"]) for params in asked] == [
        ("update_time DESC", "0"),
        ("update_time DESC", "2"),
    ]
    assert (pages[-1].listing, pages[-1].cursor) == (None, NOW.isoformat())


def test_a_vendor_that_does_not_sort_is_read_to_the_end() -> None:
    vendor = Pipedrive(page=2)
    for key in range(6):
        changed = iso(NOW - timedelta(days=60 - key))
        vendor.leads[str(key)] = {**LEAD, "id": str(key), "is_archived": True, "update_time": changed}
    vendor.before = lambda r: vendor.answer(unsorted(r)) if "sort" in r.url.params else None
    assert len(by_id(read(vendor, "leads", cursor=NOW.isoformat()))) == 6


def unsorted(request: httpx.Request) -> httpx.Request:
    """The same request without its order."""
    return httpx.Request("GET", request.url.copy_remove_param("sort"), headers=request.headers)


@pytest.mark.parametrize("stamp", ["soon", None])
def test_an_archived_lead_without_a_time_does_not_end_the_pass(stamp: str | None) -> None:
    vendor = Pipedrive(page=1)
    for key, changed in (("a", stamp), ("b", iso(NOW)), ("c", "2020-01-01T00:00:00Z"), ("d", "2019-01-01T00:00:00Z")):
        vendor.leads[key] = {**LEAD, "id": key, "is_archived": True, "update_time": changed}
    pages = read(vendor, "leads", cursor=NOW.isoformat())
    assert {"b", "c"} <= set(by_id(pages))
    assert "d" not in by_id(pages)


@pytest.mark.parametrize(("gone", "seen", "listing"), [("", 9, Listing()), ("a", 9, None), ("ab", 8, None)])
def test_leads_that_vanish_while_pages_are_read_delete_no_others(gone: str, seen: int, listing: Listing | None) -> None:
    """Pitfall: pages by number of rows shift when rows vanish, and what shifts past the reader is not deleted."""
    vendor = Pipedrive(page=4)
    for key in "abcdefghi":
        vendor.leads[key] = {**LEAD, "id": key}

    def vanish(request: httpx.Request) -> None:
        if request.url.path == "/v1/leads" and request.url.params["start"] != "0":
            for key in gone:
                vendor.leads.pop(key, None)

    vendor.before = vanish
    pages = read(vendor, "leads")
    assert (len(by_id(pages)), pages[-1].listing) == (seen, listing)


def test_an_interrupted_pass_over_leads_remembers_that_rows_shifted() -> None:
    vendor = Pipedrive(page=4)
    for key in "abcdefghi":
        vendor.leads[key] = {**LEAD, "id": key}
    first = read(vendor, "leads")[0]
    for key in "ab":
        del vendor.leads[key]
    second, *_ = read(vendor, "leads", resume=first.resume)
    assert read(vendor, "leads", resume=second.resume)[-1].listing is None


def test_a_cursor_older_than_the_deletions_that_are_listed_makes_a_full_pass() -> None:
    """Pitfall: deleted deals are listed for 30 days only."""
    vendor = Pipedrive()
    vendor.deal(1)
    vendor.deal(2)
    cursor = read(vendor)[-1].cursor
    vendor.deal(2, is_deleted=True, status="deleted")
    vendor.now += timedelta(days=31)
    pages = read(vendor, cursor=cursor)
    assert (list(by_id(pages)), pages[-1].listing) == (["1"], Listing())
    assert read(vendor, cursor=pages[-1].cursor)[-1].listing is None


def test_an_account_in_which_nothing_happens_keeps_a_young_cursor() -> None:
    """Pitfall: an idle source whose cursor stands still until what it needs is no longer listed."""
    vendor = Pipedrive()
    vendor.deal(1)
    cursor = read(vendor)[-1].cursor
    for _ in range(3):
        vendor.now += timedelta(days=20)
        (*_, last) = read(vendor, cursor=cursor)
        assert (last.cursor, last.listing) == ((vendor.now - timedelta(days=1)).isoformat(), None)
        cursor = last.cursor


@pytest.mark.parametrize(
    ("kind", "ours"),
    [("call", "call"), ("meeting", "meeting"), ("lunch", "meeting"), ("email", "email"), ("task", "task"),
     ("deadline", "task"), ("demo", "demo"), ("visit", "task")],
)  # fmt: skip
def test_each_type_of_activity_is_ours(kind: str, ours: str) -> None:
    vendor = Pipedrive()
    vendor.activities[1] = {
        "id": 1, "type": kind, "owner_id": 7, "done": True, "add_time": iso(NOW), "update_time": iso(NOW),
        "marked_as_done_time": iso(NOW), "due_date": "2026-03-02", "due_time": "15:00:00", "is_deleted": False,
    }  # fmt: skip
    (found,) = records_of(read(vendor, "activities"))
    assert (found.kind, found.status, found.completed_at) == (ours, "done", NOW)
    assert found.due_at == datetime(2026, 3, 2, 15, tzinfo=UTC)
    assert found.attributes == {"type": kind}


def test_a_due_date_without_time_is_the_companys_day_and_deleted_activities_are_tombstones() -> None:
    vendor = Pipedrive()
    plain = {"type": "task", "owner_id": 7, "done": False, "add_time": iso(NOW), "update_time": iso(NOW)}
    vendor.activities[1] = {**plain, "id": 1, "due_date": "2026-03-02", "marked_as_done_time": iso(NOW)}
    vendor.activities[2] = {**plain, "id": 2, "is_deleted": True}
    vendor.activities[3] = {**plain, "id": 3}
    found = by_id(read(vendor, "activities"))
    assert found["1"].due_at == datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert found["1"].completed_at is None
    assert found["2"].deleted
    assert found["3"].due_at is None


@pytest.mark.parametrize(
    ("outcome", "status", "talk"),
    [("connected", "answered", 61.0), ("no_answer", "missed", None), ("left_message", "voicemail", None),
     ("left_voicemail", "voicemail", None), ("wrong_number", "failed", None), ("busy", "busy", None)],
)  # fmt: skip
def test_each_outcome_of_a_call_log_is_ours(outcome: str, status: str, talk: float | None) -> None:
    vendor = Pipedrive()
    times = {"start_time": "2026-03-01T10:00:00.000Z", "end_time": "2026-03-01T10:01:01.000Z"}
    vendor.calls = [{"id": "CA1", "outcome": outcome, "duration": "61", "user_id": 7, **times}]
    pages = read(vendor, "calls")
    (found,) = records_of(pages)
    assert (found.status, found.talk_seconds, found.agent) == (status, talk, "7")
    assert pages[-1].listing is None


def test_call_logs_follow_the_hint_where_the_next_page_starts() -> None:
    vendor = Pipedrive(page=20)
    times = {"start_time": "2026-03-01T10:00:00Z", "end_time": "2026-03-01T10:01:01Z"}
    vendor.calls = [{"id": f"CA{n}", "outcome": "busy", "duration": "0", **times} for n in range(45)]
    assert len(by_id(read(vendor, "calls"))) == 45


def test_call_logs_go_on_by_rows_where_the_hint_does_not_say_where() -> None:
    """Pitfall: the file's schema of the hint has no `next_start`."""

    def unsaid(request: httpx.Request) -> httpx.Response:
        start = int(request.url.params["start"])
        rows = [{"id": f"CA{start + n}", "outcome": "busy", "duration": "0", **times} for n in range(20)]
        hint = {"start": start, "limit": 20, "more_items_in_collection": start < 40}
        return httpx.Response(200, json={"success": True, "data": rows, "additional_data": {"pagination": hint}})

    times = {"start_time": "2026-03-01T10:00:00Z", "end_time": "2026-03-01T10:01:01Z"}
    assert len(by_id(read(Pipedrive(before=unsaid), "calls"))) == 60


def test_users_are_people_with_their_first_active_team() -> None:
    vendor = Pipedrive()
    plain = {"active_flag": True, "modified": "2026-02-01 08:45:56", "is_deleted": False}
    vendor.users = [{**plain, "id": 7, "name": "Ada", "email": "ada@example.com"}, {**plain, "id": 8, "name": "Bo"}]
    pages = read(vendor, "people")
    found = by_id(pages)
    assert (found["7"].team, found["8"].team) == ("Closers", None)
    assert found["7"].updated_at == datetime(2026, 2, 1, 8, 45, 56, tzinfo=UTC)
    assert pages[-1].listing == Listing()
    assert set(by_id(read(vendor, "people", cursor=pages[-1].cursor))) == {"7", "8"}  # nothing tells of changes
    vendor.teams = False
    assert by_id(read(vendor, "people"))["7"].team is None


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
def test_refusals_are_named(answer: httpx.Response, error: type, reason: Reason, wait: float | None) -> None:
    """Pitfalls: a budget until midnight, HTML instead of JSON, 200 that is an error."""
    vendor = Pipedrive(before=lambda _: answer)
    with pytest.raises(error) as raised:
        read(vendor)
    assert raised.value.reason is reason
    assert getattr(raised.value, "retry_after", None) == wait
    assert TOKEN not in str(raised.value)


def test_a_used_up_burst_is_waited_out_before_the_next_request() -> None:
    vendor = Pipedrive()
    vendor.deal(1)
    used = httpx.Headers({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"})

    def spend(request: httpx.Request) -> httpx.Response | None:
        if request.url.path != "/api/v2/stages":
            return None
        return httpx.Response(200, json={"success": True, "data": [], "additional_data": {}}, headers=used)

    vendor.before = spend
    clock = Clock(vendor.now)
    chosen = options(provider="pipedrive", token={"env": "TOKEN"}, entities=["deals"])
    made = create(chosen, surroundings(vendor.transport(), clock=clock, TOKEN=TOKEN))

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


def test_check_says_that_people_will_have_no_team() -> None:
    """Pitfall: a refusal that is passed over, so that something vanishes without a word."""
    (people,) = run(source(Pipedrive(teams=False), "people").check())
    assert people.allowed
    assert "no teams" in people.missing
    (people,) = run(source(Pipedrive(), "people").check())
    assert people.missing == ""


def test_exactly_one_way_in_is_asked_for() -> None:
    with pytest.raises(ValueError, match="exactly one of token and oauth"):
        options(provider="pipedrive")


def test_a_refresh_token_opens_too() -> None:
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

    made = create(chosen, surroundings(httpx.MockTransport(answer), S="s", R="r"))
    run(made.check())
    assert seen[-1].headers["authorization"] == "Bearer fresh"
