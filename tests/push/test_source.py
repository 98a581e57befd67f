"""A source that waits for posts: who may post, how often, and which entity a row belongs to."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.loader import load
from exporter.errors import SourceRejectedError
from exporter.push.body import Post
from exporter.push.push_rows import Batch
from exporter.push.source import create
from exporter.sources.base import Access
from tests.push.posts import TOKEN, only, post, records, source, taken, told
from tests.sources.source_context import NOW, Clock, pages_of, run, source_context


def test_only_its_own_token_is_admitted() -> None:
    shop = source()
    assert shop.admits(TOKEN.encode())
    for other in (b"", TOKEN[:-1].encode(), TOKEN.encode() + b"x", b"\xff\xfe", TOKEN.upper().encode(), b"x" * 9000):
        assert not shop.admits(other)


def test_a_token_in_a_file_counts_from_the_moment_it_is_there(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first-token-of-the-shop\r\n")
    shop = source(context=source_context(base=tmp_path), token={"file": "token"})
    assert shop.admits(b"first-token-of-the-shop")
    file.write_text("second-token-ümläut")
    assert not shop.admits(b"first-token-of-the-shop")
    assert shop.admits("second-token-ümläut".encode())
    file.unlink()
    with pytest.raises(LookupError, match="token cannot be read"):
        shop.admits(b"")


def test_ten_seconds_worth_of_posts_may_come_at_once_and_then_they_are_spaced() -> None:
    clock = Clock()
    shop = source(context=source_context(clock=clock), max_per_second=2)
    assert [shop.wait() for _ in range(20)] == [0.0] * 20
    assert shop.wait() == pytest.approx(0.5)
    clock.go(0.5)
    assert shop.wait() == 0
    assert shop.wait() > 0
    clock.go(3600)
    assert [shop.wait() for _ in range(20)] == [0.0] * 20
    assert shop.wait() > 0


def test_a_slow_source_still_takes_one_post() -> None:
    shop = source(max_per_second=0.01)
    assert shop.wait() == 0
    assert shop.wait() == pytest.approx(100)


def test_where_there_is_one_entity_nobody_needs_to_name_it() -> None:
    batch = only(taken([{"id": 1}, {"id": 2, "entity": "deals"}, {"id": 3, "entity": "calls"}, [4]]))
    assert [record.id for record in records(batch)] == ["1", "2"]
    assert told(batch.refused) == {3: ("entity", "unknown_value"), 4: ("record", "bad_type")}


def test_where_there_are_several_each_record_or_the_address_names_it() -> None:
    rows = [{"id": 1, "entity": "deals"}, {"id": "p", "entity": "people"}, {"id": 3}, {"entity": "x"}, None]
    posted = taken(rows, "deals", "people")
    assert {name: [row for row, _ in batch.records] for name, batch in posted.batches.items()} == {
        "deals": [1],
        "people": [2],
    }
    assert told(posted.strays) == {
        3: ("entity", "missing_field"),
        4: ("entity", "unknown_value"),
        5: ("record", "bad_type"),
    }
    addressed = taken([{"id": 1}, {"id": 2, "entity": "deals"}], "deals", "people", entity="people")
    assert told(only(addressed).refused) == {2: ("entity", "unknown_value")}


def test_csv_rows_name_their_entity_in_a_column() -> None:
    posted = taken("id,entity\n1,deals\n2,people\n3\n", "deals", "people")
    assert set(posted.batches) == {"deals", "people"}
    assert told(posted.strays) == {4: ("line", "missing_field")}


def test_an_empty_post_is_word_of_everything_or_of_what_the_address_names() -> None:
    everything = {"deals": Batch(), "people": Batch()}
    assert taken([], "deals", "people").batches == everything
    assert taken("id\n", "deals", "people").batches == everything
    assert taken([], "deals", "people", entity="people").batches == {"people": Batch()}
    assert taken([]).batches == {"deals": Batch()}


def test_it_is_never_read() -> None:
    with pytest.raises(SourceRejectedError, match="/push/source"):
        run(pages_of(source()))


@pytest.mark.parametrize(
    ("token", "missing"),
    [
        (TOKEN, ""),
        ("too-short", "a token of 16 characters or more, as openssl rand -hex 32 makes them"),
        ("", "environment variable TOKEN is missing or empty"),
    ],
)
def test_check_says_whether_there_is_a_token_that_cannot_be_guessed(token: str, missing: str) -> None:
    shop = source("deals", "calls", context=source_context(TOKEN=token))
    allowed = not missing
    assert run(shop.check()) == (Access("deals", allowed, missing), Access("calls", allowed, missing))
    run(shop.close())


def test_nothing_of_a_post_changes_the_source() -> None:
    shop = source()
    assert shop.take(post([{"id": 1}]), NOW) == shop.take(post([{"id": 1}]), NOW)
    assert (shop.name, shop.entities, shop.lag.total_seconds()) == ("source", ("deals",), 0)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["won", "2026-01-01"])
ROWS = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "amount", "status", "closed_at", "deleted", "entity", "attributes"]) | st.text(),
            inner,
        )
    ),
    max_leaves=12,
)


@given(st.lists(ROWS, max_size=8))
def test_whatever_is_posted_each_row_is_taken_or_refused_with_a_reason(rows: list[Any]) -> None:
    posted = source("deals", "people").take(post(rows), NOW)
    batches = posted.batches.values()
    refused = [*posted.strays, *(row for batch in batches for row in batch.refused)]
    assert sorted([*refused, *(row for batch in batches for row, _ in batch.records)]) == [
        number for number, _ in enumerate(rows, 1)
    ]
    assert all(record.id for batch in batches for record in records(batch))


def test_the_example_loads_and_its_sources_take_what_it_shows() -> None:
    example = Path(__file__).parents[2] / "config/examples/push.yaml"
    loaded = load(example, {"SHOP_TOKEN": TOKEN, "BOOKING_TOKEN": TOKEN})
    assert loaded.warnings == ()
    shop, booking = (create(options, source_context(TOKEN=TOKEN)) for options in loaded.config.sources)
    (shown,) = re.findall(r"-d '(.*)'", example.read_text(encoding="utf-8"))
    (deal,) = records(only(shop.take(Post(shown.encode(), entity="deals"), NOW + timedelta(days=300))))
    assert (deal.status, str(deal.amount), deal.currency) == ("won", "129.9", "EUR")
    held = {"booking": {"id": 7, "created": "2026-03-01T10:00:00Z"}, "host": {"email": "ada@example.com"}}
    (activity,) = records(only(booking.take(post({"event": "booked", "data": held}), NOW)))
    assert (activity.id, activity.kind, activity.owner, activity.completed_at) == ("7", "demo", "ada@example.com", None)
