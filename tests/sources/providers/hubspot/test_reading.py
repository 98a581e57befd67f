"""Passes over HubSpot's objects: no change is missed, also if it appears late or while pages are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from exporter.demo.hubspot import search
from exporter.passes import Listing, Pass
from exporter.sources.providers.hubspot.reading import HubspotCursor, HubspotPosition
from tests.demo.tiny_company import TinyCompany, at, deal
from tests.sources.account import Replica, read_pass
from tests.sources.providers.hubspot.crm import Crm


def test_a_full_pass_reads_every_record_and_ends_with_a_listing() -> None:
    crm = Crm(TinyCompany(deals=[deal(key) for key in range(1, 251)]))
    crm.clock.advance(10)
    result = read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert result.ids() == [str(key) for key in range(1, 251)]
    assert result.listing == Listing()
    assert [page.total for page in result.pages[:3]] == [250, 250, 250]
    assert len(crm.line.asked("/objects/2026-03/deals")) == 3 + 1 + 1  # pages, archived ones, the total


def test_the_last_page_has_cursor_and_listing_and_the_others_a_resume_token() -> None:
    crm = Crm(TinyCompany(deals=[deal(key) for key in range(1, 251)]))
    *earlier, last = read_pass(crm.source(), Pass("deals", crm.clock.now)).pages
    assert all(page.resume and page.cursor is None and page.listing is None for page in earlier)
    assert last.resume is None
    assert last.cursor is not None


def test_an_incremental_pass_reads_only_what_changed() -> None:
    crm = Crm(TinyCompany(deals=[deal(1), deal(2, (0, "discovery"), (60, "won")), deal(3, (0, "demo"))]))
    replica, source = Replica(), crm.source()
    crm.clock.advance(30)
    replica.sync(source, "deals", crm.clock)
    crm.clock.advance(40)
    result = replica.sync(source, "deals", crm.clock)
    assert "2" in result.ids()
    assert result.listing is None
    assert replica.alive()["2"].status == "won"
    assert {key: record.status for key, record in replica.alive().items()} == {"1": "open", "2": "won", "3": "open"}


def test_a_block_of_equal_timestamps_larger_than_a_page_is_read_whole() -> None:
    crm = Crm(TinyCompany(deals=[deal(1), *(deal(key, (0, "discovery"), (60, "demo")) for key in range(2, 452))]))
    replica, source = Replica(), crm.source()
    replica.sync(source, "deals", crm.clock)
    crm.clock.advance(61)
    result = replica.sync(source, "deals", crm.clock)
    assert len(set(result.ids())) >= 450
    assert all(record.stage == "Demo" for key, record in replica.alive().items() if key != "1")


def test_more_changes_than_a_search_can_page_through_are_read_by_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(search, "CAP", 400)
    crm = Crm(TinyCompany(deals=[deal(key, (0, "discovery"), (60, "won")) for key in range(1, 1001)]))
    replica, source = Replica(), crm.source()
    replica.sync(source, "deals", crm.clock)
    crm.clock.advance(61)
    result = replica.sync(source, "deals", crm.clock)
    assert len(set(result.ids())) == 1000
    assert result.pages[0].total == 1000


def test_the_demo_like_hubspot_rejects_paging_beyond_ten_thousand_results() -> None:
    body = {"limit": 200, "after": "9900"}
    with pytest.raises(search.InvalidSearchError, match="10000"):
        search.cut([], body)
    assert search.cut([], {"limit": 200, "after": "9800"}) == ([], None)


def test_a_change_that_search_shows_late_is_read_by_a_later_pass() -> None:
    crm = Crm(
        TinyCompany(deals=[deal(1), deal(2, (0, "discovery"), (10, "won")), deal(3, (0, "discovery"), (10.2, "lost"))])
    )
    crm.shape.lag = timedelta(seconds=45)
    replica, source = Replica(), crm.source()
    crm.clock.advance(9)
    replica.sync(source, "deals", crm.clock)
    crm.clock.advance(1.85)  # the change at minute 10 is in search now, the one at 10.2 is not
    replica.sync(source, "deals", crm.clock)
    assert {key: record.status for key, record in replica.alive().items()} == {"1": "open", "2": "won", "3": "open"}
    crm.clock.advance(1)
    replica.sync(source, "deals", crm.clock)
    assert replica.alive()["3"].status == "lost"


def test_a_change_during_a_full_pass_is_read_by_the_next_one() -> None:
    crm = Crm(TinyCompany(deals=[deal(key, (0, "discovery"), (30.5, "won")) for key in range(1, 301)]))
    source, replica = crm.source(), Replica()
    crm.clock.advance(30)

    def time_passes(request: httpx.Request) -> None:
        if "after" in request.url.params:
            crm.clock.advance(1)

    crm.line.fault = time_passes
    replica.sync(source, "deals", crm.clock)
    assert {record.status for record in replica.alive().values()} == {"open", "won"}
    crm.clock.advance(5)
    replica.sync(source, "deals", crm.clock)
    assert {record.status for record in replica.alive().values()} == {"won"}


@pytest.mark.parametrize("pages", [1, 2, 3, 4])
def test_an_interrupted_full_pass_resumes_where_it_stopped(pages: int) -> None:
    records = [deal(key) for key in range(1, 251)] + [deal(key, archived_at=at(1)) for key in range(251, 401)]
    crm = Crm(TinyCompany(deals=records))
    crm.clock.advance(30)
    source, started_at = crm.source(), crm.clock.now
    full_pass = read_pass(source, Pass("deals", started_at))
    interrupted = read_pass(source, Pass("deals", started_at), pages)
    rest = read_pass(crm.source(), Pass("deals", started_at, resume=interrupted.pages[-1].resume))
    assert interrupted.ids() + rest.ids() == full_pass.ids()
    assert (rest.cursor, rest.listing) == (full_pass.cursor, full_pass.listing)


def test_an_interrupted_incremental_pass_resumes_after_the_last_id() -> None:
    crm = Crm(TinyCompany(deals=[deal(key, (0, "discovery"), (60, "won")) for key in range(1, 501)]))
    source = crm.source()
    first = read_pass(source, Pass("deals", crm.clock.now))
    crm.clock.advance(61)
    sync_pass = Pass("deals", crm.clock.now, first.cursor)
    interrupted = read_pass(source, sync_pass, 1)
    rest = read_pass(source, Pass("deals", sync_pass.started_at, first.cursor, interrupted.pages[-1].resume))
    assert sorted(map(int, interrupted.ids() + rest.ids())) == list(range(1, 501))


def test_everything_is_read_again_if_the_properties_change() -> None:
    crm = Crm(TinyCompany(deals=[deal(key) for key in range(1, 4)]))
    crm.clock.advance(1000)
    first = read_pass(crm.source(), Pass("deals", crm.clock.now))
    changed = crm.source(properties={"deals": ["hs_is_closed"]})
    result = read_pass(changed, Pass("deals", crm.clock.now, first.cursor, resume=first.pages[0].resume))
    assert len(result.ids()) == 3
    assert result.listing == Listing()
    assert result.one(1).attributes["hs_is_closed"] == "false"


def test_a_resume_token_for_other_properties_starts_the_pass_again() -> None:
    crm = Crm(TinyCompany(deals=[deal(key) for key in range(1, 251)]))
    crm.clock.advance(10)
    interrupted = read_pass(crm.source(), Pass("deals", crm.clock.now), 2)
    changed = crm.source(properties={"deals": ["hs_is_closed"]})
    assert len(read_pass(changed, Pass("deals", crm.clock.now, resume=interrupted.pages[-1].resume)).ids()) == 250


def test_an_empty_account_gives_a_listing_and_no_cursor() -> None:
    crm = Crm()
    result = read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert (result.records, result.cursor, result.listing) == ((), None, Listing())


INSTANT = datetime(2026, 3, 2, 9, 0, 0, 250000, tzinfo=UTC)


def test_a_stored_cursor_is_read_back_unchanged() -> None:
    cursor = HubspotCursor("query", INSTANT, INSTANT - timedelta(minutes=1), 3)
    assert HubspotCursor.of(cursor.to_text(), "query") == cursor


def test_without_a_cursor_of_the_same_query_everything_is_read() -> None:
    assert HubspotCursor.of(HubspotCursor("query", INSTANT, INSTANT, 3).to_text(), "other") is None
    assert HubspotCursor.of(None, "query") is None


@pytest.mark.parametrize(
    ("pages", "seconds", "due"), [(1, 9, False), (1, 10, True), (0, 0, True), (60, 599, False), (60, 600, True)]
)
def test_the_recycle_bin_costs_at_most_a_request_in_ten_seconds(pages: int, seconds: int, due: bool) -> None:
    cursor = HubspotCursor("query", INSTANT, INSTANT, pages)
    assert cursor.archived_due(INSTANT + timedelta(seconds=seconds)) is due


@pytest.mark.parametrize("latest", [INSTANT, None])
def test_a_stored_position_is_read_back_unchanged(latest: datetime | None) -> None:
    position = HubspotPosition("query", True, "after", latest, 2)
    assert HubspotPosition.of(position.to_text(), "query") == position


def test_without_a_position_of_the_same_query_the_pass_starts_at_the_beginning() -> None:
    position = HubspotPosition("query", True, "after", INSTANT, 2)
    assert HubspotPosition.of(position.to_text(), "other") == HubspotPosition("other")
    assert HubspotPosition.of(None, "query") == HubspotPosition("query")
