"""Deliveries: what is stored, which receipts are returned, and what is reported."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from threading import Thread
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.errors import InvalidRecordError, PostError, Reason, StoreError
from exporter.naming import SourceState
from exporter.push.body import Post
from exporter.push.deliveries import UNKNOWN_ENTITY, Deliveries, Delivery, hint
from exporter.push.inbox import PushInbox
from exporter.records import ENTITIES, columns
from exporter.store.store import Store
from tests.push.posts import TOKEN, inbox, post
from tests.sources.source_context import NOW, FakeClock, source_context
from tests.store.samples import live, no_file_beyond, versions, watermarks
from tests.sync.fakes import Recorder


class World:
    """An inbox, its store, and a recording observer."""

    def __init__(self, store: Store, *entities: Any) -> None:
        self.clock = FakeClock()
        self.store = store
        self.observer = Recorder()
        self.inbox: PushInbox = inbox(*entities, context=source_context(clock=self.clock, TOKEN=TOKEN))
        self.deliveries = Deliveries([self.inbox], store, self.observer, self.clock)
        self.deliveries.start()

    def send(self, content: Any, **address: Any) -> Delivery:
        self.clock.advance(60)
        return self.deliveries.deliver(self.inbox, post(content, **address))

    def results(self, content: Any, **address: Any) -> list[str]:
        return [receipt.result for receipt in self.send(content, **address).receipts]


@pytest.fixture
def world(store: Store) -> World:
    return World(store, "deals", "people")


@pytest.fixture
def shop(store: Store) -> World:
    return World(store, "deals")


def test_each_record_has_a_receipt(shop: World) -> None:
    assert shop.results([{"id": 1, "name": "a"}, {"id": 2}, {"id": 3}]) == ["new", "new", "new"]
    again = [{"id": 1, "name": "b"}, {"id": 2}, {"id": 3, "deleted": True}, {"id": 4, "amount": "x"}, {"id": 5}]
    delivery = shop.send(again)
    assert [receipt.result for receipt in delivery.receipts] == ["updated", "unchanged", "deleted", "rejected", "new"]
    assert delivery.accepted
    assert live(shop.store) == ["1", "2", "5"]


def test_the_json_counts_results_and_explains_rejections(shop: World) -> None:
    assert shop.send([{"id": 1}, {"id": 2, "status": "lots"}]).as_json() == {
        "at": "2026-03-02T09:01:00.000+00:00",
        "new": 1,
        "updated": 0,
        "unchanged": 0,
        "deleted": 0,
        "rejected": 1,
        "records": [
            {"row": 1, "id": "1", "result": "new"},
            {
                "row": 2,
                "id": "2",
                "result": "rejected",
                "reason": "unknown_value",
                "field": "status",
                "message": "status must be one of open, won, lost",
            },
        ],
    }


def test_of_repeated_ids_the_last_counts_unless_another_is_newer(shop: World) -> None:
    assert shop.results([{"id": 1, "name": "a"}, {"id": 1, "name": "b"}, {"id": 1, "amount": "x"}]) == [
        "unchanged",
        "new",
        "rejected",
    ]
    newer = {"id": 2, "name": "newer", "updated_at": "2026-02-02T00:00:00Z"}
    older = {"id": 2, "name": "older", "updated_at": "2026-02-01T00:00:00Z"}
    assert shop.results([newer, older]) == ["new", "unchanged"]
    assert shop.results([older]) == ["unchanged"]
    assert shop.results([{"id": 3, "deleted": True}, {"id": 3, "name": "back"}]) == ["unchanged", "new"]
    assert live(shop.store) == ["1", "2", "3"]
    (report, *_) = shop.observer.reports
    assert (report.new, report.unchanged, report.rejected_total) == (1, 1, 1)


def test_posting_again_changes_only_the_watermark(shop: World) -> None:
    rows = [{"id": 1, "name": "a", "more": 1}, {"id": 2, "deleted": True}]
    assert shop.results(rows) == ["new", "deleted"]
    before, old_versions = watermarks(shop.store)["source", "deals"], versions(shop.store)
    assert shop.results(rows) == ["unchanged", "unchanged"]
    assert versions(shop.store) == old_versions
    assert watermarks(shop.store)["source", "deals"] == before + timedelta(minutes=1)


def test_a_post_completes_its_entities_and_an_empty_one_completes_all(world: World) -> None:
    world.send([{"id": 1}], entity="deals")
    assert watermarks(world.store) == {("source", "deals"): NOW + timedelta(minutes=1)}
    assert world.send([]).accepted
    at = NOW + timedelta(minutes=2)
    assert watermarks(world.store) == {("source", "deals"): at, ("source", "people"): at}


def test_several_entities_in_one_post_are_stored_together(world: World) -> None:
    rows = [{"id": 1, "entity": "deals"}, {"id": 2, "entity": "people", "name": "Ada"}, {"id": 3}]
    assert world.results(rows) == ["new", "new", "rejected"]
    assert [(report.entity, report.success) for report in world.observer.reports] == [
        ("deals", True),
        ("people", True),
        (UNKNOWN_ENTITY, False),
    ]
    assert world.observer.reports[2].rejected == {Reason.MISSING_FIELD: 1}
    assert world.observer.publications == [("source", "deals"), ("source", "people")]


def test_a_post_with_only_rejected_records_is_a_failed_pass(shop: World) -> None:
    shop.send([{"id": 1}])
    before = watermarks(shop.store)
    delivery = shop.send([{"id": 2, "amount": "x"}, {"id": 3, "amount": "y"}, {"amount": 1}])
    assert not delivery.accepted
    (known,) = shop.store.outcomes()
    assert (watermarks(shop.store), known.failures, known.reason) == (before, 1, Reason.TOO_MANY_REJECTED)
    assert shop.observer.reports[-1].message == "all 3 posted records are rejected, most often amount: not_a_number"
    assert shop.observer.states[-1] == ("source", SourceState.SCHEMA_ERROR)
    shop.send([])
    assert shop.observer.states[-1] == ("source", SourceState.OK)


def test_a_complete_list_deletes_what_it_omits(shop: World) -> None:
    shop.send([{"id": 1}, {"id": 2}, {"id": 3}])
    delivery = shop.send("id,amount\n1,5\n2,x\n", complete=True)
    assert [receipt.result for receipt in delivery.receipts] == ["updated", "rejected"]
    assert (delivery.vanished, delivery.as_json()["vanished"], live(shop.store)) == (1, 1, ["1", "2"])
    assert shop.observer.reports[-1].deleted == 1
    assert shop.observer.reports[-1].full
    assert shop.send([{"id": 2, "deleted": True}], complete=True).vanished == 1
    assert live(shop.store) == []


def test_a_complete_list_with_a_record_of_unknown_id_deletes_nothing(shop: World) -> None:
    shop.send([{"id": 1}, {"id": 2}])
    delivery = shop.send([{"id": 1}, {"amount": 5}], complete=True)
    assert (delivery.vanished, "vanished" in delivery.as_json(), live(shop.store)) == (None, False, ["1", "2"])
    shop.send([], complete=True)
    assert live(shop.store) == []


def test_an_unreadable_body_changes_nothing(shop: World) -> None:
    shop.send([{"id": 1}])
    before = shop.store.outcomes()
    with pytest.raises(PostError):
        shop.send(7)
    assert shop.store.outcomes() == before


def test_a_post_that_cannot_be_written_is_not_acknowledged(shop: World) -> None:
    shop.send([{"id": 1}])
    with no_file_beyond(0), pytest.raises(StoreError):
        shop.send([{"id": 2}])
    assert not shop.deliveries.available
    assert shop.observer.failures == [("deliver", "error")]
    shop.store.ping()
    assert shop.deliveries.available
    assert live(shop.store) == ["1"]
    assert shop.results([{"id": 2}]) == ["new"]


def test_no_posts_are_accepted_before_the_start_or_after_the_stop(store: Store) -> None:
    world = World(store)
    world.deliveries.stop()
    assert not world.deliveries.available
    with pytest.raises(StoreError, match="config"):
        world.send([{"id": 1}])
    assert live(store) == []
    assert world.deliveries.start() == ()
    assert world.results([{"id": 1}]) == ["new"]
    assert [outcome.entity for outcome in world.deliveries.start()] == ["deals"]


def test_posts_from_many_threads_are_all_stored(shop: World) -> None:
    def send(first: int) -> None:
        for number in range(first, first + 5):
            shop.deliveries.deliver(shop.inbox, post([{"id": number}, {"id": -1, "name": str(number)}]))

    threads = [Thread(target=send, args=(5 * place,)) for place in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(live(shop.store)) == {"-1", *map(str, range(30))}


def test_the_state_reflects_the_last_posts_even_after_a_restart(store: Store) -> None:
    world = World(store, "deals", "people")
    assert world.observer.states == [("source", SourceState.STARTING)]
    world.send([{"id": 1}], entity="deals")
    assert world.observer.states[-1] == ("source", SourceState.BACKFILL)
    world.send([])
    assert world.observer.states[-1] == ("source", SourceState.OK)
    assert World(store, "deals", "people").observer.states == [("source", SourceState.OK)]


def test_an_unreadable_state_does_not_prevent_acknowledgement(
    shop: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unreadable() -> None:
        raise StoreError("it cannot be read just now")

    monkeypatch.setattr(shop.store, "outcomes", unreadable)
    assert shop.results([{"id": 1}]) == ["new"]
    assert "state cannot be read" in caplog.text


def test_a_removed_store_is_reported_as_damaged(shop: World) -> None:
    shop.store.path.unlink()
    with pytest.raises(StoreError):
        shop.send([{"id": 1}])
    assert shop.observer.failures == [("deliver", "damaged")]
    assert not shop.deliveries.available


TEXTS = st.text(max_size=8) | st.sampled_from(["deals", "people", "won", "2026-01-01", "NaN", "\ud800", "a\x00b"])
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
FIELDS = st.sampled_from(["id", "entity", "amount", "name", "closed_at", "updated_at", "deleted", "attributes"]) | TEXTS
ANY = VALUES | st.dictionaries(TEXTS, VALUES, max_size=2) | st.lists(VALUES, max_size=2)
NAMED = st.fixed_dictionaries({"id": st.integers(0, 5) | TEXTS, "entity": st.sampled_from(["deals", "people"])})
ROWS = st.dictionaries(FIELDS, ANY, max_size=3) | st.builds(
    lambda row, named: {**row, **named}, st.dictionaries(FIELDS, VALUES, max_size=2), NAMED
)
HEADER = b"id,entity,amount,\xff,\xfe\n"


@given(
    st.builds(lambda rows: Post(json.dumps(rows).encode()), st.lists(ROWS | VALUES, max_size=6))
    | st.builds(lambda body: Post(HEADER + body, is_csv=True), st.binary(max_size=120))
)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_has_a_receipt_and_acknowledged_records_are_stored(world: World, sent: Post) -> None:
    with suppress(PostError):
        delivery = world.deliveries.deliver(world.inbox, sent)
        assert json.loads(orjson.dumps(delivery.as_json()))["rejected"] <= len(delivery.receipts)
        if not sent.is_csv:
            assert [receipt.row for receipt in delivery.receipts] == [
                number for number, _ in enumerate(json.loads(sent.body), 1)
            ]
        kept = {receipt.id for receipt in delivery.receipts if receipt.result in ("new", "updated")}
        assert kept <= {*live(world.store), *live(world.store, "people")}


OF_RECORDS = list(Reason)[list(Reason).index(Reason.MISSING_FIELD) :]


@pytest.mark.parametrize("reason", OF_RECORDS)
def test_each_reason_has_its_own_hint(reason: Reason) -> None:
    message = hint(InvalidRecordError(reason, "amount"), "deals", ("deals",))
    assert message.startswith("amount ")
    assert message != "amount is not valid"


@pytest.mark.parametrize("reason", [Reason.MISSING_FIELD, Reason.SCHEMA, Reason.BAD_TYPE])
def test_hints_for_lines_name_the_line(reason: Reason) -> None:
    assert hint(InvalidRecordError(reason, "line"), "deals", ("deals",)).startswith("the line ")


def test_hints_list_the_accepted_values() -> None:
    unknown = Reason.UNKNOWN_VALUE
    assert hint(InvalidRecordError(unknown, "status"), "deals", ("deals",)) == "status must be one of open, won, lost"
    assert hint(InvalidRecordError(unknown, "active"), "people", ()) == "active must be true or false"
    assert hint(InvalidRecordError(unknown, "deleted"), "people", ()) == "deleted must be true or false"
    assert "deals, people" in hint(InvalidRecordError(Reason.MISSING_FIELD, "entity"), None, ("deals", "people"))
    assert "object" in hint(InvalidRecordError(Reason.BAD_TYPE, "record"), None, ("deals",))


def test_hints_for_columns_with_choices_list_them_all() -> None:
    for entity in ENTITIES:
        for column in columns(entity):
            if column.choices:
                message = hint(InvalidRecordError(Reason.UNKNOWN_VALUE, column.name), entity, (entity,))
                assert message.endswith(", ".join(column.choices))
