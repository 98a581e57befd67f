"""Passes over HubSpot's objects: what changes, moves, is archived, merged or shows late must be seen exactly once."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from exporter.demo import hubspot_search
from exporter.errors import IncompletePassError, Reason, SourceRejectedError, SourceUnavailableError
from exporter.sources.base import Listing, Pass
from exporter.sources.hubspot import reading
from exporter.sources.hubspot.places import Cursor
from tests.demo.tiny import START, TinyCompany, at, deal, lead
from tests.sources.account import Replica, bring
from tests.sources.hubspot.crm import Crm


def test_a_full_pass_lists_every_record_and_says_so() -> None:
    crm = Crm(TinyCompany(deals=[deal(key) for key in range(1, 251)]))
    crm.hands.go(10)
    brought = bring(crm.source(), Pass("deals", crm.hands.now))
    assert brought.ids() == [str(key) for key in range(1, 251)]
    assert brought.listing == Listing()
    assert [page.total for page in brought.pages[:3]] == [250, 250, 250]
    assert len(crm.line.asked("/objects/2026-03/deals")) == 3 + 1 + 1  # pages, archived ones, the total


def test_only_the_last_page_carries_cursor_and_listing_and_all_others_a_resume_token() -> None:
    crm = Crm(TinyCompany(deals=[deal(key) for key in range(1, 251)]))
    *others, last = bring(crm.source(), Pass("deals", crm.hands.now)).pages
    assert all(page.resume and page.cursor is None and page.listing is None for page in others)
    assert last.resume is None
    assert last.cursor is not None


def test_an_incremental_pass_brings_only_what_changed() -> None:
    crm = Crm(TinyCompany(deals=[deal(1), deal(2, (0, "discovery"), (60, "won")), deal(3, (0, "demo"))]))
    replica, source = Replica(), crm.source()
    crm.hands.go(30)
    replica.sync(source, "deals", crm.hands)
    crm.hands.go(40)
    brought = replica.sync(source, "deals", crm.hands)
    assert "2" in brought.ids()
    assert brought.listing is None
    assert replica.alive()["2"].status == "won"
    assert {key: one.status for key, one in replica.alive().items()} == {"1": "open", "2": "won", "3": "open"}


def test_a_block_of_equal_timestamps_larger_than_a_page_is_read_whole() -> None:
    crm = Crm(TinyCompany(deals=[deal(1), *(deal(key, (0, "discovery"), (60, "demo")) for key in range(2, 452))]))
    replica, source = Replica(), crm.source()
    replica.sync(source, "deals", crm.hands)
    crm.hands.go(61)
    brought = replica.sync(source, "deals", crm.hands)
    assert len(set(brought.ids())) >= 450
    assert all(record.stage == "Demo" for key, record in replica.alive().items() if key != "1")


def test_more_changes_than_a_search_can_page_through_are_read_by_asking_from_the_last_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hubspot_search, "CAP", 400)
    crm = Crm(TinyCompany(deals=[deal(key, (0, "discovery"), (60, "won")) for key in range(1, 1001)]))
    replica, source = Replica(), crm.source()
    replica.sync(source, "deals", crm.hands)
    crm.hands.go(61)
    brought = replica.sync(source, "deals", crm.hands)
    assert len(set(brought.ids())) == 1000
    assert brought.pages[0].total == 1000


def test_the_demo_refuses_to_page_beyond_ten_thousand_as_the_vendor_does() -> None:
    body = {"limit": 200, "after": "9900"}
    with pytest.raises(hubspot_search.BadSearchError, match="10000"):
        hubspot_search.cut([], body)
    assert hubspot_search.cut([], {"limit": 200, "after": "9800"}) == ([], None)


def test_a_change_that_search_shows_late_is_brought_by_a_later_pass() -> None:
    crm = Crm(
        TinyCompany(deals=[deal(1), deal(2, (0, "discovery"), (10, "won")), deal(3, (0, "discovery"), (10.2, "lost"))])
    )
    crm.shape.lag = timedelta(seconds=45)
    replica, source = Replica(), crm.source()
    crm.hands.go(9)
    replica.sync(source, "deals", crm.hands)
    crm.hands.go(1.85)  # the change at minute 10 is in search now, the one at 10.2 is not
    replica.sync(source, "deals", crm.hands)
    assert {key: one.status for key, one in replica.alive().items()} == {"1": "open", "2": "won", "3": "open"}
    crm.hands.go(1)
    replica.sync(source, "deals", crm.hands)
    assert replica.alive()["3"].status == "lost"


def test_a_change_made_while_a_full_pass_runs_is_brought_by_the_next_one() -> None:
    crm = Crm(TinyCompany(deals=[deal(key, (0, "discovery"), (30.5, "won")) for key in range(1, 301)]))
    source, replica = crm.source(), Replica()
    crm.hands.go(30)

    def time_passes(request: httpx.Request) -> None:
        if "after" in request.url.params:
            crm.hands.go(1)

    crm.line.fault = time_passes
    replica.sync(source, "deals", crm.hands)
    assert {record.status for record in replica.alive().values()} == {"open", "won"}
    crm.hands.go(5)
    replica.sync(source, "deals", crm.hands)
    assert {record.status for record in replica.alive().values()} == {"won"}


def test_the_cursor_is_the_latest_change_seen_and_not_the_clock() -> None:
    crm = Crm(TinyCompany(deals=[deal(1), deal(2, (7, "demo"))]))
    crm.hands.go(500)
    brought = bring(crm.source(), Pass("deals", crm.hands.now))
    assert _changed(brought.cursor) == START + timedelta(minutes=7)


def test_the_cursor_never_passes_the_start_of_its_pass_minus_the_lag() -> None:
    crm = Crm(TinyCompany(deals=[deal(1, (0, "discovery"), (99.9, "won"))]))
    crm.hands.go(100)
    brought = bring(crm.source(), Pass("deals", crm.hands.now))
    assert _changed(brought.cursor) == crm.hands.now - reading.LAG


def test_the_cursor_stays_behind_the_vendors_clock_where_ours_is_ahead() -> None:
    crm = Crm(TinyCompany(deals=[deal(1, (0, "discovery"), (99.9, "won"))]))
    crm.hands.go(100)
    theirs = crm.hands.now - timedelta(minutes=10)

    def dated(request: httpx.Request) -> httpx.Response | None:
        if "archived=false" not in str(request.url):
            return None
        row = {"id": "1", "properties": {"dealstage": "closedwon", "hs_lastmodifieddate": theirs.isoformat()}}
        return httpx.Response(200, json={"results": [row]}, headers={"date": f"{theirs:%a, %d %b %Y %H:%M:%S GMT}"})

    crm.line.fault = lambda request: dated(request) or _passed_with(request, theirs)
    brought = bring(crm.source(), Pass("deals", crm.hands.now))
    assert _changed(brought.cursor) == theirs - reading.LAG


def _passed_with(request: httpx.Request, date: object) -> httpx.Response:
    headers = {"date": f"{date:%a, %d %b %Y %H:%M:%S GMT}"}
    if "pipelines" in request.url.path:
        stage = {"id": "closedwon", "label": "Won", "metadata": {"isClosed": "true", "probability": "1.0"}}
        pipeline = {"id": "default", "label": "Sales", "stages": [stage]}
        return httpx.Response(200, json={"results": [pipeline]}, headers=headers)
    return httpx.Response(200, json={"results": [], "total": 1}, headers=headers)


def test_the_cursor_never_moves_backwards() -> None:
    crm = Crm(TinyCompany(deals=[deal(1, (5, "demo"))]))
    crm.hands.go(60)
    first = bring(crm.source(), Pass("deals", crm.hands.now))
    older = bring(crm.source(), Pass("deals", crm.hands.now - timedelta(minutes=58), first.cursor))
    assert _changed(older.cursor) == _changed(first.cursor)


def test_an_idle_account_costs_one_search_a_pass() -> None:
    crm = Crm(TinyCompany(deals=[deal(key, (0, "demo")) for key in range(1, 301)]))
    replica, source = Replica(), crm.source()
    crm.hands.go(1000)
    replica.sync(source, "deals", crm.hands)
    replica.held.clear()
    for _ in range(3):
        crm.line.log.clear()
        crm.hands.go(0.02)
        replica.sync(source, "deals", crm.hands)
        assert len(crm.line.asked("/search")) == 2  # the block that shares the latest change, and its end
        assert len(crm.line.log) == 3


def test_a_record_changed_in_the_very_second_of_the_cursor_is_not_skipped() -> None:
    crm = Crm(TinyCompany(deals=[deal(1, (10, "demo")), deal(2, (10, "demo"))]))
    crm.hands.go(60)
    source = crm.source(lookback="0s")
    first = bring(source, Pass("deals", crm.hands.now))
    again = bring(source, Pass("deals", crm.hands.now, first.cursor))
    assert sorted(again.ids()) == ["1", "2"]


def test_archived_records_become_tombstones_within_a_pass() -> None:
    crm = Crm(TinyCompany(deals=[deal(1), deal(2, archived_at=at(60)), deal(3)]))
    replica, source = Replica(), crm.source()
    crm.hands.go(30)
    replica.sync(source, "deals", crm.hands)
    assert set(replica.alive()) == {"1", "2", "3"}
    crm.hands.go(31)
    brought = replica.sync(source, "deals", crm.hands)
    assert brought.one(2).deleted
    assert set(replica.alive()) == {"1", "3"}


def test_a_full_pass_reads_the_recycle_bin_too() -> None:
    crm = Crm(TinyCompany(deals=[deal(1), deal(2, archived_at=at(10))]))
    crm.hands.go(30)
    brought = bring(crm.source(), Pass("deals", crm.hands.now))
    assert (brought.one(1).deleted, brought.one(2).deleted) == (False, True)


def test_a_record_taken_out_of_the_recycle_bin_wins_over_its_tombstone() -> None:
    """The store ignores older versions, so a tombstone is as old as the record's last change, not as its archiving."""
    crm = Crm()
    row = {
        "id": "1",
        "properties": {"hs_lastmodifieddate": "2026-03-02T08:00:00Z", "dealstage": "closedwon"},
        "archived": True,
        "archivedAt": "2026-03-02T09:00:00Z",
    }
    crm.line.fault = lambda request: (
        httpx.Response(200, json={"results": [row]}) if "archived=true" in str(request.url) else None
    )
    tombstone = bring(crm.source(), Pass("deals", crm.hands.now)).one(1)
    assert tombstone.deleted
    assert tombstone.updated_at == START - timedelta(hours=1)


def test_a_large_recycle_bin_is_listed_less_often() -> None:
    crm = Crm(TinyCompany(deals=[deal(0), *(deal(key, archived_at=at(10)) for key in range(1, 1001))]))
    replica, source = Replica(), crm.source()
    crm.hands.go(30)
    replica.sync(source, "deals", crm.hands)
    counts = []
    for _ in range(4):
        crm.line.log.clear()
        crm.hands.go(0.5)
        replica.sync(source, "deals", crm.hands)
        counts.append(sum("archived=true" in str(request.url) for request in crm.line.log))
    assert counts == [0, 0, 0, 10]  # ten pages: again after a hundred seconds
    assert len(replica.alive()) == 1


def test_the_loser_of_a_merge_vanishes_and_is_found_by_the_next_full_pass() -> None:
    crm = Crm(TinyCompany(leads=[lead(1), lead(2, (0, "new"), (5, "working"), merged_at=at(60))]))
    replica, source = Replica(), crm.source("leads")
    crm.hands.go(30)
    replica.sync(source, "leads", crm.hands)
    crm.hands.go(60)
    replica.sync(source, "leads", crm.hands)
    assert set(replica.alive()) == {"1", "2"}
    replica.sync(source, "leads", crm.hands, full=True)
    assert set(replica.alive()) == {"1"}


@pytest.mark.parametrize("pages", [1, 2, 3, 4])
def test_an_interrupted_full_pass_goes_on_where_it_was(pages: int) -> None:
    records = [deal(key) for key in range(1, 251)] + [deal(key, archived_at=at(1)) for key in range(251, 401)]
    crm = Crm(TinyCompany(deals=records))
    crm.hands.go(30)
    source, started_at = crm.source(), crm.hands.now
    whole = bring(source, Pass("deals", started_at))
    begun = bring(source, Pass("deals", started_at), pages)
    rest = bring(crm.source(), Pass("deals", started_at, resume=begun.pages[-1].resume))
    assert begun.ids() + rest.ids() == whole.ids()
    assert (rest.cursor, rest.listing) == (whole.cursor, whole.listing)


def test_an_interrupted_incremental_pass_goes_on_after_the_last_id() -> None:
    crm = Crm(TinyCompany(deals=[deal(key, (0, "discovery"), (60, "won")) for key in range(1, 501)]))
    source = crm.source()
    first = bring(source, Pass("deals", crm.hands.now))
    crm.hands.go(61)
    asked = Pass("deals", crm.hands.now, first.cursor)
    begun = bring(source, asked, 1)
    rest = bring(source, Pass("deals", asked.started_at, first.cursor, begun.pages[-1].resume))
    assert sorted(map(int, begun.ids() + rest.ids())) == list(range(1, 501))


def test_other_properties_than_last_time_read_everything_anew() -> None:
    crm = Crm(TinyCompany(deals=[deal(key) for key in range(1, 4)]))
    crm.hands.go(1000)
    first = bring(crm.source(), Pass("deals", crm.hands.now))
    changed = crm.source(properties={"deals": ["hs_is_closed"]})
    brought = bring(changed, Pass("deals", crm.hands.now, first.cursor, resume=first.pages[0].resume))
    assert len(brought.ids()) == 3
    assert brought.listing == Listing()
    assert brought.one(1).attributes["hs_is_closed"] == "false"


def test_a_resume_token_of_another_shape_starts_the_pass_again() -> None:
    crm = Crm(TinyCompany(deals=[deal(key) for key in range(1, 251)]))
    crm.hands.go(10)
    begun = bring(crm.source(), Pass("deals", crm.hands.now), 2)
    changed = crm.source(properties={"deals": ["hs_is_closed"]})
    assert len(bring(changed, Pass("deals", crm.hands.now, resume=begun.pages[-1].resume)).ids()) == 250


def test_an_account_without_records_has_no_cursor_and_is_a_complete_listing() -> None:
    crm = Crm()
    brought = bring(crm.source(), Pass("deals", crm.hands.now))
    assert (brought.records, brought.cursor, brought.listing) == ((), None, Listing())


def test_a_list_that_never_ends_is_noticed() -> None:
    crm = Crm(TinyCompany(deals=[deal(1)]))
    endless = {"results": [{"id": "1", "properties": {"dealstage": "closedwon"}}], "paging": {"next": {"after": "7"}}}
    crm.line.fault = lambda request: httpx.Response(200, json=endless) if "archived=false" in str(request.url) else None
    with pytest.raises(IncompletePassError) as raised:
        bring(crm.source(), Pass("deals", crm.hands.now))
    assert raised.value.reason is Reason.PAGINATION_LOOP


def test_a_search_that_comes_back_is_noticed() -> None:
    crm = Crm(TinyCompany(deals=[deal(1)]))
    source = crm.source()
    first = bring(source, Pass("deals", crm.hands.now))
    row = {"id": "1", "properties": {"dealstage": "closedwon"}}
    endless = {"total": 9, "results": [row], "paging": {"next": {"after": "1"}}}
    crm.line.fault = lambda request: httpx.Response(200, json=endless) if "search" in request.url.path else None
    with pytest.raises(IncompletePassError) as raised:
        bring(source, Pass("deals", crm.hands.now, first.cursor))
    assert raised.value.reason is Reason.PAGINATION_LOOP


def test_a_search_that_finds_objects_without_ids_publishes_nothing() -> None:
    crm = Crm(TinyCompany(deals=[deal(1)]))
    source = crm.source()
    first = bring(source, Pass("deals", crm.hands.now))
    odd = {"total": 1, "results": [{"id": "one", "properties": {}}]}
    crm.line.fault = lambda request: httpx.Response(200, json=odd) if "search" in request.url.path else None
    with pytest.raises(IncompletePassError) as raised:
        bring(source, Pass("deals", crm.hands.now, first.cursor))
    assert raised.value.reason is Reason.SCHEMA


@pytest.mark.parametrize("body", [{}, {"results": None}, {"status": "error"}, [], {"results": {"id": "1"}}])
def test_an_answer_in_another_shape_is_no_empty_account(body: object) -> None:
    crm = Crm(TinyCompany(deals=[deal(1)]))
    crm.line.fault = lambda request: httpx.Response(200, json=body) if "archived=false" in str(request.url) else None
    with pytest.raises(SourceRejectedError) as raised:
        bring(crm.source(), Pass("deals", crm.hands.now))
    assert raised.value.reason is Reason.SCHEMA


def test_a_page_cut_off_in_the_middle_fails_the_pass_after_its_retries() -> None:
    crm = Crm(TinyCompany(deals=[deal(key) for key in range(1, 251)]))
    broken = httpx.Response(200, content=b'{"results": [{"id"', headers={"content-type": "application/json"})
    crm.line.fault = lambda request: broken if request.url.params.get("after") == "101" else None
    with pytest.raises((SourceUnavailableError, SourceRejectedError)):
        bring(crm.source(), Pass("deals", crm.hands.now))
    crm.line.fault = lambda _: None
    assert len(bring(crm.source(), Pass("deals", crm.hands.now)).ids()) == 250


def test_one_bad_record_is_rejected_and_the_others_are_taken() -> None:
    crm = Crm()
    rows = [{"id": str(key), "properties": {"dealstage": "closedwon", "amount": "10"}} for key in range(1, 51)]
    rows[7]["properties"] = {"dealstage": "closedwon", "amount": "12,5"}
    crm.line.fault = lambda request: (
        httpx.Response(200, json={"results": rows}) if "archived=false" in str(request.url) else None
    )
    brought = bring(crm.source(), Pass("deals", crm.hands.now))
    assert len(brought.records) == 49
    assert [(error.reason, error.field) for error in brought.rejected] == [(Reason.NOT_A_NUMBER, "amount")]


def test_a_change_of_format_in_many_records_stops_the_pass() -> None:
    crm = Crm()
    rows = [{"id": str(key), "properties": {"dealstage": "closedwon", "amount": "twelve"}} for key in range(1, 51)]
    crm.line.fault = lambda request: (
        httpx.Response(200, json={"results": rows}) if "archived=false" in str(request.url) else None
    )
    with pytest.raises(SourceRejectedError) as raised:
        bring(crm.source(), Pass("deals", crm.hands.now))
    assert raised.value.reason is Reason.TOO_MANY_REJECTED


def test_the_search_is_asked_as_the_specification_wants_it() -> None:
    crm = Crm(TinyCompany(leads=[lead(1)]))
    source, started_at = crm.source("leads"), crm.hands.now
    first = bring(source, Pass("leads", started_at))
    crm.line.log.clear()
    bring(source, Pass("leads", crm.hands.now, first.cursor))
    body = json.loads(crm.line.asked("/search")[0].content)
    assert body.keys() == {"filterGroups", "sorts", "properties", "limit", "after"}
    assert (body["sorts"], body["after"], body["limit"]) == (["hs_object_id"], "0", 200)
    changed, from_id = body["filterGroups"][0]["filters"]
    assert (changed["propertyName"], changed["operator"]) == ("lastmodifieddate", "GTE")
    assert int(changed["value"]) == int((started_at - reading.LAG - timedelta(minutes=5)).timestamp() * 1000)
    assert from_id == {"propertyName": "hs_object_id", "operator": "GTE", "value": "1"}


def _changed(cursor: str | None) -> object:
    assert cursor is not None
    found = Cursor.of(cursor, json.loads(cursor)[0])
    assert found is not None
    return found.changed
