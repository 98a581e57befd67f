"""Rows that were posted become records, or are told what is wrong with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from exporter.push.body import Post
from exporter.records import Call, Deal, Person, Ticket
from tests.push.posts import only, post, records, source, taken, told
from tests.sources.source_context import NOW


def test_fields_are_our_columns_by_name_each_of_its_kind() -> None:
    row = {
        "id": 7,
        "name": " Big one ",
        "amount": "1200.10",
        "currency": "chf",
        "status": "won",
        "owner": "ada@example.com",
        "created_at": "2026-02-01",
        "closed_at": 1_770_000_000,
        "updated_at": "2026-02-02T03:04:05+02:00",
    }
    (found,) = records(only(taken(row)))
    assert found == Deal(
        id="7",
        name="Big one",
        amount=Decimal("1200.10"),
        currency="CHF",
        status="won",
        owner="ada@example.com",
        created_at=datetime(2026, 1, 31, 23, tzinfo=UTC),
        closed_at=datetime.fromtimestamp(1_770_000_000, UTC),
        updated_at=datetime(2026, 2, 2, 1, 4, 5, tzinfo=UTC),
    )


def test_durations_flags_and_people_arrive_as_they_are_meant() -> None:
    (call,) = records(only(taken({"id": "c", "talk_seconds": "1:02:03", "wait_seconds": 4.5}, "calls")))
    assert (call, type(call)) == (Call(id="c", talk_seconds=3723.0, wait_seconds=4.5), Call)
    (person,) = records(only(taken({"id": "p", "email": "ada@example.com", "active": "no"}, "people")))
    assert person == Person(id="p", email="ada@example.com", active=False)


def test_csv_and_json_say_the_same() -> None:
    (from_csv,) = records(only(taken("id,amount,status,branch,deleted\n7,12.5,won,north,\n")))
    (from_json,) = records(only(taken({"id": 7, "amount": 12.5, "status": "won", "branch": "north"})))
    assert from_csv == from_json == Deal(id="7", amount=Decimal("12.5"), status="won", attributes={"branch": "north"})


def test_what_we_have_no_column_for_becomes_attributes() -> None:
    row = {"id": 1, "entity": "deals", "region": "north", "vip": True, "none": None, "attributes": {"size": 3}}
    (found,) = records(only(taken(row)))
    assert found.attributes == {"region": "north", "vip": "true", "size": "3"}


@pytest.mark.parametrize("row", [{"id": 1, "lines": [1]}, {"id": 1, "a": {"b": 1}}, {"id": 1, "attributes": "x"}])
def test_attributes_are_no_objects(row: dict[str, object]) -> None:
    assert told(only(taken(row)).refused) == {1: ("attributes", "bad_type")}


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("id", None, "missing_field"),
        ("id", " ", "missing_field"),
        ("id", [1], "bad_type"),
        ("amount", "12,5", "not_a_number"),
        ("amount", True, "not_a_number"),
        ("amount", {"value": 1}, "not_a_number"),
        ("amount", 10**16, "out_of_range"),
        ("amount", 10**399, "out_of_range"),
        ("currency", "francs", "unknown_currency"),
        ("status", "Won", "unknown_value"),
        ("created_at", "yesterday", "bad_time"),
        ("created_at", (NOW + timedelta(days=2)).isoformat(), "future_timestamp"),
        ("updated_at", "2099-01-01", "future_timestamp"),
        ("name", {"first": "Ada"}, "bad_type"),
        ("deleted", "perhaps", "unknown_value"),
        ("deleted", {}, "bad_type"),
    ],
)
def test_a_bad_value_refuses_its_record_alone(field: str, value: object, reason: str) -> None:
    batch = only(taken([{"id": 1}, {"id": 2, field: value}, {"id": 3}]))
    assert told(batch.refused) == {2: (field, reason)}
    assert [row for row, _ in batch.records] == [1, 3]
    (error,) = batch.refused.values()
    assert error.record_id == (None if field == "id" else "2")


def test_numbers_that_json_does_not_know_are_refused_too() -> None:
    body = b'[{"id": 1, "amount": NaN}, {"id": 2, "amount": 1e999}, {"id": 3, "amount": -Infinity}, {"id": 4}]'
    batch = only(source().take(Post(body), NOW))
    assert told(batch.refused) == {
        1: ("amount", "not_a_number"),
        2: ("amount", "out_of_range"),
        3: ("amount", "out_of_range"),
    }


def test_an_end_before_its_beginning_is_refused() -> None:
    row = {"id": 1, "started_at": "2026-02-01T10:00:00Z", "ended_at": "2026-02-01T09:00:00Z"}
    assert told(only(taken(row, "calls")).refused) == {1: ("ended_at", "negative_duration")}


def test_a_deleted_record_needs_no_more_than_its_id() -> None:
    rows = [{"id": 1, "deleted": True, "amount": "gone"}, {"deleted": True}, {"id": 2, "deleted": False}]
    batch = only(taken([*rows, {"id": 3, "deleted": "yes", "updated_at": "2026-02-01T00:00:00Z"}]))
    assert records(batch) == [
        Deal(id="1", deleted=True),
        Deal(id="2"),
        Deal(id="3", deleted=True, updated_at=datetime(2026, 2, 1, tzinfo=UTC)),
    ]
    assert told(batch.refused) == {2: ("id", "missing_field")}


MAPPED = {
    "entity": "tickets",
    "columns": {
        "id": "ticket.number",
        "status": {"from": "ticket.state", "map": {"NEW": "open", "DONE": "solved"}},
        "solved_at": {"from": "done", "optional": True},
        "attributes.shop": {"value": "web"},
    },
}


def test_a_payload_of_another_shape_is_mapped_as_the_config_says() -> None:
    rows = [{"ticket": {"number": 5, "state": "DONE"}, "done": "2026-02-01T10:00:00Z", "more": [1]}, {"ticket": 7}]
    batch = only(taken([*rows, {"ticket": {"number": 6, "state": "LOST"}, "id": 9, "entity": "of theirs"}], MAPPED))
    solved = datetime(2026, 2, 1, 10, tzinfo=UTC)
    assert records(batch) == [Ticket(id="5", status="solved", solved_at=solved, attributes={"shop": "web"})]
    assert told(batch.refused) == {2: ("ticket.number", "missing_field"), 3: ("status", "unknown_value")}
    assert [error.record_id for error in batch.refused.values()] == [None, "6"]


def test_a_mapped_row_that_cannot_be_read_has_no_certain_id() -> None:
    columns = {"id": "Number", "name": "id"}
    shop = source({"entity": "deals", "columns": columns})
    batch = only(shop.take(post("Number,id\n1,x\n2\n"), NOW))
    assert records(batch) == [Deal(id="1", name="x")]
    assert [(error.field, error.record_id) for error in batch.refused.values()] == [("line", None)]
    assert told(only(shop.take(post({"Number": 1, "id": "x", "deleted": "?"}), NOW)).refused) == {
        1: ("deleted", "unknown_value")
    }
