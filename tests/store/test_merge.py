"""Merging a pass: the newest version of each record wins, and nothing else changes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from exporter.errors import InvalidRecordError, Reason
from exporter.passes import Listing, Page
from exporter.records import ENTITIES, Deal, Person
from exporter.store import merge as merging
from exporter.store.merge import MergeResult
from exporter.store.store import Store
from tests.store.samples import HOUR, NOW, call, deal, everything, live, read, rows, versions


def stored(store: Store, columns: str = "id, amount") -> list[Any]:
    return rows(store, columns)


def test_new_changed_and_equal_records_are_distinguished(store: Store) -> None:
    assert read(store, deal(1), deal(2)) == MergeResult(new=2)
    assert read(store, deal(1), deal(2, 1, amount=Decimal(11)), deal(3)) == MergeResult(new=1, updated=1, unchanged=1)
    assert stored(store) == [("1", Decimal(10)), ("2", Decimal(11)), ("3", Decimal(10))]


COLUMNS = {"name": "x", "amount": Decimal("10.000001"), "status": "won", "closed_at": NOW, "attributes": {"a": "b"}}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_change_of_any_column_is_an_update(store: Store, column: str) -> None:
    read(store, deal(1))
    assert read(store, deal(1, **{column: COLUMNS[column]})) == MergeResult(updated=1)
    assert read(store, deal(1, **{column: COLUMNS[column]})) == MergeResult(unchanged=1)
    assert read(store, deal(1)) == MergeResult(updated=1)


def test_versions_change_only_if_rows_change(store: Store) -> None:
    first = versions(store)
    read(store, deal(1))
    second = versions(store)
    read(store, deal(1))
    read(store)
    assert first["deals"] < second["deals"] == versions(store)["deals"]
    assert {**first, "deals": 0} == {**second, "deals": 0}


def test_a_version_older_than_the_stored_one_is_ignored(store: Store) -> None:
    read(store, deal(1, 2, amount=Decimal(2)))
    assert read(store, deal(1, 1, amount=Decimal(1))) == MergeResult(unchanged=1)
    assert stored(store) == [("1", Decimal(2))]


def test_a_version_as_old_as_the_stored_one_corrects_it(store: Store) -> None:
    read(store, deal(1, amount=Decimal(1)))
    assert read(store, deal(1, amount=Decimal(2))) == MergeResult(updated=1)


def test_without_modification_times_the_last_read_wins(store: Store) -> None:
    read(store, Deal(id="1", amount=Decimal(1)))
    assert read(store, Deal(id="1", amount=Decimal(2))) == MergeResult(updated=1)
    assert read(store, deal(1, amount=Decimal(3))) == MergeResult(updated=1)
    assert read(store, Deal(id="1", amount=Decimal(4))) == MergeResult(updated=1)
    assert stored(store) == [("1", Decimal(4))]


def staged(store: Store, *pages: Page) -> MergeResult:
    sync_pass = store.begin("crm", "deals", NOW)
    for page in pages:
        store.stage(sync_pass, "crm", page)
    return store.publish("crm", "deals", cursor="c")


@pytest.mark.parametrize("split", [False, True])
def test_the_newest_version_of_repeated_ids_wins(store: Store, split: bool) -> None:
    versions = [deal(1, hours, amount=Decimal(hours)) for hours in (1, 3, 2)]
    pages = [Page((version,)) for version in versions] if split else [Page(tuple(versions))]
    assert staged(store, *pages) == MergeResult(new=1, unchanged=2)
    assert stored(store) == [("1", Decimal(3))]


@pytest.mark.parametrize("split", [False, True])
def test_the_last_of_versions_with_one_modification_time_wins(store: Store, split: bool) -> None:
    versions = [deal(1, amount=Decimal(amount)) for amount in (1, 3, 2)]
    pages = [Page((version,)) for version in versions] if split else [Page(tuple(versions))]
    staged(store, *pages)
    assert stored(store) == [("1", Decimal(2))]


def test_a_version_with_a_modification_time_beats_one_without(store: Store) -> None:
    staged(store, Page((deal(1, amount=Decimal(1)), Deal(id="1", amount=Decimal(2)))))
    assert stored(store) == [("1", Decimal(1))]


def test_a_deletion_keeps_the_row_as_a_tombstone(store: Store) -> None:
    read(store, deal(1), deal(2))
    assert read(store, Deal(id="1", updated_at=NOW + HOUR, deleted=True)) == MergeResult(deleted=1)
    assert live(store) == ["2"]
    assert [row[0] for row in rows(store)] == ["1", "2"]
    assert read(store, Deal(id="1", updated_at=NOW + HOUR, deleted=True)) == MergeResult(unchanged=1)


def test_a_deletion_without_a_time_is_the_newest_version(store: Store) -> None:
    read(store, deal(1, 5))
    tombstone, version = Deal(id="1", deleted=True), deal(1, 6)
    assert staged(store, Page((tombstone, version))) == MergeResult(unchanged=1, deleted=1)
    assert live(store) == []


def test_an_older_version_does_not_undo_a_deletion(store: Store) -> None:
    read(store, Deal(id="1", updated_at=NOW + HOUR, deleted=True))
    assert read(store, deal(1)) == MergeResult(unchanged=1)
    assert live(store) == []
    assert read(store, deal(1, 2)) == MergeResult(updated=1)
    assert live(store) == ["1"]


def test_records_missing_from_a_full_listing_are_deleted(store: Store) -> None:
    read(store, deal(1), deal(2), deal(3))
    assert read(store, deal(2), full=True, listing=everything()) == MergeResult(unchanged=1, deleted=2)
    assert live(store) == ["2"]
    assert read(store, deal(2), full=True, listing=everything()) == MergeResult(unchanged=1)
    assert read(store, deal(1), deal(2), full=True, listing=everything()) == MergeResult(updated=1, unchanged=1)
    assert live(store) == ["1", "2"]


def test_an_empty_listing_deletes_everything(store: Store) -> None:
    read(store, deal(1), deal(2))
    before = versions(store)["deals"]
    sync_pass = store.begin("crm", "deals", NOW, full=True)
    assert store.publish("crm", "deals", listing=everything()) == MergeResult(deleted=2)
    assert sync_pass.cursor is None
    assert versions(store)["deals"] > before


def test_a_listing_applies_only_to_its_span(store: Store) -> None:
    old, new, undated = deal(1, created_at=NOW - HOUR), deal(2, created_at=NOW), deal(3, created_at=None)
    read(store, old, new, undated)
    assert read(store, full=True, listing=Listing("created_at", NOW)) == MergeResult(deleted=1)
    assert live(store) == ["1", "3"]


def test_a_listing_applies_only_to_its_source(store: Store) -> None:
    read(store, deal(1), source="crm")
    read(store, deal(1), deal(2), source="other")
    assert read(store, full=True, listing=everything()) == MergeResult(deleted=1)
    assert rows(store, "source, id, deleted") == [("crm", "1", True), ("other", "1", False), ("other", "2", False)]


def test_sources_may_use_the_same_ids(store: Store) -> None:
    read(store, deal(1, amount=Decimal(1)), source="a")
    assert read(store, deal(1, amount=Decimal(2)), source="b") == MergeResult(new=1)
    assert read(store, deal(1, amount=Decimal(3)), source="a") == MergeResult(updated=1)
    assert rows(store, "source, amount") == [("a", Decimal(3)), ("b", Decimal(2))]


def test_a_listed_but_rejected_record_is_not_deleted(store: Store) -> None:
    read(store, deal(1), deal(2), deal(3))
    rejected = InvalidRecordError(Reason.BAD_TIME, "closed_at", record_id="2")
    unknown = InvalidRecordError(Reason.BAD_TIME, "closed_at")
    sync_pass = store.begin("crm", "deals", NOW, full=True)
    store.stage(sync_pass, "crm", Page((deal(3),), rejected=(unknown, rejected)))
    assert store.publish("crm", "deals", listing=everything()) == MergeResult(unchanged=1, deleted=1)
    assert live(store) == ["2", "3"]


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_entity_can_be_merged(store: Store, entity: str) -> None:
    record = ENTITIES[entity](id="1", updated_at=NOW)
    for expected in (MergeResult(new=1), MergeResult(unchanged=1)):
        sync_pass = store.begin("crm", entity, NOW, full=True)
        store.stage(sync_pass, "crm", Page((record,)))
        assert store.publish("crm", entity, listing=everything()) == expected
    changed = ENTITIES[entity](id="1", updated_at=NOW + HOUR)
    store.stage(store.begin("crm", entity, NOW, full=True), "crm", Page((changed,)))
    assert store.publish("crm", entity, listing=everything()) == MergeResult(updated=1)


def order(store: Store, entity: str = "deals", column: str = "created_at") -> list[Any]:
    with store.reading() as connection:
        return [at for (at,) in connection.execute(f"SELECT {column} FROM {entity} ORDER BY rowid").fetchall()]


def test_a_first_load_in_reverse_order_is_stored_in_order_of_time(store: Store) -> None:
    deals = [deal(number, created_at=NOW - number * HOUR) for number in range(100)]
    sync_pass = store.begin("crm", "deals", NOW)
    for start in range(0, 100, 10):
        store.stage(sync_pass, "crm", Page(tuple(deals[start : start + 10]), resume=str(start)))
    store.publish("crm", "deals")
    assert order(store) == sorted(order(store))


def late(first: int, count: int) -> list[Deal]:
    """Deals of a month ago, each an hour older than the previous one."""
    return [deal(f"late{n}", created_at=NOW - timedelta(days=30) - n * HOUR) for n in range(first, first + count)]


def test_a_table_out_of_order_is_sorted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "ROW_GROUP", 8)
    recent = [deal(number, created_at=NOW + number * HOUR) for number in range(20)]
    read(store, *recent)
    read(store, *late(0, 7))
    assert order(store) != sorted(order(store))
    version = versions(store)["deals"]
    read(store, *late(7, 2))
    assert order(store) == sorted(order(store))
    assert len(live(store)) == 29
    assert versions(store)["deals"] > version
    read(store, *late(9, 2))
    assert order(store) != sorted(order(store))
    assert read(store, *recent) == MergeResult(unchanged=20)


def test_many_old_rows_form_a_sorted_run_of_their_own(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "ROW_GROUP", 20)
    read(store, *(deal(number, created_at=NOW + number * HOUR) for number in range(30)), source="a")
    read(store, *(deal(number, created_at=NOW - (99 - number) * HOUR) for number in range(30)), source="b")
    instants = order(store)
    assert instants[30:] + instants[:30] == sorted(instants)


def test_people_have_no_time_to_sort_by(store: Store) -> None:
    sync_pass = store.begin("crm", "people", NOW)
    store.stage(sync_pass, "crm", Page((Person(id="2", name="B"), Person(id="1", name="A"))))
    assert store.publish("crm", "people") == MergeResult(new=2)


def test_a_large_pass_is_merged_completely(store: Store) -> None:
    sync_pass = store.begin("phone", "calls", NOW)
    for start in range(0, 5000, 1000):
        store.stage(sync_pass, "phone", Page(tuple(call(number) for number in range(start, start + 1000))))
    assert store.publish("phone", "calls") == MergeResult(new=5000)
    assert len(live(store, "calls")) == 5000
