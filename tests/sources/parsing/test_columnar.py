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
MEANINGS = {"Won": "won", "Lost": "lost", "true": "yes"}
FORMATS = ("%d.%m.%Y", "%m/%d/%Y %H:%M")

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

CASES: list[tuple[columnar.Bulk, Callable[[Any], Any], Any]] = [
    (columnar.texts, partial(convert.text, field="x"), TEXTS),
    (columnar.texts, partial(convert.text, field="x"), WORDS),
    (columnar.texts, partial(convert.text, field="x"), st.integers() | st.none()),
    (partial(columnar.choices, meanings=MEANINGS), partial(convert.choice, field="x", mapping=MEANINGS), WORDS),
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
    (
        partial(columnar.formatted, zone=ZURICH, formats=FORMATS),
        partial(convert.instant, field="x", zone=ZURICH, formats=FORMATS),
        TIMES,
    ),
    (
        partial(columnar.formatted, zone=ZURICH, formats=FORMATS),
        partial(convert.instant, field="x", zone=ZURICH, formats=FORMATS),
        MOMENTS.map(lambda at: at.strftime("%d.%m.%Y")) | st.just("") | st.none(),
    ),
    (
        partial(columnar.formatted, zone=ZURICH, formats=("%d.%m.%Y", "epoch")),
        partial(convert.instant, field="x", zone=ZURICH, formats=("%d.%m.%Y", "epoch")),
        TIMES,
    ),
]


@pytest.mark.parametrize("case", range(len(CASES)))
@given(data=st.data())
def test_where_the_quick_way_answers_it_answers_as_the_careful_one(case: int, data: st.DataObject) -> None:
    at_once, one, values = CASES[case]
    raws: list[Any] = data.draw(st.lists(values, max_size=6))
    found = at_once(raws)
    if found is not None:
        expected = [one(raw) for raw in raws]
        assert found == expected
        assert list(map(type, found)) == list(map(type, expected))


@given(st.lists(st.sampled_from(["a", " b ", "", None, "1,5"]), max_size=12))
def test_texts_that_repeat_are_converted_once(raws: Sequence[Any]) -> None:
    seen: list[Any] = []

    def one(raw: Any) -> Any:
        seen.append(raw)
        return convert.text(raw, "x")

    found = columnar.few(raws, one)
    assert len(seen) == len(set(seen))
    assert found is None or found == [convert.text(raw, "x") for raw in raws]


def test_flags_and_numbers_that_are_equal_are_never_taken_for_each_other() -> None:
    assert columnar.few([1, True, 1, True, 1, True], partial(convert.number, field="x")) is None
    assert columnar.numbers([1, True]) is None
    with pytest.raises(InvalidRecordError):
        columnar.few(["x", "x", "x", "x"], partial(convert.number, field="x"))


@pytest.mark.parametrize(
    ("at_once", "raws"),
    [
        (columnar.texts, ["a", "b", None, "c "]),
        (columnar.numbers, [1, 2.5, None]),
        (columnar.numbers, ["1", "2.5", ""]),
        (columnar.amounts, [0.5, 17.25]),
        (columnar.amounts, ["0.5", "-17.25", None]),
        (partial(columnar.instants, zone=ZURICH), ["2026-03-02T09:00:00Z", None, "2026-03-02T09:00:00.5Z"]),
        (partial(columnar.instants, zone=ZURICH), ["2026-03-02", "2026-03-03"]),
        (partial(columnar.instants, zone=ZURICH), [1772442000, None]),
        (partial(columnar.formatted, zone=ZURICH, formats=FORMATS), ["02.03.2026", "3/2/2026 10:00", None]),
        (partial(columnar.choices, meanings=MEANINGS), ["Won", None, "", "Lost"]),
        (partial(columnar.durations, unit="ms"), [1500, 0, None]),
        (columnar.flags, [True, None, False]),
    ],
)
def test_what_real_data_looks_like_takes_the_quick_way(at_once: columnar.Bulk, raws: Sequence[Any]) -> None:
    assert at_once(raws) is not None


@pytest.mark.parametrize("entity", ENTITIES)
def test_records_out_of_columns_are_those_of_the_constructor(entity: str) -> None:
    kind: type[Record] = ENTITIES[entity]
    made = columnar.records(kind, 2, {"id": ["a", "b"], "deleted": [False, True]})
    assert made == (kind(id="a"), kind(id="b", deleted=True))
    assert all(getattr(made[0], field.name) == getattr(kind(id="a"), field.name) for field in fields(kind))
    assert made[0].attributes is not made[1].attributes


def test_all_given_columns_are_filled() -> None:
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
