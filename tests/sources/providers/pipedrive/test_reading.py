"""Passes over lists by cursor: pages, changes, resuming, and a cursor that ages."""

from __future__ import annotations

from datetime import timedelta

from exporter.passes import Listing
from tests.sources.providers.pipedrive.passes import read
from tests.sources.providers.pipedrive.vendor import Pipedrive, iso
from tests.sources.source_context import NOW, by_id


def test_all_lists_are_read_page_by_page_and_only_the_last_page_ends_the_pass() -> None:
    vendor = Pipedrive(page=2)
    for key in range(1, 6):
        vendor.deal(key, is_archived=key > 3)
    pages = read(vendor)
    assert sorted(by_id(pages)) == ["1", "2", "3", "4", "5"]
    assert [page.listing for page in pages] == [None] * (len(pages) - 1) + [Listing()]
    assert all(page.resume for page in pages[:-1])


def test_an_interrupted_pass_continues_in_its_list() -> None:
    vendor = Pipedrive(page=2)
    for key in range(1, 8):
        vendor.deal(key, is_archived=key > 4)
    whole = read(vendor)
    for stop in range(1, len(whole)):
        rest = read(vendor, resume=whole[stop - 1].resume)
        assert sorted(by_id([*whole[:stop], *rest])) == [str(key) for key in range(1, 8)]


def test_changes_are_requested_with_an_overlap_and_the_cursor_never_moves_back() -> None:
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


def test_an_idle_account_keeps_a_recent_cursor() -> None:
    """Pitfall: an idle source whose cursor stands still until what it needs is no longer listed."""
    vendor = Pipedrive()
    vendor.deal(1)
    cursor = read(vendor)[-1].cursor
    for _ in range(3):
        vendor.now += timedelta(days=20)
        (*_, last) = read(vendor, cursor=cursor)
        assert (last.cursor, last.listing) == ((vendor.now - timedelta(days=1)).isoformat(), None)
        cursor = last.cursor
