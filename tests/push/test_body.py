"""Bodies that are posted: rows with their numbers, and bodies that are none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import PostError, Reason
from exporter.push.body import MOST_ROWS, Post, rows_of
from tests.push.posts import told


def test_an_object_is_one_row_and_a_list_has_as_many_as_it_holds() -> None:
    assert rows_of(Post(b'{"id": 1}')).rows == [(1, {"id": 1})]
    assert rows_of(Post(b'\xef\xbb\xbf[{"id": 1}, 7]')).rows == [(1, {"id": 1}), (2, 7)]
    assert rows_of(Post(b"[]")).rows == []


def test_csv_rows_are_numbered_by_their_line() -> None:
    found = rows_of(Post(b'\xef\xbb\xbfid,note\n1,"two\nlines"\n\n2,b\n', is_csv=True))
    assert found.rows == [(3, {"id": "1", "note": "two\nlines"}), (5, {"id": "2", "note": "b"})]
    assert rows_of(Post(b"id,note\n", is_csv=True)).rows == []


def test_csv_rows_that_do_not_fit_the_header_are_refused_one_by_one() -> None:
    found = rows_of(Post(b"id,note\n1\n2,b\n3,c,d\n4,\xff\n\xff,5\n", is_csv=True))
    assert [row for row, _ in found.rows] == [3]
    assert told(found.refused) == {
        2: ("line", "missing_field"),
        4: ("line", "schema"),
        5: ("line", "bad_type"),
        6: ("line", "bad_type"),
    }
    assert [error.record_id for error in found.refused.values()] == ["1", "3", "4", None]


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
def test_what_is_no_json_is_refused_whole(body: bytes) -> None:
    with pytest.raises(PostError) as refused:
        rows_of(Post(body))
    assert refused.value.reason is Reason.NOT_JSON


@pytest.mark.parametrize("body", [b"7", b'"text"', b"null", b"true"])
def test_json_that_holds_no_records_is_refused_whole(body: bytes) -> None:
    with pytest.raises(PostError, match="neither an object") as refused:
        rows_of(Post(body))
    assert refused.value.reason is Reason.SCHEMA


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"id,id\n1,2\n", "a header more than once"),
        (b"\xff,\xff\n1,2\n", "^the CSV has a header more than once$"),
        (b'id\n1\n"never closed', "from line 3 on: is a quote open"),
        (b"id\n" + b"x" * 200_000, "not readable"),
    ],
)
def test_what_is_no_csv_is_refused_whole(body: bytes, said: str) -> None:
    with pytest.raises(PostError, match=said):
        rows_of(Post(body, is_csv=True))


def test_half_a_surrogate_pair_refuses_its_record_and_no_other() -> None:
    found = rows_of(Post(rb'[{"id": "\ud800"}, {"id": "\ud83d\ude00"}, {"a": {"b": ["\udc00"]}}, {"\udfff": 1}]'))
    assert found.rows == [(2, {"id": "\U0001f600"})]
    assert told(found.refused) == dict.fromkeys((1, 3, 4), ("record", "bad_type"))


def test_headers_may_be_empty_as_spreadsheets_leave_them() -> None:
    assert rows_of(Post(b"id,,\n1,,\n", is_csv=True)).rows == [(2, {"id": "1", "": ""})]


def test_what_is_nested_as_deep_as_can_be_is_refused_alone() -> None:
    for depth in (900, 1000, 1020):
        deep = b"[" * depth + rb'"\u0041"' + b"]" * depth
        found = rows_of(Post(b'[{"id": 1}, {"id": %s}]' % deep))
        assert found.rows[0] == (1, {"id": 1})
        assert len(found.rows) + len(found.refused) == 2


def test_numbers_that_no_number_can_hold_leave_the_other_records_alone() -> None:
    nines = b"9" * 400
    body = b'[{"a": NaN}, {"a": -Infinity}, {"a": 1e999}, {"a": %s}, {"a": %s9}, {"a": 1}]' % (nines, nines)
    found = rows_of(Post(body))
    assert [row for row, _ in found.rows] == [1, 2, 3, 4, 5, 6]


def test_a_post_holds_so_many_records_at_most() -> None:
    assert len(rows_of(Post(json.dumps([0] * MOST_ROWS).encode())).rows) == MOST_ROWS
    with pytest.raises(PostError, match="several posts") as refused:
        rows_of(Post(json.dumps([0] * (MOST_ROWS + 1)).encode()))
    assert refused.value.reason is Reason.TOO_LARGE
    with pytest.raises(PostError):
        rows_of(Post(b"id\n" + b"1,2\n" * (MOST_ROWS + 1), is_csv=True))


@given(
    st.binary(max_size=200) | st.text(alphabet='{}[]",:\\ud8019.eEN-+\n', max_size=80).map(str.encode), st.booleans()
)
def test_any_bytes_are_rows_or_an_error_for_the_sender(body: bytes, is_csv: bool) -> None:
    reason = None
    try:
        rows_of(Post(body, is_csv))
    except PostError as error:
        reason = error.reason
    assert reason in (None, Reason.NOT_JSON, Reason.SCHEMA)
