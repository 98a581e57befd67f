from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from exporter.errors import IncompletePassError, Reason, SourceError, SourceRejectedError
from exporter.records import Deal
from exporter.sources.base import Access, Listing, Page, Pass, Source
from exporter.sources.rest import create, latest_change
from tests.fakes.api import FakeApi, Row
from tests.sources.around import NOW, Clock, options, pages_of, records_of, rest, run, surroundings

AFTER = {"cursor": {"path": "paging.next.after", "param": "after"}, "size": {"param": "size", "rows": 10}}
OFFSET = {"offset": {}, "size": {"param": "size", "rows": 10}}
SINCE = {"param": "since"}
APP = {"oauth": {"client_id": "app", "client_secret": {"env": "CLIENT"}, "token_url": "https://api.test/token"}}


def rows(count: int, **given: Any) -> list[Row]:
    start = NOW - timedelta(days=30)
    return [
        {"id": f"d{n}", "amount": n, "updated_at": (start + timedelta(minutes=n)).isoformat(), **given}
        for n in range(count)
    ]


def source(api: FakeApi, clock: Clock | None = None, options_: dict[str, Any] | None = None, **listing: Any) -> Source:
    found = rest(listing, **(options_ or {}))
    return create(found, surroundings(api.transport(), clock=clock, CLIENT="hush", TOKEN="token-1"))


def read(api: FakeApi, cursor: str | None = None, resume: str | None = None, **listing: Any) -> list[Page]:
    return run(pages_of(source(api, **listing), cursor, resume))


def fault(api: FakeApi, **listing: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(api, **listing)
    return caught.value


def ids(pages: list[Page]) -> list[str]:
    return [record.id for record in records_of(pages)]


class TestReading:
    def test_rows_become_records_and_only_the_last_page_concludes(self) -> None:
        pages = read(FakeApi(rows(25)), pagination=AFTER, total="total")
        assert ids(pages) == [f"d{n}" for n in range(25)]
        assert records_of(pages)[7].amount == Decimal(7)
        assert [(page.total, page.cursor, page.listing, page.resume is None) for page in pages] == [
            (25, None, None, False),
            (25, None, None, False),
            (25, None, Listing(), True),
        ]

    def test_an_empty_list_is_a_true_zero(self) -> None:
        (page,) = read(FakeApi())
        assert (page.records, page.listing) == ((), Listing())

    @pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, {"rows": []}, {"data": "x"}, []])
    def test_an_answer_without_the_list_is_never_zero(self, body: Any) -> None:
        answer = httpx.Response(200, json=body)
        assert fault(FakeApi(before=lambda *_: answer)).reason is Reason.SCHEMA

    @pytest.mark.parametrize("answer", [httpx.Response(204), httpx.Response(200, content=b"")])
    def test_no_content_is_never_zero_either(self, answer: httpx.Response) -> None:
        answer.headers["content-type"] = "application/json"
        assert fault(FakeApi(before=lambda *_: answer)).reason is Reason.SCHEMA

    @pytest.mark.parametrize("body", [{}, {"data": None}])
    def test_a_vendor_may_be_known_to_leave_an_empty_list_out(self, body: Any) -> None:
        answer = httpx.Response(200, json=body)
        (page,) = read(FakeApi(before=lambda *_: answer), empty_is_error=False)
        assert page.records == ()

    def test_the_answer_itself_may_be_the_list(self) -> None:
        answer = httpx.Response(200, json=rows(2))
        assert ids(read(FakeApi(before=lambda *_: answer), records=None)) == ["d0", "d1"]

    def test_parameters_and_headers_go_with_every_request(self) -> None:
        api = FakeApi(rows(15))
        found = source(api, options_={"headers": {"X-Version": "3"}}, pagination=AFTER, params={"kind": "deal"})
        run(pages_of(found))
        assert [request.url.params["kind"] for request in api.log] == ["deal", "deal"]
        assert [request.headers["x-version"] for request in api.log] == ["3", "3"]

    def test_duplicates_within_and_across_pages_are_brought_for_the_store_to_merge(self) -> None:
        pages = read(FakeApi(rows(25), repeats=True), pagination=AFTER)
        assert sorted(set(ids(pages))) == sorted(f"d{n}" for n in range(25))
        assert len(ids(pages)) == 27

    def test_a_pass_that_was_broken_off_goes_on_after_its_last_page(self) -> None:
        api = FakeApi(rows(25))
        whole = read(api, pagination=AFTER, since=SINCE)
        rest_of_it = read(api, resume=whole[0].resume, pagination=AFTER, since=SINCE)
        assert ids(whole[:1]) + ids(rest_of_it) == [f"d{n}" for n in range(25)]
        assert rest_of_it[-1].cursor == whole[-1].cursor

    def test_a_page_that_fails_leaves_the_ones_before_it_usable(self) -> None:
        api = FakeApi(rows(25))
        api.before = lambda api, _: httpx.Response(200, content=b'{"data": [') if len(api.log) > 1 else None
        pages: list[Page] = []

        async def work() -> None:
            async for page in source(api, pagination=AFTER).read(Pass("deals", NOW)):
                pages.append(page)  # noqa: PERF401 - the pages before the fault count

        with pytest.raises(SourceError) as caught:
            run(work())
        assert caught.value.reason is Reason.PROTOCOL
        api.before = lambda *_: None
        assert ids(pages) + ids(read(api, resume=pages[-1].resume, pagination=AFTER)) == [f"d{n}" for n in range(25)]

    def test_a_vendor_that_fails_every_third_time_is_read_to_the_end_bit_by_bit(self) -> None:
        chance = random.Random(3)
        api = FakeApi(rows(3000), before=lambda *_: httpx.Response(500) if chance.random() < 0.3 else None)
        clock = Clock()
        found = source(api, clock, pagination=AFTER, total="total")
        pages: list[Page] = []

        async def attempt() -> bool:
            try:
                async for page in found.read(Pass("deals", NOW, resume=pages[-1].resume if pages else None)):
                    pages.append(page)  # noqa: PERF401 - the pages before the fault count
            except SourceError:
                clock.go(60)
                return False
            return True

        async def work() -> None:
            while not await attempt():
                pass

        run(work())
        assert ids(pages) == [f"d{n}" for n in range(3000)]
        assert pages[-1].listing == Listing()

    def test_a_million_numbers_where_rows_should_be_are_refused(self) -> None:
        answer = httpx.Response(200, json={"data": list(range(1_000_000))})
        assert fault(FakeApi(before=lambda *_: answer)).reason is Reason.TOO_MANY_REJECTED


class TestRecords:
    def test_one_poison_row_in_five_hundred_is_rejected_and_the_cursor_moves(self) -> None:
        api = FakeApi(rows(500), page=500)
        api.rows[250]["amount"] = "12,5"
        (page,) = read(api, pagination={**AFTER, "size": {"param": "size", "rows": 500}}, since=SINCE)
        assert len(page.records) == 499
        assert [(error.reason, error.record_id) for error in page.rejected] == [(Reason.NOT_A_NUMBER, "d250")]
        assert page.cursor is not None

    @pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", "9" * 400, "9" * 5000, '"12,5"', "true", "{}"])
    def test_raw_poison_numbers_cost_one_record_each(self, value: str) -> None:
        text = json.dumps({"data": rows(30)}).replace('"amount": 7,', f'"amount": {value},')
        answer = httpx.Response(200, content=text.encode(), headers={"content-type": "application/json"})
        (page,) = read(FakeApi(before=lambda *_: answer))
        assert (len(page.records), [error.field for error in page.rejected]) == (29, ["amount"])

    @pytest.mark.parametrize("drift", ["rename", "object"])
    def test_a_changed_format_in_half_of_the_rows_stops_the_pass(self, drift: str) -> None:
        api = FakeApi(rows(100))
        for row in api.rows[::2]:
            value = row.pop("amount")
            row.update({"value": value} if drift == "rename" else {"amount": {"value": value}})
        assert fault(api).reason is Reason.TOO_MANY_REJECTED

    def test_a_record_from_the_future_is_rejected_and_does_not_move_the_cursor(self) -> None:
        api = FakeApi(rows(30))
        api.rows[3]["updated_at"] = "2099-01-01T00:00:00Z"
        (page,) = read(api, since=SINCE)
        assert [error.reason for error in page.rejected] == [Reason.FUTURE_TIMESTAMP]
        assert json.loads(page.cursor or "") == [api.rows[-1]["updated_at"]]

    def test_a_change_time_that_is_null_gives_way_to_the_time_of_creation(self) -> None:
        records = [
            Deal(id="1", created_at=NOW),
            Deal(id="2", updated_at=NOW - timedelta(days=1), created_at=NOW - timedelta(days=9)),
            Deal(id="3"),
        ]
        assert latest_change(records) == NOW
        assert latest_change(records[2:]) is None


class TestDeletions:
    @pytest.mark.parametrize(
        ("mark", "rule"),
        [
            ({"archived": True}, {"field": "archived"}),
            ({"archived": "2026-01-01"}, {"field": "archived"}),
            ({"meta": {"state": "gone"}}, {"field": "meta.state", "equals": "gone"}),
        ],
    )
    def test_a_mark_makes_a_tombstone_of_which_only_the_id_is_needed(self, mark: Row, rule: Row) -> None:
        api = FakeApi([*rows(3, archived=None, meta=None), {"id": "x", **mark}])
        pages = read(api, deleted=rule)
        assert [(record.id, record.deleted) for record in records_of(pages)] == [
            ("d0", False), ("d1", False), ("d2", False), ("x", True),
        ]  # fmt: skip

    def test_without_the_mark_nothing_is_deleted(self) -> None:
        pages = read(FakeApi(rows(3)), deleted={"field": "archived"})
        assert not any(record.deleted for record in records_of(pages))

    def test_a_tombstone_without_an_id_is_rejected(self) -> None:
        (page,) = read(FakeApi([*rows(3), {"archived": True}]), deleted={"field": "archived"})
        assert [error.reason for error in page.rejected] == [Reason.MISSING_FIELD]

    def test_a_reading_of_only_the_changes_says_nothing_about_the_rest(self) -> None:
        api = FakeApi(rows(10))
        cursor = read(api, since=SINCE)[-1].cursor
        assert read(api, cursor=cursor, since=SINCE)[-1].listing is None

    def test_a_listing_that_is_known_to_be_partial_deletes_nothing(self) -> None:
        assert read(FakeApi(rows(10)), complete=False)[-1].listing is None

    def test_rows_that_shift_while_they_are_read_by_offset_delete_nothing(self) -> None:
        def vanish(api: FakeApi, _: httpx.Request) -> None:
            if len(api.log) == 2:
                del api.rows[0]

        moving = FakeApi(rows(25), paging="offset", before=vanish)
        pages = read(moving, pagination=OFFSET, total="total")
        assert "d10" not in ids(pages)
        assert pages[-1].listing is None
        assert read(moving, pagination=OFFSET, total="total")[-1].listing == Listing()


class TestCaps:
    @pytest.mark.parametrize("pagination", [AFTER, OFFSET])
    def test_a_silent_cap_is_an_incomplete_pass_and_never_the_whole(self, pagination: Row) -> None:
        api = FakeApi(rows(100), hidden=40, paging="cursor" if pagination is AFTER else "offset")
        error = fault(api, pagination=pagination, total="total")
        assert isinstance(error, IncompletePassError)
        assert error.reason is Reason.CAPPED

    def test_rows_that_come_while_reading_are_no_cap(self) -> None:
        def arrive(api: FakeApi, _: httpx.Request) -> None:
            api.rows.insert(0, rows(1)[0] | {"id": f"new{len(api.log)}"})

        read(FakeApi(rows(25), before=arrive), pagination=AFTER, total="total")

    def test_pages_without_end_stop_at_the_configured_number(self) -> None:
        error = fault(FakeApi(rows(100)), pagination=AFTER, max_pages=3)
        assert (error.reason, isinstance(error, IncompletePassError)) == (Reason.PAGE_LIMIT, True)


class TestSince:
    def test_the_second_pass_asks_only_for_what_changed_since_with_its_lookback(self) -> None:
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

    def test_a_later_one_comes_with_the_reconcile(self) -> None:
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

    def test_an_empty_list_is_read_from_its_start_on_next_time(self) -> None:
        (page,) = read(FakeApi(), since=SINCE)
        assert json.loads(page.cursor or "") == [NOW.isoformat()]

    def test_a_vendor_whose_clock_is_behind_loses_nothing(self) -> None:
        behind = (NOW - timedelta(minutes=10)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        answer = httpx.Response(200, json={"data": []}, headers={"date": behind})
        (page,) = read(FakeApi(before=lambda *_: answer), since=SINCE)
        assert json.loads(page.cursor or "") == [(NOW - timedelta(minutes=10)).isoformat()]

    def test_what_the_vendor_shows_late_holds_the_cursor_back(self) -> None:
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

    def test_a_cursor_of_another_shape_is_as_good_as_none(self) -> None:
        api = FakeApi(rows(3))
        assert read(api, cursor="[]", since=SINCE)[-1].listing == Listing()

    def test_a_block_of_equal_times_larger_than_a_page_is_read_whole(self) -> None:
        api = FakeApi(rows(25, updated_at=(NOW - timedelta(hours=1)).isoformat()), page=4)
        cursor = read(api, pagination=AFTER, since=SINCE)[-1].cursor
        assert len(set(ids(read(api, cursor=cursor, pagination=AFTER, since=SINCE)))) == 25


class TestListings:
    def two(self, api: FakeApi, **second: Any) -> Source:
        columns = {"id": "id", "updated_at": "updated_at"}
        listing = {"entity": "deals", "records": "data", "columns": columns, "pagination": AFTER}
        found = options(
            provider="rest",
            base_url="https://api.test",
            entities=[
                {**listing, "path": "/open"},
                {**listing, "path": "/closed", "since": SINCE, **second},
                {**listing, "entity": "people", "path": "/people"},
            ],
        )
        return create(found, surroundings(api.transport()))

    def vendor(self) -> FakeApi:
        def prefixed(api: FakeApi, request: httpx.Request) -> None:
            api.rows = [{**row, "id": request.url.path + row["id"]} for row in rows(15)]

        return FakeApi(before=prefixed)

    def test_two_listings_of_one_entity_are_one_pass(self) -> None:
        api = self.vendor()
        found = self.two(api)
        assert found.entities == ("deals", "people")
        pages = run(pages_of(found))
        assert ids(pages) == [f"/{path}d{n}" for path in ("open", "closed") for n in range(15)]
        assert [page.listing for page in pages] == [None, None, None, Listing()]
        assert json.loads(pages[-1].cursor or "") == [None, rows(15)[-1]["updated_at"]]

    def test_it_is_taken_up_in_the_listing_in_which_it_was_broken_off(self) -> None:
        whole = run(pages_of(self.two(self.vendor())))
        for place, page in enumerate(whole[:-1]):
            rest_of_it = run(pages_of(self.two(self.vendor()), resume=page.resume))
            assert ids(whole[: place + 1]) + ids(rest_of_it) == ids(whole)
            assert rest_of_it[-1].cursor == whole[-1].cursor

    def test_where_one_listing_is_read_from_a_cursor_nothing_is_said_to_be_complete(self) -> None:
        found = self.two(self.vendor())
        cursor = run(pages_of(found))[-1].cursor
        assert run(pages_of(found, cursor))[-1].listing is None


class TestCheck:
    def test_every_entity_is_tried(self) -> None:
        assert run(source(FakeApi(rows(50)), pagination=AFTER).check()) == (Access("deals", allowed=True),)

    def test_a_missing_permission_is_named(self) -> None:
        api = FakeApi(before=lambda *_: httpx.Response(403, json={}))
        assert run(source(api).check()) == (Access("deals", allowed=False, missing="read access to /rows"),)
        (access,) = run(source(FakeApi(before=lambda *_: httpx.Response(404, json={}))).check())
        assert access.missing.startswith("not_found: /rows: ")

    def test_refused_credentials_are_an_error(self) -> None:
        api = FakeApi(before=lambda *_: httpx.Response(401, json={}))
        with pytest.raises(SourceRejectedError):
            run(source(api).check())

    @pytest.mark.parametrize("path", ["/open", "/closed"])
    def test_one_listing_that_is_refused_decides_for_its_entity(self, path: str) -> None:
        api = TestListings().vendor()
        inner = api.before
        api.before = lambda api, request: (
            httpx.Response(403, json={}) if request.url.path == path else inner(api, request)
        )
        assert run(TestListings().two(api).check()) == (
            Access("deals", allowed=False, missing=f"read access to {path}"),
            Access("people", allowed=True),
        )


class TestAuth:
    def test_a_token_that_expires_in_the_middle_of_a_pass_is_renewed(self) -> None:
        api = FakeApi(rows(60), tokens=2)
        found = source(api, options_={"auth": APP}, pagination=AFTER)
        assert ids(run(pages_of(found))) == [f"d{n}" for n in range(60)]
        assert api.issued == 3
        run(found.close())

    def test_limits_in_the_middle_of_a_pass_are_waited_for(self) -> None:
        clock = Clock()
        found = source(FakeApi(rows(60), limit=2), clock, pagination=AFTER)
        assert ids(run(pages_of(found))) == [f"d{n}" for n in range(60)]
        assert clock.slept == [3.0, 3.0]


def test_the_far_end_of_summer_time_does_not_shift_the_filter() -> None:
    api = FakeApi()
    cursor = json.dumps([datetime(2026, 10, 25, 1, 30, tzinfo=UTC).isoformat()])
    read(api, cursor=cursor, since=SINCE)
    assert api.log[0].url.params["since"] == "2026-10-25T01:25:00Z"
