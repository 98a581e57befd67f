"""Passes over rows that share a stamp, are deleted, are cut off or take long to query."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from exporter.errors import IncompletePassError, Reason, SourceUnavailableError
from exporter.passes import Listing
from tests.sources.providers.salesforce.passes import read
from tests.sources.providers.salesforce.vendor import Salesforce, key
from tests.sources.source_context import NOW, by_id, records_of


def test_rows_of_one_stamp_that_fill_several_pages_are_all_read() -> None:
    """Pitfalls: a block of equal stamps larger than a page; a strict comparison that skips rows."""
    vendor = Salesforce(limit=3)
    for number in range(10):
        vendor.opportunity(number)
    pages = read(vendor)
    assert sorted(by_id(pages)) == [key(number) for number in range(10)]
    assert [page.listing for page in pages] == [None, None, None, Listing()]


def test_a_result_in_parts_is_read_to_its_end() -> None:
    vendor = Salesforce(part_size=4)
    for number in range(10):
        vendor.opportunity(number)
    assert len(by_id(read(vendor))) == 10


def test_a_result_with_fewer_rows_than_promised_publishes_nothing() -> None:
    """Pitfall: a result that is silently cut off."""
    for rows in (0, 1):
        vendor = Salesforce()
        vendor.opportunity(1)
        body = {"done": True, "totalSize": 2, "records": list(vendor.rows["Opportunity"].values())[:rows]}
        vendor.before = lambda r, body=body: httpx.Response(200, json=body) if "queryAll" in r.url.path else None
        with pytest.raises(IncompletePassError) as raised:
            read(vendor)
        assert raised.value.reason is Reason.CAPPED


def test_deleted_rows_come_from_the_recycle_bin_as_tombstones() -> None:
    """Pitfall: deletions and merge losers are only in queryAll."""
    vendor = Salesforce()
    vendor.opportunity(1, IsDeleted=True)
    (deal,) = records_of(read(vendor))
    assert deal.deleted
    assert all("/queryAll" in r.url.path for r in vendor.log if r.url.path.endswith(("query", "queryAll")))


def test_changes_are_read_from_the_last_stamp_less_the_lookback() -> None:
    """Pitfall: rows that are committed late appear with stamps minutes before the stored one."""
    vendor = Salesforce()
    vendor.opportunity(1, at=NOW - timedelta(hours=2))
    cursor = read(vendor)[-1].cursor
    assert cursor == (NOW - timedelta(hours=2)).isoformat()
    vendor.opportunity(2, at=NOW - timedelta(hours=2, minutes=5))
    vendor.opportunity(3, at=NOW - timedelta(hours=3))
    pages = read(vendor, cursor=cursor)
    assert sorted(by_id(pages)) == [key(1), key(2)]
    assert (pages[-1].cursor, pages[-1].listing) == (cursor, None)


def test_a_stamp_in_the_future_does_not_carry_the_cursor_past_the_pass() -> None:
    vendor = Salesforce()
    vendor.opportunity(1, at=NOW + timedelta(hours=5))
    assert read(vendor)[-1].cursor == (NOW - timedelta(seconds=60)).isoformat()
    assert read(Salesforce(), cursor=NOW.isoformat())[-1].cursor == NOW.isoformat()


def test_an_interrupted_pass_resumes_after_the_last_row() -> None:
    vendor = Salesforce(limit=3)
    for number in range(10):
        vendor.opportunity(number)
    first, *_ = read(vendor)
    rest = read(vendor, resume=first.resume)
    assert sorted(by_id([first, *rest])) == [key(number) for number in range(10)]


def test_a_query_that_times_out_is_repeated_for_shorter_ranges() -> None:
    """Pitfall: ranges so large that their query never finishes."""
    vendor = Salesforce(slow=timedelta(days=5))
    for number in range(6):
        vendor.opportunity(number, at=NOW - timedelta(days=10 * number + 1))
    cursor = (NOW - timedelta(days=60)).isoformat()
    assert len(by_id(read(vendor, cursor=cursor))) == 6
    assert any("SystemModstamp <" in query for query in vendor.queries)


def test_a_query_that_always_times_out_fails_after_four_halvings() -> None:
    vendor = Salesforce(slow=timedelta(seconds=-1))
    with pytest.raises(SourceUnavailableError) as raised:
        read(vendor, cursor=NOW.isoformat())
    assert raised.value.reason is Reason.TIMEOUT


def test_a_repeated_part_fails_the_pass() -> None:
    """Pitfall: a link that is repeated."""
    loop = {"done": False, "records": [], "nextRecordsUrl": "/services/data/v64.0/query/abc"}
    vendor = Salesforce(before=lambda r: httpx.Response(200, json=loop) if "/query" in r.url.path else None)
    with pytest.raises(Exception, match="came again"):
        read(vendor)


def test_a_page_that_does_not_advance_fails_the_pass() -> None:
    vendor = Salesforce()
    vendor.opportunity(1)
    repeated = {"done": True, "records": [vendor.rows["Opportunity"][key(1)]]}
    vendor.before = lambda r: httpx.Response(200, json=repeated) if "queryAll" in r.url.path else None
    with pytest.raises(Exception, match="ended"):
        read(vendor)
