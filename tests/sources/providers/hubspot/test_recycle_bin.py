"""Records that are archived, restored or merged in HubSpot."""

from __future__ import annotations

from datetime import timedelta

import httpx

from exporter.passes import Pass
from tests.demo.tiny_company import START, TinyCompany, at, deal, lead
from tests.sources.account import Replica, read_pass
from tests.sources.providers.hubspot.crm import Crm


def test_archived_records_become_tombstones_within_a_pass() -> None:
    crm = Crm(TinyCompany(deals=[deal(1), deal(2, archived_at=at(60)), deal(3)]))
    replica, source = Replica(), crm.source()
    crm.clock.advance(30)
    replica.sync(source, "deals", crm.clock)
    assert set(replica.alive()) == {"1", "2", "3"}
    crm.clock.advance(31)
    result = replica.sync(source, "deals", crm.clock)
    assert result.one(2).deleted
    assert set(replica.alive()) == {"1", "3"}


def test_a_full_pass_reads_the_recycle_bin_too() -> None:
    crm = Crm(TinyCompany(deals=[deal(1), deal(2, archived_at=at(10))]))
    crm.clock.advance(30)
    result = read_pass(crm.source(), Pass("deals", crm.clock.now))
    assert (result.one(1).deleted, result.one(2).deleted) == (False, True)


def test_a_restored_record_replaces_its_tombstone() -> None:
    """The store ignores older versions, so a tombstone has the time of the record's last change, not of its archiving."""
    crm = Crm()
    row = {
        "id": "1",
        "properties": {"hs_lastmodifieddate": "2026-03-02T08:00:00Z", "dealstage": "closedwon"},
        "archived": True,
        "archivedAt": "2026-03-02T09:00:00Z",
    }
    crm.line.fault = lambda request: (
        httpx.Response(200, json={"results": [row]}) if "archived=true" in str(request.url) else None
    )
    tombstone = read_pass(crm.source(), Pass("deals", crm.clock.now)).one(1)
    assert tombstone.deleted
    assert tombstone.updated_at == START - timedelta(hours=1)


def test_a_large_recycle_bin_is_listed_less_often() -> None:
    crm = Crm(TinyCompany(deals=[deal(0), *(deal(key, archived_at=at(10)) for key in range(1, 1001))]))
    replica, source = Replica(), crm.source()
    crm.clock.advance(30)
    replica.sync(source, "deals", crm.clock)
    counts = []
    for _ in range(4):
        crm.line.log.clear()
        crm.clock.advance(0.5)
        replica.sync(source, "deals", crm.clock)
        counts.append(sum("archived=true" in str(request.url) for request in crm.line.log))
    assert counts == [0, 0, 0, 10]  # ten pages: again after a hundred seconds
    assert len(replica.alive()) == 1


def test_a_record_merged_into_another_is_deleted_by_the_next_full_pass() -> None:
    crm = Crm(TinyCompany(leads=[lead(1), lead(2, (0, "new"), (5, "working"), merged_at=at(60))]))
    replica, source = Replica(), crm.source("leads")
    crm.clock.advance(30)
    replica.sync(source, "leads", crm.clock)
    crm.clock.advance(60)
    replica.sync(source, "leads", crm.clock)
    assert set(replica.alive()) == {"1", "2"}
    replica.sync(source, "leads", crm.clock, full=True)
    assert set(replica.alive()) == {"1"}
