from __future__ import annotations

from typing import Any

import pytest

from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.records import Deal, Record
from exporter.sources.parsing import convert
from exporter.sources.parsing.rows import Drift, Taken, sift, take
from tests.sources.source_context import NOW, ZURICH


def deal(row: Any) -> Record | None:
    if row.get("test"):
        return None
    return Deal(
        id=convert.text(row["id"], "id") or "",
        amount=convert.money(row["amount"], "amount"),
        created_at=convert.instant(row.get("created"), "created_at", ZURICH),
    )


def good(count: int) -> list[Any]:
    return [{"id": place, "amount": 1} for place in range(count)]


@pytest.mark.parametrize(
    ("row", "reason", "field", "record_id"),
    [
        ({"id": "x", "amount": "12,5"}, Reason.NOT_A_NUMBER, "amount", "x"),
        ({"id": 7, "amount": 1, "created": "2099-01-01"}, Reason.FUTURE_TIMESTAMP, "created_at", "7"),
        ({"id": "x"}, Reason.MISSING_FIELD, "record", "x"),
        ({"amount": 1}, Reason.MISSING_FIELD, "record", None),
        ({"id": True, "amount": "y"}, Reason.NOT_A_NUMBER, "amount", None),
        (None, Reason.BAD_TYPE, "record", None),
        ("text", Reason.BAD_TYPE, "record", None),
        ([1], Reason.BAD_TYPE, "record", None),
    ],
)
def test_one_poison_row_in_five_hundred_costs_one_record(
    row: Any, reason: Reason, field: str, record_id: str | None
) -> None:
    taken = take([*good(249), row, *good(250)], deal, NOW)
    assert len(taken.records) == 499
    (error,) = taken.rejected
    assert (error.reason, error.field, error.where, error.record_id) == (reason, field, "row 250", record_id)


def test_rows_may_be_skipped() -> None:
    assert take([{"test": True}, *good(1)], deal, NOW) == Taken((Deal(id="0", amount=convert.money(1, "a")),))


def test_the_caller_names_the_rows() -> None:
    (error,) = sift([{}], deal, NOW, lambda place: f"line {place + 1}").rejected
    assert error.where == "line 2"


@pytest.mark.parametrize(("rows", "bad"), [(2, 1), (100, 5), (1000, 50), (1, 1)])
def test_up_to_five_percent_and_a_single_row_are_mistakes(rows: int, bad: int) -> None:
    assert len(take([*good(rows - bad), *[{}] * bad], deal, NOW).rejected) == bad


@pytest.mark.parametrize(("rows", "bad"), [(2, 2), (100, 6), (1000, 51), (500, 250)])
def test_more_is_a_changed_format_and_stops_the_pass(rows: int, bad: int) -> None:
    with pytest.raises(SourceRejectedError, match=f"{bad} of {rows} rows .* record: missing_field") as caught:
        take([*good(rows - bad), *[{}] * bad], deal, NOW)
    assert caught.value.reason is Reason.TOO_MANY_REJECTED


def test_drift_is_counted_over_all_pages() -> None:
    drift = Drift()
    bad = InvalidRecordError(Reason.BAD_TYPE, "amount")
    for _ in range(10):
        drift.add(Taken((Deal(id="1"),) * 95, (bad,) * 5))
    drift.refuse()
    drift.add(Taken((), (bad,)))
    with pytest.raises(SourceRejectedError):
        drift.refuse()


def test_a_million_rows_that_are_none_stop_before_they_fill_the_memory() -> None:
    seen = 0

    def count(row: Any) -> Record:
        nonlocal seen
        seen += 1
        raise InvalidRecordError(Reason.BAD_TYPE, "row")

    with pytest.raises(SourceRejectedError) as caught:
        take(range(1_000_000), count, NOW)
    assert caught.value.reason is Reason.TOO_MANY_REJECTED
    assert seen == 10_001
