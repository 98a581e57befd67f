"""Leads: two lists of the first generation, of which one takes no time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from exporter.passes import Listing
from tests.sources.providers.pipedrive.passes import read
from tests.sources.providers.pipedrive.vendor import Pipedrive, iso
from tests.sources.source_context import NOW, by_id

LEAD: dict[str, Any] = {
    "title": "L", "owner_id": 7, "source_name": "Web", "was_seen": False, "is_archived": False,
    "add_time": iso(NOW - timedelta(days=3)), "update_time": iso(NOW),
}  # fmt: skip


def test_leads_come_from_two_lists_of_v1() -> None:
    vendor = Pipedrive(page=2)
    for key in "abc":
        vendor.leads[key] = {**LEAD, "id": key}
    vendor.leads["c"]["was_seen"] = True
    vendor.leads["d"] = {**LEAD, "id": "d", "is_archived": True}
    found = by_id(read(vendor, "leads"))
    states = {key: record.status for key, record in found.items()}
    assert states == {"a": "new", "b": "new", "c": "working", "d": "lost"}
    assert found["a"].origin == "Web"


def test_a_leads_dates_come_from_the_fields_that_the_config_names() -> None:
    """Pipedrive deletes a lead that it turns into a deal, so a company that counts them notes the day instead."""
    qualified, converted = "a" * 40, "b" * 40
    vendor = Pipedrive()
    vendor.leads["new"] = {**LEAD, "id": "new"}
    vendor.leads["good"] = {**LEAD, "id": "good", qualified: "2026-03-01"}
    vendor.leads["sold"] = {**LEAD, "id": "sold", "is_archived": True, qualified: "2026-03-01", converted: "2026-03-02"}
    vendor.leads["gone"] = {**LEAD, "id": "gone", "is_archived": True, qualified: "2026-03-01", converted: None}
    fields = {"qualified_at": qualified, "converted_at": converted}
    found = by_id(read(vendor, "leads", lead_fields=fields))
    states = {key: record.status for key, record in found.items()}
    assert states == {"new": "new", "good": "qualified", "sold": "converted", "gone": "lost"}
    assert found["sold"].qualified_at == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert found["sold"].converted_at == datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert by_id(read(vendor, "leads"))["sold"].status == "lost"


def test_of_archived_leads_only_the_newest_changes_are_read_again() -> None:
    """Pitfall: the list takes no time, and read whole at each pass it would use up the day's budget."""
    vendor = Pipedrive(page=2)
    for key in range(20):
        changed = iso(NOW - timedelta(days=key + 1))
        vendor.leads[f"{key:02}"] = {**LEAD, "id": f"{key:02}", "is_archived": True, "update_time": changed}
    cursor = read(vendor, "leads")[-1].cursor
    vendor.leads["19"]["update_time"] = iso(NOW)
    vendor.log.clear()
    pages = read(vendor, "leads", cursor=cursor)
    assert sorted(by_id(pages)) == ["00", "01", "02", "19"]
    asked = [one.url.params for one in vendor.log if "archived" in one.url.path]
    assert [(params["sort"], params["start"]) for params in asked] == [
        ("update_time DESC", "0"),
        ("update_time DESC", "2"),
    ]
    assert (pages[-1].listing, pages[-1].cursor) == (None, NOW.isoformat())


def test_a_vendor_that_does_not_sort_is_read_to_the_end() -> None:
    vendor = Pipedrive(page=2)
    for key in range(6):
        changed = iso(NOW - timedelta(days=60 - key))
        vendor.leads[str(key)] = {**LEAD, "id": str(key), "is_archived": True, "update_time": changed}
    vendor.before = lambda r: vendor.answer(unsorted(r)) if "sort" in r.url.params else None
    assert len(by_id(read(vendor, "leads", cursor=NOW.isoformat()))) == 6


def unsorted(request: httpx.Request) -> httpx.Request:
    """The same request without its order."""
    return httpx.Request("GET", request.url.copy_remove_param("sort"), headers=request.headers)


@pytest.mark.parametrize("stamp", ["soon", None])
def test_an_archived_lead_without_a_time_does_not_end_the_pass(stamp: str | None) -> None:
    vendor = Pipedrive(page=1)
    for key, changed in (("a", stamp), ("b", iso(NOW)), ("c", "2020-01-01T00:00:00Z"), ("d", "2019-01-01T00:00:00Z")):
        vendor.leads[key] = {**LEAD, "id": key, "is_archived": True, "update_time": changed}
    pages = read(vendor, "leads", cursor=NOW.isoformat())
    assert {"b", "c"} <= set(by_id(pages))
    assert "d" not in by_id(pages)


@pytest.mark.parametrize(("gone", "seen", "listing"), [("", 9, Listing()), ("a", 9, None), ("ab", 8, None)])
def test_leads_that_disappear_during_a_pass_delete_no_others(gone: str, seen: int, listing: Listing | None) -> None:
    """Pitfall: pages by number of rows shift when rows vanish, and what shifts past the reader is not deleted."""
    vendor = Pipedrive(page=4)
    for key in "abcdefghi":
        vendor.leads[key] = {**LEAD, "id": key}

    def vanish(request: httpx.Request) -> None:
        if request.url.path == "/v1/leads" and request.url.params["start"] != "0":
            for key in gone:
                vendor.leads.pop(key, None)

    vendor.before = vanish
    pages = read(vendor, "leads")
    assert (len(by_id(pages)), pages[-1].listing) == (seen, listing)


def test_an_interrupted_pass_over_leads_remembers_that_rows_shifted() -> None:
    vendor = Pipedrive(page=4)
    for key in "abcdefghi":
        vendor.leads[key] = {**LEAD, "id": key}
    first = read(vendor, "leads")[0]
    for key in "ab":
        del vendor.leads[key]
    second, *_ = read(vendor, "leads", resume=first.resume)
    assert read(vendor, "leads", resume=second.resume)[-1].listing is None
