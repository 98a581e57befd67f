"""Deliveries are stored in one commit, with a result for each id."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exporter.errors import InvalidRecordError, Reason, StoreError
from exporter.passes import Page
from exporter.records import Deal, Person
from exporter.store.merge import MergeResult
from exporter.store.store import Store
from tests.store.killing import run
from tests.store.samples import HOUR, NOW, deal, everything, live, no_file_beyond, read, rows, versions, watermarks


def test_each_id_has_a_result(store: Store) -> None:
    first = store.deliver("shop", {"deals": Page((deal(1), deal(2), deal(3)))}, NOW)
    assert first == {"deals": MergeResult(new=3, results={"1": "new", "2": "new", "3": "new"})}
    page = Page((deal(1), deal(2, 1, amount=5), Deal(id="3", deleted=True), deal(4)))
    (second,) = store.deliver("shop", {"deals": page}, NOW + HOUR).values()
    assert second.results == {"1": "unchanged", "2": "updated", "3": "deleted", "4": "new"}
    assert (second.new, second.updated, second.unchanged, second.deleted) == (1, 1, 1, 1)
    assert live(store) == ["1", "2", "4"]


def test_the_same_delivery_again_changes_nothing(store: Store) -> None:
    store.deliver("shop", {"deals": Page((deal(1), Deal(id="2", deleted=True)))}, NOW)
    before = rows(store), versions(store)
    (again,) = store.deliver("shop", {"deals": Page((deal(1), Deal(id="2", deleted=True)))}, NOW + HOUR).values()
    assert again.results == {"1": "unchanged", "2": "unchanged"}
    assert (rows(store), versions(store)) == before


def test_an_older_version_that_arrives_late_changes_nothing(store: Store) -> None:
    store.deliver("shop", {"deals": Page((deal(1, 2, amount=7),))}, NOW)
    (late,) = store.deliver("shop", {"deals": Page((deal(1, 1, amount=3),))}, NOW).values()
    assert late.results == {"1": "unchanged"}
    assert [int(amount) for *_, amount in rows(store)] == [7]


def test_a_delivery_completes_only_its_entities(store: Store) -> None:
    store.fail("shop", "deals", Reason.TOO_MANY_REJECTED, NOW)
    store.deliver("shop", {"deals": Page(())}, NOW + HOUR)
    (known,) = store.outcomes()
    assert (known.entity, known.last_success, known.watermark, known.failures) == ("deals", NOW + HOUR, NOW + HOUR, 0)
    people = Page((Person(id="p", name="Ada"),))
    merged = store.deliver("shop", {"deals": Page((deal(1),)), "people": people}, NOW + 2 * HOUR)
    assert {entity: result.new for entity, result in merged.items()} == {"deals": 1, "people": 1}
    assert set(watermarks(store).values()) == {NOW + 2 * HOUR}


def test_a_complete_list_deletes_missing_records_but_not_rejected_ones(store: Store) -> None:
    store.deliver("shop", {"deals": Page((deal(1), deal(2), deal(3)))}, NOW)
    read(store, deal(9), source="crm")
    rejected = InvalidRecordError(Reason.NOT_A_NUMBER, "amount", "2", "2")
    (merged,) = store.deliver("shop", {"deals": Page((deal(1),), (rejected,), listing=everything())}, NOW).values()
    assert (merged.deleted, merged.results) == (1, {"1": "unchanged"})
    assert live(store) == ["9", "1", "2"]
    (merged,) = store.deliver("shop", {"deals": Page((), listing=everything())}, NOW).values()
    assert (merged.deleted, live(store)) == (2, ["9"])


def test_pages_staged_before_a_delivery_are_discarded(store: Store) -> None:
    store.stage(store.begin("shop", "deals", NOW), "shop", Page((deal(7),), resume="r"))
    store.deliver("shop", {"deals": Page((deal(1),), listing=everything())}, NOW)
    assert live(store) == ["1"]
    assert store.begin("shop", "deals", NOW).resume is None


def test_nothing_is_stored_on_a_full_disk(store: Store) -> None:
    store.deliver("shop", {"deals": Page((deal(0),))}, NOW)
    before = rows(store), store.outcomes()
    with no_file_beyond(0), pytest.raises(StoreError):
        store.deliver("shop", {"deals": Page((deal(1),)), "people": Page((Person(id="p"),))}, NOW + HOUR)
    assert not store.up
    store.ping()
    assert (rows(store), store.outcomes()) == before
    store.deliver("shop", {"deals": Page((deal(1),))}, NOW + HOUR)
    assert live(store) == ["0", "1"]


def test_forty_kills_while_posts_are_acknowledged(tmp_path: Path) -> None:
    found = json.loads(run("posts", tmp_path, 40, 11))
    assert found["acknowledged"] > 40
    assert found["lost"] == found["doubled"] == found["halved"] == 0
