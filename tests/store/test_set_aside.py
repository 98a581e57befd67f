"""Records of a removed push source are set aside: they count nowhere, and come back as they were."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from exporter.passes import Listing, Page
from exporter.records import Deal, Person
from exporter.store.state import Outcome
from exporter.store.store import Store
from tests.store.samples import HOUR, NOW, deal, live, read, rows

SHOP = {"shop": ("deals", "people")}


def fill(store: Store) -> None:
    """Two deals of the shop, one of which changed and one that is deleted, a person, and a deal of another source."""
    odd = {"name": 'qu"ote\n\U0001f600', "amount": Decimal("123456789012345678.123456"), "attributes": {"a.b": "1"}}
    store.deliver("shop", {"deals": Page((deal("1", **odd), deal("2")))}, NOW)
    store.deliver("shop", {"deals": Page((deal("1", 1, stage="won", **odd),), listing=Listing())}, NOW + HOUR)
    store.deliver("shop", {"people": Page((Person(id="u1", name="Ada", active=True),))}, NOW)
    sync_pass = store.begin("crm", "deals", NOW, fingerprint="digest")
    store.stage(sync_pass, "crm", Page((deal("9"),)))
    store.publish("crm", "deals", at=NOW)


def tables(store: Store) -> list[Any]:
    return [rows(store, "*", table) for table in ("deals", "deals_versions", "people", "people_versions")]


def retain(store: Store, entities: Any, pushed: Any) -> Any:
    return store.retain(entities, pushed=pushed, at=NOW + 2 * HOUR)


def test_records_of_a_removed_push_source_are_kept_and_come_back_as_they_were(store: Store) -> None:
    fill(store)
    before, outcomes = tables(store), store.outcomes()
    removed = retain(store, {"crm": ("deals",)}, {})
    assert (removed.deleted, removed.put_aside) == (0, 3)
    assert live(store) == ["9"]
    assert live(store, "people") == []
    assert rows(store, "*", "deals_versions") == []
    assert [o.source for o in store.outcomes()] == ["crm"]
    assert [(r.source, r.entity, r.records, r.removed_at) for r in store.removed_sources()] == [
        ("shop", "deals", 1, NOW + 2 * HOUR), ("shop", "people", 1, NOW + 2 * HOUR),
    ]  # fmt: skip
    back = retain(store, {"crm": ("deals",), **SHOP}, {"shop": ()})
    assert back.brought_back == 3
    assert [sorted(map(repr, table)) for table in tables(store)] == [sorted(map(repr, table)) for table in before]
    assert [(o.source, o.entity, o.watermark, o.last_success) for o in store.outcomes()] == [
        (o.source, o.entity, o.watermark, o.last_success) for o in outcomes
    ]
    assert store.removed_sources() == ()


def test_removing_it_twice_changes_nothing(store: Store) -> None:
    fill(store)
    retain(store, {"crm": ("deals",)}, {})
    assert retain(store, {"crm": ("deals",)}, {}).changes == {}
    assert sum(r.records for r in store.removed_sources()) == 2


def test_records_that_can_be_read_again_are_deleted_as_before(store: Store) -> None:
    fill(store)
    removed = retain(store, SHOP, {"shop": ()})
    assert (removed.deleted, removed.put_aside, removed.removed) == (1, 0, ())


def test_a_renamed_source_takes_over_the_records_and_what_it_received_itself_stays(store: Store) -> None:
    fill(store)
    retain(store, {"shopping": ("deals",)}, {"shopping": ()})
    store.deliver("shopping", {"deals": Page((deal("1", 5, stage="new"),))}, NOW + 5 * HOUR)
    taken = retain(store, {"shopping": ("deals",)}, {"shopping": ("shop",)})
    assert taken.brought_back == 1, "the deleted one, which is a record, too"
    assert rows(store, "source, id, stage, deleted") == [("shopping", "1", "new", False), ("shopping", "2", None, True)]
    assert [(r.source, r.entity) for r in store.removed_sources()] == [("shop", "people")]


def test_a_rename_at_once_loses_nothing(store: Store) -> None:
    fill(store)
    retain(store, {"shopping": ("deals", "people")}, {"shopping": ("shop",)})
    assert rows(store, "source, id, stage, deleted") == [("shopping", "1", "won", False), ("shopping", "2", None, True)]
    assert [row[:2] for row in rows(store, "source, id", "people")] == [("shopping", "u1")]
    assert store.removed_sources() == ()


def test_one_entity_may_be_removed_alone(store: Store) -> None:
    fill(store)
    retain(store, {"shop": ("people",)}, {"shop": ()})
    assert [(r.source, r.entity) for r in store.removed_sources()] == [("shop", "deals")]
    assert live(store, "people") == ["u1"]


def test_another_provider_under_the_same_name_does_not_get_the_records(store: Store) -> None:
    fill(store)
    retain(store, {"shop": ("deals",)}, {})
    assert live(store) == []
    assert {r.source for r in store.removed_sources()} == {"shop"}


def test_a_removed_source_is_forgotten(store: Store) -> None:
    fill(store)
    retain(store, {"crm": ("deals",)}, {})
    assert store.forget_source("crm") == 0
    assert live(store) == ["9"]
    assert store.forget_source("shop") == 2
    assert store.removed_sources() == ()
    assert retain(store, SHOP, {"shop": ()}).brought_back == 0


def test_what_is_set_aside_survives_a_restart(store: Store) -> None:
    fill(store)
    retain(store, {"crm": ("deals",)}, {})
    store.close()
    again = Store.open(store.path.parent, on_corrupt="fail")
    assert sum(r.records for r in again.removed_sources()) == 2
    again.close()


@pytest.mark.parametrize("records", [(), (Deal(id="x"),)])
def test_an_entity_without_a_successful_post_leaves_nothing(store: Store, records: tuple[Deal, ...]) -> None:
    read(store, *records, source="crm", cursor="c")
    retain(store, {}, {})
    assert store.removed_sources() == ()
    assert Outcome("crm", "deals").watermark is None
