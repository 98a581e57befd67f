from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import InvalidRecordError
from exporter.records import ENTITIES, Call, Person, Record
from exporter.sources.parsing import columnar, convert

ZURICH = ZoneInfo("Europe/Zurich")
MAPPING = {"Won": "won", "Lost": "lost", "true": "yes"}

WRITTEN_NUMBERS = st.from_regex(r"\A[+-]?[0-9]{1,17}(\.[0-9]{0,8})?([eE][0-9]{1,3})?\Z") | st.sampled_from(
    ["", " 5 ", "12,5", "1\n2", "1_0", "nan", "5.", ".5", "\n"]
)
NUMBERS = WRITTEN_NUMBERS | st.integers() | st.floats() | st.none() | st.booleans() | st.decimals() | st.just(10**16)
PLAIN_NUMBERS = st.integers(0, 10**12) | st.floats(0, 1e6) | st.none()
MOMENTS = st.datetimes(min_value=datetime(1890, 1, 1), max_value=datetime(2210, 1, 1))  # noqa: DTZ001 - texts only
TIMES = (
    MOMENTS.map(datetime.isoformat)
    | MOMENTS.map(lambda at: at.isoformat() + "Z")
    | MOMENTS.map(lambda at: at.isoformat() + "+02:00")
    | st.dates().map(date.isoformat)
    | MOMENTS.map(lambda at: at.strftime("%d.%m.%Y"))
    | MOMENTS.map(lambda at: at.strftime("%m/%d/%Y %H:%M"))
    | st.sampled_from([0, "", None, True, "1970-01-01T00:00:00Z", "0000-00-00", "20260301", "9999-12-31", "soon", 5])
)
EPOCHS = st.integers(0, 10**10) | st.integers(10**11, 10**14) | st.none() | st.floats(1e9, 2e9)
TEXTS = st.text(max_size=6) | st.sampled_from([" a ", "a\x00", "\ud800", "Won", "Lost", "true"]) | st.none()
WORDS = TEXTS | st.booleans() | st.integers() | st.just([1]) | st.just({})

CASES: list[tuple[columnar.ColumnConverter, Callable[[Any], Any], Any]] = [
    (columnar.texts, partial(convert.text, field="x"), TEXTS),
    (columnar.texts, partial(convert.text, field="x"), WORDS),
    (columnar.texts, partial(convert.text, field="x"), st.integers() | st.none()),
    (partial(columnar.choices, mapping=MAPPING), partial(convert.choice, field="x", mapping=MAPPING), WORDS),
    (columnar.numbers, partial(convert.number, field="x"), NUMBERS),
    (columnar.numbers, partial(convert.number, field="x"), WRITTEN_NUMBERS),
    (columnar.numbers, partial(convert.number, field="x"), PLAIN_NUMBERS),
    (columnar.amounts, partial(convert.money, field="x"), NUMBERS),
    (columnar.amounts, partial(convert.money, field="x"), WRITTEN_NUMBERS),
    (columnar.amounts, partial(convert.money, field="x"), st.floats(-1e15, 1e15)),
    (columnar.amounts, partial(convert.money, field="x"), st.integers(-(10**15), 10**15)),
    *(
        (partial(columnar.durations, unit=unit), partial(convert.seconds, field="x", unit=unit), numbers)
        for unit in ("ms", "s", "min", "h")
        for numbers in (NUMBERS, PLAIN_NUMBERS)
    ),
    (columnar.flags, partial(convert.flag, field="x"), st.booleans() | st.none() | st.just("yes")),
    *(
        (partial(columnar.instants, zone=zone), partial(convert.instant, field="x", zone=zone), times)
        for zone in (ZURICH, ZoneInfo("UTC"))
        for times in (
            TIMES,
            EPOCHS,
            st.integers(10**8, 10**10 - 1),
            st.integers(10**11, 10**13 - 1),
            MOMENTS.map(datetime.isoformat),
            MOMENTS.map(lambda at: at.isoformat() + "Z") | st.none(),
        )
    ),
]


@pytest.mark.parametrize("case", range(len(CASES)))
@given(data=st.data())
def test_a_whole_column_is_converted_as_value_by_value(case: int, data: st.DataObject) -> None:
    convert_all, convert_one, values = CASES[case]
    raw_values: list[Any] = data.draw(st.lists(values, max_size=6))
    converted = convert_all(raw_values)
    if converted is not None:
        expected = [convert_one(raw) for raw in raw_values]
        assert converted == expected
        assert list(map(type, converted)) == list(map(type, expected))


@given(st.lists(st.sampled_from(["a", " b ", "", None, "1,5"]), max_size=12))
def test_repeated_texts_are_converted_once(raw_values: Sequence[Any]) -> None:
    calls: list[Any] = []

    def convert_one(raw: Any) -> Any:
        calls.append(raw)
        return convert.text(raw, "x")

    converted = columnar.repeated_texts(raw_values, convert_one)
    assert len(calls) == len(set(calls))
    assert converted is None or converted == [convert.text(raw, "x") for raw in raw_values]


def test_equal_flags_and_numbers_are_not_confused() -> None:
    assert columnar.repeated_texts([1, True, 1, True, 1, True], partial(convert.number, field="x")) is None
    assert columnar.numbers([1, True]) is None
    with pytest.raises(InvalidRecordError):
        columnar.repeated_texts(["x", "x", "x", "x"], partial(convert.number, field="x"))


@pytest.mark.parametrize(
    ("convert_all", "raw_values"),
    [
        (columnar.texts, ["a", "b", None, "c "]),
        (columnar.numbers, [1, 2.5, None]),
        (columnar.numbers, ["1", "2.5", ""]),
        (columnar.amounts, [0.5, 17.25]),
        (columnar.amounts, ["0.5", "-17.25", None]),
        (partial(columnar.instants, zone=ZURICH), ["2026-03-02T09:00:00Z", None, "2026-03-02T09:00:00.5Z"]),
        (partial(columnar.instants, zone=ZURICH), ["2026-03-02", "2026-03-03"]),
        (partial(columnar.instants, zone=ZURICH), [1772442000, None]),
        (partial(columnar.choices, mapping=MAPPING), ["Won", None, "", "Lost"]),
        (partial(columnar.durations, unit="ms"), [1500, 0, None]),
        (columnar.flags, [True, None, False]),
    ],
)
def test_plain_values_are_converted_as_a_whole_column(
    convert_all: columnar.ColumnConverter, raw_values: Sequence[Any]
) -> None:
    assert convert_all(raw_values) is not None


@pytest.mark.parametrize("entity", ENTITIES)
def test_records_from_columns_equal_those_of_the_constructor(entity: str) -> None:
    record_class: type[Record] = ENTITIES[entity]
    created = columnar.records(record_class, 2, {"id": ["a", "b"], "deleted": [False, True]})
    assert created == (record_class(id="a"), record_class(id="b", deleted=True))
    assert all(
        getattr(created[0], field.name) == getattr(record_class(id="a"), field.name) for field in fields(record_class)
    )
    assert created[0].attributes is not created[1].attributes


def test_all_columns_are_set() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    columns = {
        "id": ["a"],
        "started_at": [at],
        "talk_seconds": [5.0],
        "attributes": [{"topic": "x"}],
        "resolved": [True],
    }
    expected = Call(id="a", started_at=at, talk_seconds=5.0, attributes={"topic": "x"}, resolved=True)
    assert columnar.records(Call, 1, columns) == (expected,)
    assert columnar.records(Person, 0, {}) == ()


def test_amounts_are_exact() -> None:
    assert columnar.amounts([0.1, 0.2]) == [Decimal("0.1"), Decimal("0.2")]
