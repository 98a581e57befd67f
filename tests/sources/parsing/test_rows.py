from __future__ import annotations

from typing import Any

import pytest

from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.records import Deal, Record
from exporter.sources.parsing import convert
from exporter.sources.parsing.rows import ParsedRows, parse_rows


def deal(row: Any) -> Record | None:
    if row.get("test"):
        return None
    return Deal(
        id=convert.text(row["id"], "id") or "",
        amount=convert.money(row["amount"], "amount"),
    )


def good(count: int) -> list[Any]:
    return [{"id": number, "amount": 1} for number in range(count)]


@pytest.mark.parametrize(
    ("row", "reason", "field", "record_id"),
    [
        ({"id": "x", "amount": "12,5"}, Reason.NOT_A_NUMBER, "amount", "x"),
        ({"id": "x"}, Reason.MISSING_FIELD, "record", "x"),
        ({"amount": 1}, Reason.MISSING_FIELD, "record", None),
        ({"id": True, "amount": "y"}, Reason.NOT_A_NUMBER, "amount", None),
        (None, Reason.BAD_TYPE, "record", None),
        ("text", Reason.BAD_TYPE, "record", None),
        ([1], Reason.BAD_TYPE, "record", None),
    ],
)
def test_an_invalid_row_is_rejected_and_the_others_are_kept(
    row: Any, reason: Reason, field: str, record_id: str | None
) -> None:
    parsed = parse_rows([*good(249), row, *good(250)], deal)
    assert len(parsed.records) == 499
    (error,) = parsed.rejected
    assert (error.reason, error.field, error.where, error.record_id) == (reason, field, "row 250", record_id)


def test_rows_may_be_skipped() -> None:
    assert parse_rows([{"test": True}, *good(1)], deal) == ParsedRows((Deal(id="0", amount=convert.money(1, "a")),))


def test_the_caller_labels_the_rows() -> None:
    (error,) = parse_rows([{}], deal, lambda number: f"line {number + 1}").rejected
    assert error.where == "line 2"


def test_rejections_of_one_page_are_limited() -> None:
    count = 0

    def reject(row: Any) -> Record:
        nonlocal count
        count += 1
        raise InvalidRecordError(Reason.BAD_TYPE, "row")

    with pytest.raises(SourceRejectedError) as caught:
        parse_rows(range(1_000_000), reject)
    assert caught.value.reason is Reason.TOO_MANY_REJECTED
    assert count == 10_001
