"""Posts on their way into the store: what is kept, what is answered, what is told."""

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

from exporter.errors import PostError, Reason, StoreError
from exporter.naming import SourceState
from exporter.push.body import Post
from exporter.push.deliveries import UNKNOWN, Deliveries, Delivery
from exporter.push.source import PushSource
from exporter.store.store import Store
from tests.push.posts import TOKEN, post, source
from tests.sources.source_context import NOW, Clock, source_context
from tests.store.samples import live, no_file_beyond, versions, watermarks
from tests.sync.fakes import Recorder


class World:
    """One source of deals and people, its store, and who hears of it."""

    def __init__(self, store: Store, *entities: Any) -> None:
        self.clock = Clock()
        self.store = store
        self.heard = Recorder()
        self.source: PushSource = source(*entities, context=source_context(clock=self.clock, TOKEN=TOKEN))
        self.deliveries = Deliveries([self.source], store, self.heard, self.clock)
        self.deliveries.start()

    def send(self, content: Any, **more: Any) -> Delivery:
        self.clock.go(60)
        return self.deliveries.deliver(self.source, post(content, **more))

    def results(self, content: Any, **more: Any) -> list[str]:
        return [receipt.result for receipt in self.send(content, **more).receipts]


@pytest.fixture
def world(store: Store) -> World:
    return World(store, "deals", "people")


@pytest.fixture
def shop(store: Store) -> World:
    return World(store, "deals")


def test_each_record_is_answered_with_what_became_of_it(shop: World) -> None:
    assert shop.results([{"id": 1, "name": "a"}, {"id": 2}, {"id": 3}]) == ["new", "new", "new"]
    again = [{"id": 1, "name": "b"}, {"id": 2}, {"id": 3, "deleted": True}, {"id": 4, "amount": "x"}, {"id": 5}]
    found = shop.send(again)
    assert [receipt.result for receipt in found.receipts] == ["updated", "unchanged", "deleted", "rejected", "new"]
    assert found.taken
    assert live(shop.store) == ["1", "2", "5"]


def test_the_answer_as_json_counts_and_explains(shop: World) -> None:
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
                "message": "status is one of open, won, lost",
            },
        ],
    }


def test_of_one_id_in_a_post_the_last_counts_unless_another_is_newer(shop: World) -> None:
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
    (report, *_) = shop.heard.reports
    assert (report.new, report.unchanged, report.rejected_total) == (1, 1, 1)


def test_posting_again_changes_nothing_but_the_time(shop: World) -> None:
    rows = [{"id": 1, "name": "a", "more": 1}, {"id": 2, "deleted": True}]
    assert shop.results(rows) == ["new", "deleted"]
    before, old_versions = watermarks(shop.store)["source", "deals"], versions(shop.store)
    assert shop.results(rows) == ["unchanged", "unchanged"]
    assert versions(shop.store) == old_versions
    assert watermarks(shop.store)["source", "deals"] == before + timedelta(minutes=1)


def test_a_post_completes_what_it_names_and_an_empty_one_everything(world: World) -> None:
    world.send([{"id": 1}], entity="deals")
    assert watermarks(world.store) == {("source", "deals"): NOW + timedelta(minutes=1)}
    assert world.send([]).taken
    at = NOW + timedelta(minutes=2)
    assert watermarks(world.store) == {("source", "deals"): at, ("source", "people"): at}


def test_several_kinds_in_one_post_are_kept_together(world: World) -> None:
    rows = [{"id": 1, "entity": "deals"}, {"id": 2, "entity": "people", "name": "Ada"}, {"id": 3}]
    assert world.results(rows) == ["new", "new", "rejected"]
    assert [(report.entity, report.success) for report in world.heard.reports] == [
        ("deals", True),
        ("people", True),
        (UNKNOWN, False),
    ]
    assert world.heard.reports[2].rejected == {Reason.MISSING_FIELD: 1}
    assert world.heard.wakes == [("source", "deals"), ("source", "people")]


def test_a_post_of_which_nothing_can_be_taken_is_no_word_of_anything(shop: World) -> None:
    shop.send([{"id": 1}])
    before = watermarks(shop.store)
    found = shop.send([{"id": 2, "amount": "x"}, {"id": 3, "amount": "y"}, {"amount": 1}])
    assert not found.taken
    (known,) = shop.store.outcomes()
    assert (watermarks(shop.store), known.failures, known.reason) == (before, 1, Reason.TOO_MANY_REJECTED)
    assert shop.heard.reports[-1].message == "none of 3 posted records can be taken, most often amount: not_a_number"
    assert shop.heard.states[-1] == ("source", SourceState.SCHEMA_ERROR)
    shop.send([])
    assert shop.heard.states[-1] == ("source", SourceState.OK)


def test_a_complete_list_deletes_what_it_leaves_out(shop: World) -> None:
    shop.send([{"id": 1}, {"id": 2}, {"id": 3}])
    found = shop.send("id,amount\n1,5\n2,x\n", complete=True)
    assert [receipt.result for receipt in found.receipts] == ["updated", "rejected"]
    assert (found.vanished, found.as_json()["vanished"], live(shop.store)) == (1, 1, ["1", "2"])
    assert shop.heard.reports[-1].deleted == 1
    assert shop.heard.reports[-1].full
    assert shop.send([{"id": 2, "deleted": True}], complete=True).vanished == 1
    assert live(shop.store) == []


def test_a_complete_list_with_a_record_of_unknown_id_deletes_nothing(shop: World) -> None:
    shop.send([{"id": 1}, {"id": 2}])
    found = shop.send([{"id": 1}, {"amount": 5}], complete=True)
    assert (found.vanished, "vanished" in found.as_json(), live(shop.store)) == (None, False, ["1", "2"])
    shop.send([], complete=True)
    assert live(shop.store) == []


def test_a_body_that_cannot_be_read_changes_nothing(shop: World) -> None:
    shop.send([{"id": 1}])
    before = shop.store.outcomes()
    with pytest.raises(PostError):
        shop.send(7)
    assert shop.store.outcomes() == before


def test_what_cannot_be_written_is_not_acknowledged(shop: World) -> None:
    shop.send([{"id": 1}])
    with no_file_beyond(0), pytest.raises(StoreError):
        shop.send([{"id": 2}])
    assert not shop.deliveries.able
    assert shop.heard.failures == [("deliver", "error")]
    shop.store.ping()
    assert shop.deliveries.able
    assert live(shop.store) == ["1"]
    assert shop.results([{"id": 2}]) == ["new"]


def test_before_it_starts_and_after_it_stops_nothing_is_taken(store: Store) -> None:
    world = World(store)
    world.deliveries.stop()
    assert not world.deliveries.able
    with pytest.raises(StoreError, match="config"):
        world.send([{"id": 1}])
    assert live(store) == []
    assert world.deliveries.start() == ()
    assert world.results([{"id": 1}]) == ["new"]
    assert [outcome.entity for outcome in world.deliveries.start()] == ["deals"]


def test_posts_from_many_threads_are_all_kept(shop: World) -> None:
    def send(first: int) -> None:
        for number in range(first, first + 5):
            shop.deliveries.deliver(shop.source, post([{"id": number}, {"id": -1, "name": str(number)}]))

    threads = [Thread(target=send, args=(5 * place,)) for place in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(live(shop.store)) == {"-1", *map(str, range(30))}


def test_the_state_is_that_of_the_last_posts_also_after_a_restart(store: Store) -> None:
    world = World(store, "deals", "people")
    assert world.heard.states == [("source", SourceState.STARTING)]
    world.send([{"id": 1}], entity="deals")
    assert world.heard.states[-1] == ("source", SourceState.BACKFILL)
    world.send([])
    assert world.heard.states[-1] == ("source", SourceState.OK)
    assert World(store, "deals", "people").heard.states == [("source", SourceState.OK)]


def test_a_state_that_cannot_be_told_keeps_no_post_from_being_acknowledged(
    shop: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unreadable() -> None:
        raise StoreError("it cannot be read just now")

    monkeypatch.setattr(shop.store, "outcomes", unreadable)
    assert shop.results([{"id": 1}]) == ["new"]
    assert "its state is not known" in caplog.text


def test_a_store_that_was_removed_is_told_as_damaged(shop: World) -> None:
    shop.store.path.unlink()
    with pytest.raises(StoreError):
        shop.send([{"id": 1}])
    assert shop.heard.failures == [("deliver", "damaged")]
    assert not shop.deliveries.able


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
def test_whatever_is_posted_each_row_is_answered_and_what_is_acknowledged_is_there(world: World, sent: Post) -> None:
    with suppress(PostError):
        delivery = world.deliveries.deliver(world.source, sent)
        assert json.loads(orjson.dumps(delivery.as_json()))["rejected"] <= len(delivery.receipts)
        if not sent.is_csv:
            assert [receipt.row for receipt in delivery.receipts] == [
                number for number, _ in enumerate(json.loads(sent.body), 1)
            ]
        kept = {receipt.id for receipt in delivery.receipts if receipt.result in ("new", "updated")}
        assert kept <= {*live(world.store), *live(world.store, "people")}
