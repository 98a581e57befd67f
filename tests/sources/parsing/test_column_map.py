from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from exporter.config.sources.base import ColumnMap
from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.records import Call, Deal
from exporter.sources.parsing.column_map import RecordMap
from exporter.sources.parsing.json_path import getter
from exporter.sources.parsing.rows import ParsedRows
from tests.sources.source_context import ZURICH


def mapped(entity: str, columns: dict[str, Any]) -> RecordMap:
    return RecordMap(entity, TypeAdapter(ColumnMap).validate_python(columns), ZURICH, getter)


def parsed(entity: str, columns: dict[str, Any], *rows: Any) -> ParsedRows:
    return mapped(entity, columns).parse(rows, "row {}".format)


def faults(result: ParsedRows) -> list[tuple[Reason, str, str, str | None]]:
    return [(error.reason, error.field, error.where, error.record_id) for error in result.rejected]


CALLS = {
    "id": "ID",
    "updated_at": "changed",
    "agent": "user.name",
    "started_at": {"from": ["date", "time"], "format": "%d.%m.%Y %H:%M"},
    "status": {"from": "answered", "map": {"Y": "answered", "N": "missed"}},
    "direction": {"value": "inbound"},
    "talk_seconds": {"from": "talk", "unit": "ms"},
    "resolved": {"from": "resolved", "map": {"1": True, "0": False}},
    "satisfaction": "rating",
    "attributes.topic": "topic",
    "attributes.Sub Topic": "sub",
}


def test_each_column_is_converted_by_its_kind() -> None:
    row = {
        "ID": 7,
        "changed": 1772442000,
        "user": {"name": " Zoë "},
        "date": "01.03.2026",
        "time": "09:30",
        "answered": "Y",
        "talk": 1500,
        "resolved": 1,
        "rating": "4",
        "topic": "Billing",
        "sub": None,
    }
    expected = Call(
        id="7",
        updated_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
        agent="Zoë",
        started_at=datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
        status="answered",
        direction="inbound",
        talk_seconds=1.5,
        resolved=True,
        satisfaction=4.0,
        attributes={"topic": "Billing"},
    )
    assert parsed("calls", CALLS, row) == ParsedRows((expected,))
    assert mapped("calls", CALLS).record(row) == expected


DEALS = {"id": "id", "amount": "amount", "status": {"from": "stage", "map": {"W": "won", "L": "lost"}}}


def deal(**fields: Any) -> dict[str, Any]:
    return {"id": "a", "amount": 1, "stage": "W", **fields}


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (deal(stage="X"), (Reason.UNKNOWN_VALUE, "status", "row 2", "a")),
        (deal(amount="12,5"), (Reason.NOT_A_NUMBER, "amount", "row 2", "a")),
        (deal(amount=True), (Reason.NOT_A_NUMBER, "amount", "row 2", "a")),
        (deal(amount={"value": 1}), (Reason.NOT_A_NUMBER, "amount", "row 2", "a")),
        (deal(id=None), (Reason.MISSING_FIELD, "id", "row 2", None)),
        (deal(id=" "), (Reason.MISSING_FIELD, "id", "row 2", None)),
        (deal(id=[1]), (Reason.BAD_TYPE, "id", "row 2", None)),
        ({"id": "a", "stage": "W"}, (Reason.MISSING_FIELD, "amount", "row 2", "a")),
        (None, (Reason.BAD_TYPE, "id", "row 2", None)),
        ("row", (Reason.BAD_TYPE, "id", "row 2", None)),
    ],
)
def test_an_invalid_row_is_rejected_alone(row: Any, fault: tuple[Reason, str, str, str | None]) -> None:
    result = parsed("deals", DEALS, deal(id="x"), row, deal(id="y"))
    assert [record.id for record in result.records] == ["x", "y"]
    assert faults(result) == [fault]


def test_a_row_with_two_faults_is_counted_once() -> None:
    assert len(parsed("deals", DEALS, deal(amount="x", stage="y")).rejected) == 1


def test_an_optional_field_may_be_left_out_and_a_required_one_may_not_be_empty() -> None:
    columns = {"id": "id", "name": {"from": "name", "optional": True}, "owner": {"from": "owner", "required": True}}
    result = parsed("deals", columns, {"id": "1", "owner": "x"}, {"id": "2", "name": "n", "owner": ""})
    assert result.records == (Deal(id="1", owner="x"),)
    assert faults(result) == [(Reason.MISSING_FIELD, "owner", "row 2", "2")]


def test_a_column_with_choices_takes_only_those() -> None:
    result = parsed("deals", {"id": "id", "status": "s"}, {"id": "1", "s": "won"}, {"id": "2", "s": "Won"})
    assert [record.id for record in result.records] == ["1"]
    assert faults(result) == [(Reason.UNKNOWN_VALUE, "status", "row 2", "2")]


@pytest.mark.parametrize(
    ("currency", "amount"),
    [("EUR", Decimal("10.5")), ("jpy", Decimal(1050)), ("KWD", Decimal("1.05")), (None, Decimal("10.5"))],
)
def test_minor_units_depend_on_the_rows_own_currency(currency: str | None, amount: Decimal) -> None:
    columns = {"id": "id", "amount": {"from": "amount", "unit": "minor"}, "currency": "currency"}
    result = parsed("deals", columns, {"id": "1", "amount": 1050, "currency": currency})
    assert result.records == (Deal(id="1", amount=amount, currency=currency.upper() if currency else None),)


def test_minor_units_without_a_currency_column_are_hundredths() -> None:
    columns = {"id": "id", "amount": {"from": "amount", "unit": "minor"}}
    result = parsed("deals", columns, {"id": "1", "amount": "9007199254740993"}, {"id": "2", "amount": "x"})
    assert result.records == (Deal(id="1", amount=Decimal("90071992547409.93")),)
    assert faults(result) == [(Reason.NOT_A_NUMBER, "amount", "row 2", "2")]


def test_several_fields_are_joined_without_the_empty_ones() -> None:
    columns = {"id": "id", "name": {"from": ["first", "middle", "last"]}}
    rows = [
        {"id": 1, "first": "Ada", "middle": None, "last": "Byron"},
        {"id": 2, "first": None, "middle": "", "last": None},
        {"id": 3, "first": 7, "middle": "", "last": "x"},
    ]
    assert [record.name for record in parsed("people", columns, *rows).records] == ["Ada Byron", None, "7 x"]  # type: ignore[attr-defined]


def test_a_tombstone_needs_only_an_id() -> None:
    record_map = mapped("deals", {**DEALS, "updated_at": "changed"})
    assert record_map.tombstone({"id": 5}) == Deal(id="5", deleted=True)
    changed = record_map.tombstone({"id": 5, "changed": "2026-03-01T10:00:00Z"})
    assert changed.updated_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert mapped("deals", DEALS).tombstone({"id": 5}) == Deal(id="5", deleted=True)
    with pytest.raises(InvalidRecordError):
        record_map.tombstone({"changed": 1})


def test_one_row_alone_raises_its_fault() -> None:
    with pytest.raises(InvalidRecordError, match="unknown_value"):
        mapped("deals", DEALS).record(deal(stage="X"))


@pytest.mark.parametrize(
    "column",
    [{"amount": {"value": "much"}}, {"status": {"from": "s", "map": {"W": "Won"}}}, {"created_at": {"value": "soon"}}],
)
def test_a_constant_that_does_not_fit_its_column_is_rejected_when_the_source_is_built(column: dict[str, Any]) -> None:
    with pytest.raises(SourceRejectedError, match=f"columns.{next(iter(column))}"):
        mapped("deals", {"id": "id", **column})


def test_no_rows_are_no_records() -> None:
    assert parsed("deals", DEALS) == ParsedRows(())
