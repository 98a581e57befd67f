"""Listings of any API become records: every page, every record, whatever is in the way."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from exporter.errors import Reason, SourceError
from exporter.passes import Listing, Page, Pass
from exporter.records import Deal
from exporter.sources.providers.rest import latest_change
from tests.fakes.api import FakeApi
from tests.sources.providers.rest_passes import AFTER, SINCE, fault, ids, read, rows, source
from tests.sources.source_context import NOW, FakeClock, pages_of, records_of, run

APP = {"oauth": {"client_id": "app", "client_secret": {"env": "CLIENT"}, "token_url": "https://api.test/token"}}


class TestReading:
    def test_rows_become_records_and_only_the_last_page_has_a_cursor(self) -> None:
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
    def test_a_response_without_the_list_is_never_zero(self, body: Any) -> None:
        answer = httpx.Response(200, json=body)
        assert fault(FakeApi(before=lambda *_: answer)).reason is Reason.SCHEMA

    @pytest.mark.parametrize("answer", [httpx.Response(204), httpx.Response(200, content=b"")])
    def test_no_content_is_never_zero_either(self, answer: httpx.Response) -> None:
        answer.headers["content-type"] = "application/json"
        assert fault(FakeApi(before=lambda *_: answer)).reason is Reason.SCHEMA

    @pytest.mark.parametrize("body", [{}, {"data": None}])
    def test_a_vendor_may_omit_an_empty_list_if_configured(self, body: Any) -> None:
        answer = httpx.Response(200, json=body)
        (page,) = read(FakeApi(before=lambda *_: answer), empty_is_error=False)
        assert page.records == ()

    def test_the_response_itself_may_be_the_list(self) -> None:
        answer = httpx.Response(200, json=rows(2))
        assert ids(read(FakeApi(before=lambda *_: answer), records=None)) == ["d0", "d1"]

    def test_parameters_and_headers_go_with_every_request(self) -> None:
        api = FakeApi(rows(15))
        found = source(api, options_={"headers": {"X-Version": "3"}}, pagination=AFTER, params={"kind": "deal"})
        run(pages_of(found))
        assert [request.url.params["kind"] for request in api.log] == ["deal", "deal"]
        assert [request.headers["x-version"] for request in api.log] == ["3", "3"]

    def test_duplicates_within_and_across_pages_are_left_for_the_store_to_merge(self) -> None:
        pages = read(FakeApi(rows(25), repeats=True), pagination=AFTER)
        assert sorted(set(ids(pages))) == sorted(f"d{n}" for n in range(25))
        assert len(ids(pages)) == 27

    def test_an_interrupted_pass_continues_after_its_last_page(self) -> None:
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

    def test_a_vendor_that_fails_every_third_time_is_read_in_several_attempts(self) -> None:
        chance = random.Random(3)
        api = FakeApi(rows(3000), before=lambda *_: httpx.Response(500) if chance.random() < 0.3 else None)
        clock = FakeClock()
        found = source(api, clock, pagination=AFTER, total="total")
        pages: list[Page] = []

        async def attempt() -> bool:
            try:
                async for page in found.read(Pass("deals", NOW, resume=pages[-1].resume if pages else None)):
                    pages.append(page)  # noqa: PERF401 - the pages before the fault count
            except SourceError:
                clock.advance(60)
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

    def test_the_time_of_creation_replaces_a_null_time_of_change(self) -> None:
        records = [
            Deal(id="1", created_at=NOW),
            Deal(id="2", updated_at=NOW - timedelta(days=1), created_at=NOW - timedelta(days=9)),
            Deal(id="3"),
        ]
        assert latest_change(records, NOW) == NOW
        assert latest_change(records[2:], NOW) is None


class TestAuth:
    def test_a_token_that_expires_in_the_middle_of_a_pass_is_renewed(self) -> None:
        api = FakeApi(rows(60), tokens=2)
        found = source(api, options_={"auth": APP}, pagination=AFTER)
        assert ids(run(pages_of(found))) == [f"d{n}" for n in range(60)]
        assert api.issued == 3
        run(found.close())

    def test_limits_in_the_middle_of_a_pass_are_waited_for(self) -> None:
        clock = FakeClock()
        found = source(FakeApi(rows(60), limit=2), clock, pagination=AFTER)
        assert ids(run(pages_of(found))) == [f"d{n}" for n in range(60)]
        assert clock.slept == [3.0, 3.0]
