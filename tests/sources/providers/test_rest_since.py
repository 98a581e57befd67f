"""Passes that ask only for what changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx

from exporter.passes import Listing
from tests.fakes.api import FakeApi
from tests.sources.providers.rest_passes import AFTER, SINCE, ids, read, rows, source
from tests.sources.source_context import NOW, pages_of, run


class TestSince:
    def test_the_second_pass_requests_changes_since_the_cursor_minus_the_lookback(self) -> None:
        api = FakeApi(rows(100))
        cursor = read(api, since=SINCE)[-1].cursor
        latest = datetime.fromisoformat(api.rows[-1]["updated_at"])
        assert "since" not in api.log[-1].url.params
        pages = read(api, cursor=cursor, since=SINCE)
        assert api.log[-1].url.params["since"] == (latest - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert ids(pages) == ["d94", "d95", "d96", "d97", "d98", "d99"]

    def test_a_late_arrival_within_the_lookback_comes_with_the_next_pass(self) -> None:
        api = FakeApi(rows(10))
        cursor = read(api, since=SINCE)[-1].cursor
        api.rows.append({**api.rows[-1], "id": "late", "updated_at": api.rows[7]["updated_at"]})
        assert "late" in ids(read(api, cursor=cursor, since=SINCE))

    def test_an_arrival_beyond_the_lookback_comes_with_the_reconcile(self) -> None:
        api = FakeApi(rows(10))
        cursor = read(api, since=SINCE)[-1].cursor
        api.rows.append({**api.rows[-1], "id": "late", "updated_at": api.rows[0]["updated_at"]})
        assert "late" not in ids(read(api, cursor=cursor, since=SINCE))
        assert "late" in ids(read(api, since=SINCE))

    def test_the_cursor_never_passes_the_start_of_the_pass_nor_moves_back(self) -> None:
        api = FakeApi(rows(3))
        api.rows[0]["updated_at"] = (NOW + timedelta(hours=2)).isoformat()
        cursor = read(api, since=SINCE)[-1].cursor
        assert json.loads(cursor or "") == [NOW.isoformat()]
        api.rows.clear()
        later = run(pages_of(source(api, since=SINCE), cursor, at=NOW + timedelta(hours=1)))
        assert later[-1].cursor == cursor

    def test_after_an_empty_list_the_next_pass_reads_from_its_start(self) -> None:
        (page,) = read(FakeApi(), since=SINCE)
        assert json.loads(page.cursor or "") == [NOW.isoformat()]

    def test_a_vendor_whose_clock_is_behind_loses_nothing(self) -> None:
        behind = (NOW - timedelta(minutes=10)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        answer = httpx.Response(200, json={"data": []}, headers={"date": behind})
        (page,) = read(FakeApi(before=lambda *_: answer), since=SINCE)
        assert json.loads(page.cursor or "") == [(NOW - timedelta(minutes=10)).isoformat()]

    def test_the_lag_of_the_vendor_delays_the_cursor(self) -> None:
        api = FakeApi(rows(3))
        api.rows[0]["updated_at"] = NOW.isoformat()
        found = source(api, since={**SINCE, "lag": "10m"})
        assert found.lag == timedelta(minutes=10)
        assert json.loads(run(pages_of(found))[-1].cursor or "") == [(NOW - timedelta(minutes=10)).isoformat()]

    def test_the_upper_bound_stays_the_start_of_the_pass(self) -> None:
        api = FakeApi(rows(25))
        cursor = json.dumps([(NOW - timedelta(days=40)).isoformat()])
        read(api, cursor=cursor, pagination=AFTER, since={**SINCE, "until": "until"})
        assert {request.url.params["until"] for request in api.log} == {"2026-03-02T09:00:00Z"}

    def test_without_a_filter_there_is_no_cursor_and_every_pass_is_a_full_one(self) -> None:
        assert read(FakeApi(rows(3)))[-1].cursor is None

    def test_a_cursor_for_another_number_of_listings_causes_a_full_pass(self) -> None:
        api = FakeApi(rows(3))
        assert read(api, cursor="[]", since=SINCE)[-1].listing == Listing()

    def test_a_block_of_equal_times_larger_than_a_page_is_read_whole(self) -> None:
        api = FakeApi(rows(25, updated_at=(NOW - timedelta(hours=1)).isoformat()), page=4)
        cursor = read(api, pagination=AFTER, since=SINCE)[-1].cursor
        assert len(set(ids(read(api, cursor=cursor, pagination=AFTER, since=SINCE)))) == 25


def test_the_end_of_summer_time_does_not_shift_the_filter() -> None:
    api = FakeApi()
    cursor = json.dumps([datetime(2026, 10, 25, 1, 30, tzinfo=UTC).isoformat()])
    read(api, cursor=cursor, since=SINCE)
    assert api.log[0].url.params["since"] == "2026-10-25T01:25:00Z"
