"""Inboxes: who may post, how often, and which entity a row belongs to."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.loader import load
from exporter.push.body import EntityRecords, Post
from exporter.push.inbox import PushInbox
from tests.push.posts import TOKEN, inbox, parsed, post, problems, records, single
from tests.sources.source_context import NOW, FakeClock, source_context


def test_only_the_inbox_s_token_is_admitted() -> None:
    shop = inbox()
    assert shop.admits(TOKEN.encode())
    for other in (b"", TOKEN[:-1].encode(), TOKEN.encode() + b"x", b"\xff\xfe", TOKEN.upper().encode(), b"x" * 9000):
        assert not shop.admits(other)


def test_a_changed_token_file_takes_effect(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first-token-of-the-shop\r\n")
    shop = inbox(context=source_context(base=tmp_path), token={"file": "token"})
    assert shop.admits(b"first-token-of-the-shop")
    file.write_text("second-token-ümläut")
    assert shop.admits(b"first-token-of-the-shop")  # nothing is read while a post is answered
    shop.refresh_token()
    assert not shop.admits(b"first-token-of-the-shop")
    assert shop.admits("second-token-ümläut".encode())
    file.write_text("short")
    shop.refresh_token()
    with pytest.raises(LookupError, match="at least 16 characters"):
        shop.admits(b"short")
    file.unlink()
    shop.refresh_token()
    with pytest.raises(LookupError, match="token cannot be read"):
        shop.admits(b"")


def test_a_burst_of_ten_seconds_is_allowed_and_then_the_rate_applies() -> None:
    clock = FakeClock()
    shop = inbox(context=source_context(clock=clock), max_per_second=2)
    assert [shop.wait() for _ in range(20)] == [0.0] * 20
    assert shop.wait() == pytest.approx(0.5)
    clock.advance(0.5)
    assert shop.wait() == 0
    assert shop.wait() > 0
    clock.advance(3600)
    assert [shop.wait() for _ in range(20)] == [0.0] * 20
    assert shop.wait() > 0


def test_a_low_rate_still_allows_one_post() -> None:
    shop = inbox(max_per_second=0.01)
    assert shop.wait() == 0
    assert shop.wait() == pytest.approx(100)


def test_records_need_not_name_a_single_entity() -> None:
    content = single(parsed([{"id": 1}, {"id": 2, "entity": "deals"}, {"id": 3, "entity": "calls"}, [4]]))
    assert [record.id for record in records(content)] == ["1", "2"]
    assert problems(content.rejected) == {3: ("entity", "unknown_value"), 4: ("record", "bad_type")}


def test_with_several_entities_each_record_or_the_address_names_its_entity() -> None:
    rows = [{"id": 1, "entity": "deals"}, {"id": "p", "entity": "people"}, {"id": 3}, {"entity": "x"}, None]
    parsed_post = parsed(rows, "deals", "people")
    assert {name: [row for row, _ in content.records] for name, content in parsed_post.entities.items()} == {
        "deals": [1],
        "people": [2],
    }
    assert problems(parsed_post.unassigned) == {
        3: ("entity", "missing_field"),
        4: ("entity", "unknown_value"),
        5: ("record", "bad_type"),
    }
    addressed = parsed([{"id": 1}, {"id": 2, "entity": "deals"}], "deals", "people", entity="people")
    assert problems(single(addressed).rejected) == {2: ("entity", "unknown_value")}


def test_csv_rows_name_their_entity_in_a_column() -> None:
    parsed_post = parsed("id,entity\n1,deals\n2,people\n3\n", "deals", "people")
    assert set(parsed_post.entities) == {"deals", "people"}
    assert problems(parsed_post.unassigned) == {4: ("line", "missing_field")}


def test_an_empty_post_applies_to_every_entity_or_to_that_of_the_address() -> None:
    everything = {"deals": EntityRecords(), "people": EntityRecords()}
    assert parsed([], "deals", "people").entities == everything
    assert parsed("id\n", "deals", "people").entities == everything
    assert parsed([], "deals", "people", entity="people").entities == {"people": EntityRecords()}
    assert parsed([]).entities == {"deals": EntityRecords()}


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        (TOKEN, ""),
        ("too-short", "a token of at least 16 characters, such as openssl rand -hex 32 prints"),
        ("", "environment variable TOKEN is missing or empty"),
    ],
)
def test_a_missing_or_short_token_is_a_problem(token: str, problem: str) -> None:
    assert inbox(context=source_context(TOKEN=token)).token_problem() == problem


def test_parsing_a_post_does_not_change_the_inbox() -> None:
    shop = inbox()
    assert shop.parse(post([{"id": 1}]), NOW) == shop.parse(post([{"id": 1}]), NOW)
    assert (shop.name, shop.entities) == ("source", ("deals",))


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
def test_every_row_becomes_a_record_or_is_rejected_with_a_reason(rows: list[Any]) -> None:
    parsed_post = inbox("deals", "people").parse(post(rows), NOW)
    contents = parsed_post.entities.values()
    rejected = [*parsed_post.unassigned, *(row for content in contents for row in content.rejected)]
    assert sorted([*rejected, *(row for content in contents for row, _ in content.records)]) == [
        number for number, _ in enumerate(rows, 1)
    ]
    assert all(record.id for content in contents for record in records(content))


def test_the_example_config_accepts_the_posts_that_it_shows() -> None:
    example = Path(__file__).parents[2] / "config/examples/push.yaml"
    loaded = load(example, {"SHOP_TOKEN": TOKEN, "BOOKING_TOKEN": TOKEN})
    assert loaded.warnings == ()
    shop, booking = (PushInbox(options, source_context(TOKEN=TOKEN)) for options in loaded.config.sources)
    (shown,) = re.findall(r"-d '(.*)'", example.read_text(encoding="utf-8"))
    (deal,) = records(single(shop.parse(Post(shown.encode(), entity="deals"), NOW + timedelta(days=300))))
    assert (deal.status, str(deal.amount), deal.currency) == ("won", "129.9", "EUR")
    held = {"booking": {"id": 7, "created": "2026-03-01T10:00:00Z"}, "host": {"email": "ada@example.com"}}
    (activity,) = records(single(booking.parse(post({"event": "booked", "data": held}), NOW)))
    assert (activity.id, activity.kind, activity.owner, activity.completed_at) == ("7", "demo", "ada@example.com", None)
