"""Posted bodies: which rows they have, how rows become records, and which are rejected."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import PostError, Reason
from exporter.push.body import MAX_ROWS, Post, read_rows
from exporter.records import Call, Deal, Person, Ticket
from tests.push.posts import inbox, parsed, post, problems, records, single
from tests.sources.source_context import NOW


def test_an_object_is_one_row_and_a_list_has_as_many_as_it_holds() -> None:
    assert read_rows(Post(b'{"id": 1}')).rows == [(1, {"id": 1})]
    assert read_rows(Post(b'\xef\xbb\xbf[{"id": 1}, 7]')).rows == [(1, {"id": 1}), (2, 7)]
    assert read_rows(Post(b"[]")).rows == []


def test_csv_rows_are_numbered_by_their_line() -> None:
    content = read_rows(Post(b'\xef\xbb\xbfid,note\n1,"two\nlines"\n\n2,b\n', is_csv=True))
    assert content.rows == [(3, {"id": "1", "note": "two\nlines"}), (5, {"id": "2", "note": "b"})]
    assert read_rows(Post(b"id,note\n", is_csv=True)).rows == []


def test_csv_rows_that_do_not_fit_the_header_are_rejected_one_by_one() -> None:
    content = read_rows(Post(b"id,note\n1\n2,b\n3,c,d\n4,\xff\n\xff,5\n", is_csv=True))
    assert [row for row, _ in content.rows] == [3]
    assert problems(content.rejected) == {
        2: ("line", "missing_field"),
        4: ("line", "schema"),
        5: ("line", "bad_type"),
        6: ("line", "bad_type"),
    }
    assert [error.record_id for error in content.rejected.values()] == ["1", "3", "4", None]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"{",
        b'[{"id": 1}',
        b'{"id": 1}}',
        b"<html>",
        b"\xff\xfe[\x00]\x00",
        b'{"id": "\xe4"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"nope",
        b"{'id': 1}",
    ],
)
def test_a_body_that_is_not_json_is_rejected(body: bytes) -> None:
    with pytest.raises(PostError) as error_info:
        read_rows(Post(body))
    assert error_info.value.reason is Reason.NOT_JSON


@pytest.mark.parametrize("body", [b"7", b'"text"', b"null", b"true"])
def test_json_without_records_is_rejected(body: bytes) -> None:
    with pytest.raises(PostError, match="neither an object") as error_info:
        read_rows(Post(body))
    assert error_info.value.reason is Reason.SCHEMA


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty"),
        (b"id,id\n1,2\n", "the same header more than once"),
        (b"\xff,\xff\n1,2\n", "^the CSV has the same header more than once$"),
        (b'id\n1\n"never closed', "from line 3 on: is a quote open"),
        (b"id\n" + b"x" * 200_000, "not readable"),
    ],
)
def test_a_body_that_is_not_csv_is_rejected(body: bytes, message: str) -> None:
    with pytest.raises(PostError, match=message):
        read_rows(Post(body, is_csv=True))


def test_a_lone_surrogate_rejects_only_its_record() -> None:
    content = read_rows(Post(rb'[{"id": "\ud800"}, {"id": "\ud83d\ude00"}, {"a": {"b": ["\udc00"]}}, {"\udfff": 1}]'))
    assert content.rows == [(2, {"id": "\U0001f600"})]
    assert problems(content.rejected) == dict.fromkeys((1, 3, 4), ("record", "bad_type"))


def test_headers_may_be_empty_as_spreadsheets_leave_them() -> None:
    assert read_rows(Post(b"id,,\n1,,\n", is_csv=True)).rows == [(2, {"id": "1", "": ""})]


def test_a_deeply_nested_row_rejects_only_its_record() -> None:
    for depth in (900, 1000, 1020):
        deep = b"[" * depth + rb'"\u0041"' + b"]" * depth
        content = read_rows(Post(b'[{"id": 1}, {"id": %s}]' % deep))
        assert content.rows[0] == (1, {"id": 1})
        assert len(content.rows) + len(content.rejected) == 2


def test_numbers_out_of_range_do_not_affect_other_rows() -> None:
    nines = b"9" * 400
    body = b'[{"a": NaN}, {"a": -Infinity}, {"a": 1e999}, {"a": %s}, {"a": %s9}, {"a": 1}]' % (nines, nines)
    content = read_rows(Post(body))
    assert [row for row, _ in content.rows] == [1, 2, 3, 4, 5, 6]


def test_a_post_has_a_maximum_number_of_records() -> None:
    assert len(read_rows(Post(json.dumps([0] * MAX_ROWS).encode())).rows) == MAX_ROWS
    with pytest.raises(PostError, match="several posts") as error_info:
        read_rows(Post(json.dumps([0] * (MAX_ROWS + 1)).encode()))
    assert error_info.value.reason is Reason.TOO_LARGE
    with pytest.raises(PostError):
        read_rows(Post(b"id\n" + b"1,2\n" * (MAX_ROWS + 1), is_csv=True))


@given(
    st.binary(max_size=200) | st.text(alphabet='{}[]",:\\ud8019.eEN-+\n', max_size=80).map(str.encode), st.booleans()
)
def test_any_bytes_become_rows_or_a_post_error(body: bytes, is_csv: bool) -> None:
    reason = None
    try:
        read_rows(Post(body, is_csv))
    except PostError as error:
        reason = error.reason
    assert reason in (None, Reason.NOT_JSON, Reason.SCHEMA)


def test_fields_are_columns_by_name_and_converted_by_kind() -> None:
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
    (record,) = records(single(parsed(row)))
    assert record == Deal(
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


def test_durations_flags_and_people_are_converted() -> None:
    (call,) = records(single(parsed({"id": "c", "talk_seconds": "1:02:03", "wait_seconds": 4.5}, "calls")))
    assert (call, type(call)) == (Call(id="c", talk_seconds=3723.0, wait_seconds=4.5), Call)
    (person,) = records(single(parsed({"id": "p", "email": "ada@example.com", "active": "no"}, "people")))
    assert person == Person(id="p", email="ada@example.com", active=False)


def test_csv_and_json_give_the_same_records() -> None:
    (from_csv,) = records(single(parsed("id,amount,status,branch,deleted\n7,12.5,won,north,\n")))
    (from_json,) = records(single(parsed({"id": 7, "amount": 12.5, "status": "won", "branch": "north"})))
    assert from_csv == from_json == Deal(id="7", amount=Decimal("12.5"), status="won", attributes={"branch": "north"})


def test_fields_without_a_column_become_attributes() -> None:
    row = {"id": 1, "entity": "deals", "region": "north", "vip": True, "none": None, "attributes": {"size": 3}}
    (record,) = records(single(parsed(row)))
    assert record.attributes == {"region": "north", "vip": "true", "size": "3"}


@pytest.mark.parametrize("row", [{"id": 1, "lines": [1]}, {"id": 1, "a": {"b": 1}}, {"id": 1, "attributes": "x"}])
def test_an_attribute_that_is_not_a_plain_value_is_rejected(row: dict[str, object]) -> None:
    assert problems(single(parsed(row)).rejected) == {1: ("attributes", "bad_type")}


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
def test_an_invalid_value_rejects_only_its_record(field: str, value: object, reason: str) -> None:
    content = single(parsed([{"id": 1}, {"id": 2, field: value}, {"id": 3}]))
    assert problems(content.rejected) == {2: (field, reason)}
    assert [row for row, _ in content.records] == [1, 3]
    (error,) = content.rejected.values()
    assert error.record_id == (None if field == "id" else "2")


def test_numbers_outside_of_json_are_rejected() -> None:
    body = b'[{"id": 1, "amount": NaN}, {"id": 2, "amount": 1e999}, {"id": 3, "amount": -Infinity}, {"id": 4}]'
    content = single(inbox().parse(Post(body), NOW))
    assert problems(content.rejected) == {
        1: ("amount", "not_a_number"),
        2: ("amount", "out_of_range"),
        3: ("amount", "out_of_range"),
    }


def test_an_end_before_its_start_is_rejected() -> None:
    row = {"id": 1, "started_at": "2026-02-01T10:00:00Z", "ended_at": "2026-02-01T09:00:00Z"}
    assert problems(single(parsed(row, "calls")).rejected) == {1: ("ended_at", "negative_duration")}


def test_a_deleted_record_needs_only_its_id() -> None:
    rows = [{"id": 1, "deleted": True, "amount": "gone"}, {"deleted": True}, {"id": 2, "deleted": False}]
    content = single(parsed([*rows, {"id": 3, "deleted": "yes", "updated_at": "2026-02-01T00:00:00Z"}]))
    assert records(content) == [
        Deal(id="1", deleted=True),
        Deal(id="2"),
        Deal(id="3", deleted=True, updated_at=datetime(2026, 2, 1, tzinfo=UTC)),
    ]
    assert problems(content.rejected) == {2: ("id", "missing_field")}


MAPPED = {
    "entity": "tickets",
    "columns": {
        "id": "ticket.number",
        "status": {"from": "ticket.state", "map": {"NEW": "open", "DONE": "solved"}},
        "solved_at": {"from": "done", "optional": True},
        "attributes.shop": {"value": "web"},
    },
}


def test_a_payload_is_mapped_by_the_columns_of_the_config() -> None:
    rows = [{"ticket": {"number": 5, "state": "DONE"}, "done": "2026-02-01T10:00:00Z", "more": [1]}, {"ticket": 7}]
    content = single(
        parsed([*rows, {"ticket": {"number": 6, "state": "LOST"}, "id": 9, "entity": "of theirs"}], MAPPED)
    )
    solved = datetime(2026, 2, 1, 10, tzinfo=UTC)
    assert records(content) == [Ticket(id="5", status="solved", solved_at=solved, attributes={"shop": "web"})]
    assert problems(content.rejected) == {2: ("ticket.number", "missing_field"), 3: ("status", "unknown_value")}
    assert [error.record_id for error in content.rejected.values()] == [None, "6"]


def test_the_id_of_an_unreadable_mapped_row_is_unknown() -> None:
    columns = {"id": "Number", "name": "id"}
    shop = inbox({"entity": "deals", "columns": columns})
    content = single(shop.parse(post("Number,id\n1,x\n2\n"), NOW))
    assert records(content) == [Deal(id="1", name="x")]
    assert [(error.field, error.record_id) for error in content.rejected.values()] == [("line", None)]
    assert problems(single(shop.parse(post({"Number": 1, "id": "x", "deleted": "?"}), NOW)).rejected) == {
        1: ("deleted", "unknown_value")
    }
