"""How far the cursor of a pass goes, on which clock, and what the next pass requests."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx

from exporter.passes import Pass
from exporter.sources.providers.hubspot import reading
from exporter.sources.providers.hubspot.reading import HubspotCursor
from tests.demo.tiny_company import START, TinyCompany, deal, lead
from tests.sources.account import Replica, read_pass
from tests.sources.providers.hubspot.crm import Crm


def test_the_cursor_is_the_latest_change_seen_and_not_the_clock() -> None:
    crm = Crm(TinyCompany(deals=[deal(1), deal(2, (7, "demo"))]))
    crm.clock.advance(500)
    result = read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert _changed(result.cursor) == START + timedelta(minutes=7)


def test_the_cursor_never_passes_the_start_of_its_pass_minus_the_lag() -> None:
    crm = Crm(TinyCompany(deals=[deal(1, (0, "discovery"), (99.9, "won"))]))
    crm.clock.advance(100)
    result = read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert _changed(result.cursor) == crm.clock.now - reading.LAG


def test_the_cursor_follows_the_vendors_clock_if_ours_is_ahead() -> None:
    crm = Crm(TinyCompany(deals=[deal(1, (0, "discovery"), (99.9, "won"))]))
    crm.clock.advance(100)
    vendor_time = crm.clock.now - timedelta(minutes=10)

    def dated(request: httpx.Request) -> httpx.Response | None:
        if "archived=false" not in str(request.url):
            return None
        row = {"id": "1", "properties": {"dealstage": "closedwon", "hs_lastmodifieddate": vendor_time.isoformat()}}
        return httpx.Response(
            200, json={"results": [row]}, headers={"date": f"{vendor_time:%a, %d %b %Y %H:%M:%S GMT}"}
        )

    crm.line.fault = lambda request: dated(request) or _passed_with(request, vendor_time)
    result = read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert _changed(result.cursor) == vendor_time - reading.LAG


def _passed_with(request: httpx.Request, date: object) -> httpx.Response:
    headers = {"date": f"{date:%a, %d %b %Y %H:%M:%S GMT}"}
    if "pipelines" in request.url.path:
        stage = {"id": "closedwon", "label": "Won", "metadata": {"isClosed": "true", "probability": "1.0"}}
        pipeline = {"id": "default", "label": "Sales", "stages": [stage]}
        return httpx.Response(200, json={"results": [pipeline]}, headers=headers)
    return httpx.Response(200, json={"results": [], "total": 1}, headers=headers)


def test_the_cursor_never_moves_backwards() -> None:
    crm = Crm(TinyCompany(deals=[deal(1, (5, "demo"))]))
    crm.clock.advance(60)
    first = read_pass(crm.source(), Pass("deals", crm.clock.now))
    older = read_pass(crm.source(), Pass("deals", crm.clock.now - timedelta(minutes=58), first.cursor))
    assert _changed(older.cursor) == _changed(first.cursor)


def test_an_idle_account_costs_one_search_a_pass() -> None:
    crm = Crm(TinyCompany(deals=[deal(key, (0, "demo")) for key in range(1, 301)]))
    replica, source = Replica(), crm.source()
    crm.clock.advance(1000)
    replica.sync(source, "deals", crm.clock)
    replica.held.clear()
    for _ in range(3):
        crm.line.log.clear()
        crm.clock.advance(0.02)
        replica.sync(source, "deals", crm.clock)
        assert len(crm.line.asked("/search")) == 2  # the block that shares the latest change, and its end
        assert len(crm.line.log) == 3


def test_a_record_changed_in_the_very_second_of_the_cursor_is_not_skipped() -> None:
    crm = Crm(TinyCompany(deals=[deal(1, (10, "demo")), deal(2, (10, "demo"))]))
    crm.clock.advance(60)
    source = crm.source(lookback="0s")
    first = read_pass(source, Pass("deals", crm.clock.now))
    again = read_pass(source, Pass("deals", crm.clock.now, first.cursor))
    assert sorted(again.ids()) == ["1", "2"]


def test_a_search_has_the_body_that_the_specification_requires() -> None:
    crm = Crm(TinyCompany(leads=[lead(1)]))
    source, started_at = crm.source("leads"), crm.clock.now
    first = read_pass(source, Pass("leads", started_at))
    crm.line.log.clear()
    read_pass(source, Pass("leads", crm.clock.now, first.cursor))
    body = json.loads(crm.line.asked("/search")[0].content)
    assert body.keys() == {"filterGroups", "sorts", "properties", "limit", "after"}
    assert (body["sorts"], body["after"], body["limit"]) == (["hs_object_id"], "0", 200)
    changed, from_id = body["filterGroups"][0]["filters"]
    assert (changed["propertyName"], changed["operator"]) == ("lastmodifieddate", "GTE")
    assert int(changed["value"]) == int((started_at - reading.LAG - timedelta(minutes=5)).timestamp() * 1000)
    assert from_id == {"propertyName": "hs_object_id", "operator": "GTE", "value": "1"}


def _changed(cursor: str | None) -> object:
    assert cursor is not None
    stored = HubspotCursor.of(cursor, json.loads(cursor)[0])
    assert stored is not None
    return stored.changed
