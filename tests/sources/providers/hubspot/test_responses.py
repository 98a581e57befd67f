"""Responses of HubSpot that are cut off, malformed or endless."""

from __future__ import annotations

import httpx
import pytest

from exporter.errors import IncompletePassError, Reason, SourceRejectedError, SourceUnavailableError
from exporter.passes import Pass
from tests.demo.tiny_company import TinyCompany, deal
from tests.sources.account import read_pass
from tests.sources.providers.hubspot.crm import Crm


def test_a_list_that_repeats_its_cursor_fails_the_pass() -> None:
    crm = Crm(TinyCompany(deals=[deal(1)]))
    endless = {"results": [{"id": "1", "properties": {"dealstage": "closedwon"}}], "paging": {"next": {"after": "7"}}}
    crm.line.fault = lambda request: httpx.Response(200, json=endless) if "archived=false" in str(request.url) else None
    with pytest.raises(IncompletePassError) as raised:
        read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert raised.value.reason is Reason.PAGINATION_LOOP


def test_a_search_that_repeats_its_ids_fails_the_pass() -> None:
    crm = Crm(TinyCompany(deals=[deal(1)]))
    source = crm.source()
    first = read_pass(source, Pass("deals", crm.clock.now))
    row = {"id": "1", "properties": {"dealstage": "closedwon"}}
    endless = {"total": 9, "results": [row], "paging": {"next": {"after": "1"}}}
    crm.line.fault = lambda request: httpx.Response(200, json=endless) if "search" in request.url.path else None
    with pytest.raises(IncompletePassError) as raised:
        read_pass(source, Pass("deals", crm.clock.now, first.cursor))
    assert raised.value.reason is Reason.PAGINATION_LOOP


def test_a_search_that_finds_objects_without_ids_publishes_nothing() -> None:
    crm = Crm(TinyCompany(deals=[deal(1)]))
    source = crm.source()
    first = read_pass(source, Pass("deals", crm.clock.now))
    odd = {"total": 1, "results": [{"id": "one", "properties": {}}]}
    crm.line.fault = lambda request: httpx.Response(200, json=odd) if "search" in request.url.path else None
    with pytest.raises(IncompletePassError) as raised:
        read_pass(source, Pass("deals", crm.clock.now, first.cursor))
    assert raised.value.reason is Reason.SCHEMA


@pytest.mark.parametrize("body", [{}, {"results": None}, {"status": "error"}, [], {"results": {"id": "1"}}])
def test_a_response_without_a_list_is_not_an_empty_account(body: object) -> None:
    crm = Crm(TinyCompany(deals=[deal(1)]))
    crm.line.fault = lambda request: httpx.Response(200, json=body) if "archived=false" in str(request.url) else None
    with pytest.raises(SourceRejectedError) as raised:
        read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert raised.value.reason is Reason.SCHEMA


def test_a_page_cut_off_in_the_middle_fails_the_pass_after_its_retries() -> None:
    crm = Crm(TinyCompany(deals=[deal(key) for key in range(1, 251)]))
    broken = httpx.Response(200, content=b'{"results": [{"id"', headers={"content-type": "application/json"})
    crm.line.fault = lambda request: broken if request.url.params.get("after") == "101" else None
    with pytest.raises((SourceUnavailableError, SourceRejectedError)):
        read_pass(crm.source(), Pass("deals", crm.clock.now))
    crm.line.fault = lambda _: None
    assert len(read_pass(crm.source(), Pass("deals", crm.clock.now)).ids()) == 250


def test_an_invalid_record_is_rejected_and_the_others_are_stored() -> None:
    crm = Crm()
    rows = [{"id": str(key), "properties": {"dealstage": "closedwon", "amount": "10"}} for key in range(1, 51)]
    rows[7]["properties"] = {"dealstage": "closedwon", "amount": "12,5"}
    crm.line.fault = lambda request: (
        httpx.Response(200, json={"results": rows}) if "archived=false" in str(request.url) else None
    )
    result = read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert len(result.records) == 49
    assert [(error.reason, error.field) for error in result.rejected] == [(Reason.NOT_A_NUMBER, "amount")]


def test_a_change_of_format_in_many_records_stops_the_pass() -> None:
    crm = Crm()
    rows = [{"id": str(key), "properties": {"dealstage": "closedwon", "amount": "twelve"}} for key in range(1, 51)]
    crm.line.fault = lambda request: (
        httpx.Response(200, json={"results": rows}) if "archived=false" in str(request.url) else None
    )
    with pytest.raises(SourceRejectedError) as raised:
        read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert raised.value.reason is Reason.TOO_MANY_REJECTED
