"""Passes over Aircall's calls: windows under the silent cap, changes without a filter, and old calls that Aircall drops."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from exporter.demo.aircall import api
from exporter.errors import IncompletePassError, Reason, SourceRejectedError
from exporter.passes import Listing, Pass
from exporter.sources.providers.aircall import reading
from tests.demo.tiny_company import START, TinyCompany, at, phone_call
from tests.sources.account import Replica, read_pass
from tests.sources.providers.aircall.phones import Phones


@pytest.fixture
def small_cap(monkeypatch: pytest.MonkeyPatch) -> int:
    """A small cap for the provider and the fake, so that few calls reach it."""
    for module in (api, reading):
        monkeypatch.setattr(module, "CAP", 100)
    return 100


def test_the_demo_has_the_cap_of_the_vendor() -> None:
    assert reading.CAP == api.CAP == 10_000


def calls(count: int, every: float = 1.0) -> TinyCompany:
    return TinyCompany(calls=[phone_call(key, key * every) for key in range(1, count + 1)])


def test_a_full_pass_reads_every_call_and_ends_with_a_listing_from_the_oldest() -> None:
    phones = Phones(calls(120))
    phones.clock.advance(200)
    result = read_pass(phones.source(), Pass("calls", phones.clock.now))
    assert result.ids() == [str(key) for key in range(1, 121)]
    assert result.listing == Listing("started_at", START + timedelta(minutes=1))
    assert result.pages[0].total == 120


def test_the_last_page_has_cursor_and_listing_and_the_others_a_resume_token() -> None:
    phones = Phones(calls(120))
    phones.clock.advance(200)
    *earlier, last = read_pass(phones.source(), Pass("calls", phones.clock.now)).pages
    assert len(earlier) == 2
    assert all(page.resume and page.cursor is None and page.listing is None for page in earlier)
    assert (last.resume, last.cursor) == (None, (START + timedelta(minutes=120)).isoformat())


def test_windows_are_halved_until_they_fit_the_silent_cap(small_cap: int) -> None:
    phones = Phones(calls(950))
    phones.clock.advance(1000)
    result = read_pass(phones.source(), Pass("calls", phones.clock.now))
    assert {int(key) for key in result.ids()} == set(range(1, 951))
    assert result.pages[0].total == 950
    assert result.listing is not None


def test_many_calls_at_once_after_a_long_quiet_time_are_all_read(small_cap: int) -> None:
    rush = [phone_call(key, 50_000 + key / 60) for key in range(1, 400)]
    phones = Phones(TinyCompany(calls=[*rush, phone_call(900, 99_000)]))
    phones.clock.advance(100_000)
    result = read_pass(phones.source(), Pass("calls", phones.clock.now))
    assert {int(key) for key in result.ids()} == {*range(1, 400), 900}


def test_more_calls_in_a_second_than_a_page_holds_are_all_read() -> None:
    phones = Phones(TinyCompany(calls=[phone_call(key, 10) for key in range(1, 180)]))
    phones.clock.advance(60)
    source = phones.source()
    first = read_pass(source, Pass("calls", phones.clock.now))
    assert len(set(first.ids())) == 179
    phones.clock.advance(60)
    assert len(set(read_pass(source, Pass("calls", phones.clock.now, first.cursor)).ids())) == 179


def test_more_calls_in_a_second_than_the_cap_publish_nothing(small_cap: int) -> None:
    phones = Phones(TinyCompany(calls=[phone_call(key, 10) for key in range(1, 200)]))
    phones.clock.advance(60)
    with pytest.raises(IncompletePassError) as raised:
        read_pass(phones.source(), Pass("calls", phones.clock.now))
    assert raised.value.reason is Reason.CAPPED


def test_a_list_with_fewer_calls_than_its_total_publishes_nothing() -> None:
    phones = Phones(calls(60))
    phones.clock.advance(200)
    few = {"meta": {"total": 60}, "calls": []}
    phones.line.fault = lambda request: httpx.Response(200, json=few) if request.url.params.get("page") == "2" else None
    with pytest.raises(IncompletePassError) as raised:
        read_pass(phones.source(), Pass("calls", phones.clock.now))
    assert raised.value.reason is Reason.CAPPED


def test_a_window_that_grows_beyond_the_cap_publishes_nothing(small_cap: int) -> None:
    phones = Phones(calls(60))
    phones.clock.advance(200)
    many = {"meta": {"total": 101}, "calls": []}
    phones.line.fault = lambda request: httpx.Response(200, json=many) if "page" in request.url.params else None
    with pytest.raises(IncompletePassError) as raised:
        read_pass(phones.source(), Pass("calls", phones.clock.now))
    assert raised.value.reason is Reason.CAPPED


def test_an_incremental_pass_reads_the_last_day_again_and_finds_later_changes() -> None:
    tagged = phone_call(2, 30, topic="Billing", tagged_at=at(100))
    phones = Phones(TinyCompany(calls=[phone_call(1, 0), tagged, phone_call(3, 60)]))
    replica, source = Replica(), phones.source()
    phones.clock.advance(31)
    replica.sync(source, "calls", phones.clock)
    assert (replica.alive()["2"].status, replica.alive()["2"].ended_at) == ("answered", None)
    phones.clock.advance(39)
    replica.sync(source, "calls", phones.clock)
    assert replica.alive()["2"].talk_seconds == 160
    assert "tags" not in replica.alive()["2"].attributes
    phones.clock.advance(40)
    replica.sync(source, "calls", phones.clock)
    assert replica.alive()["2"].attributes["tags"] == "Billing"


def test_changes_beyond_the_lookback_are_read_by_the_next_full_pass() -> None:
    late = phone_call(1, 0, topic="Billing", tagged_at=at(3 * 1440))
    phones = Phones(TinyCompany(calls=[late, *(phone_call(key, key * 1440) for key in range(2, 6))]))
    replica, source = Replica(), phones.source()
    phones.clock.advance(2.5 * 1440)
    replica.sync(source, "calls", phones.clock)
    phones.clock.advance(1440)
    replica.sync(source, "calls", phones.clock)
    assert "tags" not in replica.alive()["1"].attributes
    replica.sync(source, "calls", phones.clock, full=True)
    assert replica.alive()["1"].attributes["tags"] == "Billing"


def test_the_lookback_is_an_option() -> None:
    phones = Phones(calls(100))
    phones.clock.advance(200)
    source = phones.source(lookback="10m")
    first = read_pass(source, Pass("calls", phones.clock.now))
    again = read_pass(source, Pass("calls", phones.clock.now, first.cursor))
    assert again.ids() == [str(key) for key in range(90, 101)]


def test_the_history_is_an_option_that_limits_the_lookback_too() -> None:
    phones = Phones(calls(100))
    phones.clock.advance(100.5)
    source = phones.source(history="30m")
    first = read_pass(source, Pass("calls", phones.clock.now))
    assert first.ids()[0] == "71"
    again = read_pass(source, Pass("calls", phones.clock.now, first.cursor))
    assert again.ids()[0] == "71"


def test_old_calls_that_aircall_no_longer_lists_are_not_deleted() -> None:
    replica = Replica()
    phones = Phones(calls(100))
    phones.clock.advance(200)
    replica.sync(phones.source(), "calls", phones.clock)
    shorter = Phones(TinyCompany(calls=[phone_call(key, key) for key in range(40, 101)]), phones.clock)
    replica.sync(shorter.source(), "calls", phones.clock, full=True)
    assert len(replica.alive()) == 100


def test_a_deleted_call_is_found_by_the_next_full_pass() -> None:
    replica = Replica()
    phones = Phones(calls(100))
    phones.clock.advance(200)
    replica.sync(phones.source(), "calls", phones.clock)
    fewer = Phones(TinyCompany(calls=[phone_call(key, key) for key in range(1, 101) if key != 50]), phones.clock)
    replica.sync(fewer.source(), "calls", phones.clock, full=True)
    assert set(map(int, replica.alive())) == set(range(1, 101)) - {50}


def test_calls_that_vanish_during_a_pass_prevent_a_listing() -> None:
    phones = Phones(calls(150))
    phones.clock.advance(200)

    def vanish(request: httpx.Request) -> None:
        if request.url.params.get("page") == "2" and len(phones.company.calls.records) == 150:
            del phones.company.calls.records[3]

    phones.line.fault = vanish
    result = read_pass(phones.source(), Pass("calls", phones.clock.now))
    assert result.listing is None
    assert result.cursor is not None


@pytest.mark.parametrize("pages", [1, 2, 3, 7])
def test_an_interrupted_backfill_resumes_where_it_stopped(small_cap: int, pages: int) -> None:
    phones = Phones(calls(400))
    phones.clock.advance(500)
    started_at = phones.clock.now
    full_pass = read_pass(phones.source(), Pass("calls", started_at))
    interrupted = read_pass(phones.source(), Pass("calls", started_at), pages)
    phones.clock.advance(60)
    rest = read_pass(phones.source(), Pass("calls", started_at, resume=interrupted.pages[-1].resume))
    assert interrupted.ids() + rest.ids() == full_pass.ids()
    assert (rest.cursor, rest.listing) == (full_pass.cursor, full_pass.listing)


def test_the_cursor_is_the_latest_call_seen_and_never_moves_backwards() -> None:
    phones = Phones(calls(3))
    source = phones.source()
    phones.clock.advance(600)
    first = read_pass(source, Pass("calls", phones.clock.now))
    assert first.cursor == (START + timedelta(minutes=3)).isoformat()
    phones.clock.advance(6000)
    idle = read_pass(source, Pass("calls", phones.clock.now, first.cursor))
    assert idle.cursor == first.cursor
    older = read_pass(source, Pass("calls", START + timedelta(minutes=2), first.cursor))
    assert older.cursor == first.cursor


def test_the_cursor_never_passes_the_start_of_its_pass_minus_the_lag() -> None:
    phones = Phones(TinyCompany(calls=[phone_call(1, 9.9)]))
    phones.clock.advance(10)
    result = read_pass(phones.source(), Pass("calls", phones.clock.now))
    assert result.cursor == (phones.clock.now - reading.LAG).isoformat()


def test_an_account_without_calls_has_neither_cursor_nor_listing() -> None:
    phones = Phones()
    result = read_pass(phones.source(), Pass("calls", phones.clock.now))
    assert (result.records, result.cursor, result.listing) == ((), None, None)


def test_a_pass_that_starts_before_its_cursor_reads_nothing() -> None:
    phones = Phones(calls(3))
    cursor = (START + timedelta(days=3)).isoformat()
    result = read_pass(phones.source(), Pass("calls", START, cursor))
    assert (result.records, result.cursor, phones.line.log) == ((), cursor, [])


def test_calls_after_the_start_of_the_pass_are_left_to_the_next_one() -> None:
    phones = Phones(calls(300))
    phones.clock.advance(150)
    started_at = phones.clock.now
    phones.clock.advance(100)
    assert len(read_pass(phones.source(), Pass("calls", started_at)).ids()) == 150


@pytest.mark.parametrize("body", [{}, [], {"calls": []}, {"meta": {"total": "3"}}, {"meta": {"total": True}}])
def test_a_response_in_another_shape_is_not_an_empty_account(body: Any) -> None:
    phones = Phones(calls(3))
    phones.line.fault = lambda _: httpx.Response(200, json=body)
    with pytest.raises(SourceRejectedError) as raised:
        read_pass(phones.source(), Pass("calls", phones.clock.now))
    assert raised.value.reason is Reason.SCHEMA


def test_a_response_without_calls_is_rejected() -> None:
    phones = Phones(calls(3))
    phones.line.fault = lambda _: httpx.Response(200, json={"meta": {"total": 3}})
    with pytest.raises(SourceRejectedError) as raised:
        read_pass(phones.source(), Pass("calls", phones.clock.now))
    assert raised.value.reason is Reason.SCHEMA


def test_the_cursor_follows_the_vendors_clock_if_ours_is_ahead() -> None:
    phones = Phones(TinyCompany(calls=[phone_call(1, 59.9)]))
    phones.clock.advance(60)
    vendor_time = phones.clock.now - timedelta(minutes=5)
    row = {
        "id": 1,
        "direction": "inbound",
        "status": "done",
        "started_at": int(vendor_time.timestamp()),
        "answered_at": None,
        "ended_at": None,
    }
    body = {"meta": {"total": 1}, "calls": [row]}
    phones.line.fault = lambda _: httpx.Response(
        200, json=body, headers={"date": f"{vendor_time:%a, %d %b %Y %H:%M:%S GMT}"}
    )
    result = read_pass(phones.source(), Pass("calls", phones.clock.now))
    assert datetime.fromisoformat(str(result.cursor)) == vendor_time - reading.LAG
