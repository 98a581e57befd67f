"""The store as a whole: outcomes, snapshots, and removal of sources."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from exporter.errors import Reason
from exporter.passes import Page
from exporter.store.state import Outcome
from exporter.store.store import Store
from tests.store.samples import HOUR, NOW, call, deal, live, read, rows, versions, watermarks


def test_outcomes_are_stored_by_source_and_entity(store: Store) -> None:
    assert store.outcomes() == ()
    assert watermarks(store) == {}
    read(store, deal(1), source="b", cursor="x")
    store.fail("a", "calls", Reason.DNS, NOW)
    store.begin("b", "calls", NOW)
    assert store.outcomes() == (
        Outcome("a", "calls", failures=1, reason=Reason.DNS, failed_at=NOW),
        Outcome("b", "calls"),
        Outcome("b", "deals", cursor="x", last_success=NOW, last_full=NOW, watermark=NOW),
    )


def test_outcomes_survive_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    read(store, deal(1), seconds=2.5)
    store.fail("crm", "deals", Reason.RATE_LIMITED, NOW + HOUR, retry_at=NOW + 2 * HOUR)
    before = store.outcomes(), versions(store)
    store.close()
    store = Store.open(tmp_path)
    assert (store.outcomes(), versions(store)) == before
    store.close()


def test_an_instant_without_a_time_zone_is_rejected(store: Store) -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        store.begin("crm", "deals", datetime(2025, 1, 1))  # noqa: DTZ001 - that is the case
    assert store.outcomes() == ()


def test_records_of_removed_sources_are_deleted(store: Store) -> None:
    read(store, deal(1), deal(2), source="old")
    read(store, deal(3), source="kept")
    store.stage(store.begin("kept", "calls", NOW), "kept", Page((call(1),)))
    store.publish("kept", "calls", cursor="c")
    store.stage(store.begin("old", "deals", NOW), "old", Page((deal(4),), resume="r"))
    versions_before = versions(store)
    assert store.retain({"kept": ("deals", "calls"), "new": ("deals",)}).deleted == 2
    assert live(store) == ["3"]
    assert versions(store)["deals"] > versions_before["deals"]
    assert versions(store)["calls"] == versions_before["calls"]
    assert [(o.source, o.entity) for o in store.outcomes()] == [("kept", "calls"), ("kept", "deals")]
    assert store.retain({"kept": ("deals", "calls")}).deleted == 0
    assert store.begin("old", "deals", NOW).cursor is None
    assert store.retain({"kept": ("deals",)}).deleted == 1
    assert live(store, "calls") == []


def test_deleted_records_stay_deleted_after_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    read(store, deal(1))
    store.retain({})
    store.close()
    store = Store.open(tmp_path, on_corrupt="fail")
    assert rows(store) == []
    store.close()


def test_the_last_snapshot_survives_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    assert store.load_snapshot() is None
    store.save_snapshot(b"old", b"", NOW)
    snapshot, memory = bytes(range(256)) * 100, b"\x00\xff"
    store.save_snapshot(snapshot, memory, NOW + timedelta(microseconds=1))
    store.close()
    store = Store.open(tmp_path)
    assert store.load_snapshot() == (snapshot, memory, NOW + timedelta(microseconds=1))
    store.close()


def test_a_missing_directory_is_created(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "a" / "b")
    assert store.path == tmp_path / "a" / "b" / "kpi.duckdb"
    assert store.rebuilds == 0
    assert store.up
    store.ping()
    store.close()
