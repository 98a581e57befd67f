from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import InvalidRecordError, Reason
from exporter.sources.parsing import convert


def reason(function: Callable[..., Any], value: Any, *options: Any) -> Reason:
    with pytest.raises(InvalidRecordError) as caught:
        function(value, "amount", *options)
    assert caught.value.field == "amount"
    if isinstance(value, str) and len(value) > 3:
        assert value not in str(caught.value)
    return caught.value.reason


NOT_NUMBERS: list[tuple[Any, Reason]] = [
    ("12,5", Reason.NOT_A_NUMBER), ("1_000", Reason.NOT_A_NUMBER), ("abc", Reason.NOT_A_NUMBER),
    ("0x10", Reason.NOT_A_NUMBER), ("nan", Reason.NOT_A_NUMBER), ("Infinity", Reason.NOT_A_NUMBER),
    ("٣", Reason.NOT_A_NUMBER), ("1 000", Reason.NOT_A_NUMBER), ("1.2.3", Reason.NOT_A_NUMBER),
    ("+", Reason.NOT_A_NUMBER), (True, Reason.NOT_A_NUMBER), (False, Reason.NOT_A_NUMBER), ([], Reason.NOT_A_NUMBER),
    ({"v": 1}, Reason.NOT_A_NUMBER), (math.nan, Reason.NOT_A_NUMBER), (Decimal("NaN"), Reason.NOT_A_NUMBER),
    (math.inf, Reason.OUT_OF_RANGE), (-math.inf, Reason.OUT_OF_RANGE), ("1e999", Reason.OUT_OF_RANGE),
    ("-1e999", Reason.OUT_OF_RANGE), (10**15 + 1, Reason.OUT_OF_RANGE), (int("9" * 400), Reason.OUT_OF_RANGE),
    ("9" * 400, Reason.OUT_OF_RANGE), ("9" * 5000, Reason.OUT_OF_RANGE), (1e16, Reason.OUT_OF_RANGE),
    ("1e9999999999999999999", Reason.OUT_OF_RANGE), (Decimal("Infinity"), Reason.OUT_OF_RANGE),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), NOT_NUMBERS)
@pytest.mark.parametrize("function", [convert.number, convert.money, convert.seconds])
def test_a_value_that_is_not_a_number_is_rejected_with_a_reason(
    function: Callable[..., Any], value: Any, expected: Reason
) -> None:
    assert reason(function, value) is expected


@pytest.mark.parametrize("empty", [None, "", "   "])
@pytest.mark.parametrize(
    "function", [convert.number, convert.money, convert.seconds, convert.text, convert.flag, convert.currency]
)
def test_empty_is_none_everywhere(function: Callable[..., Any], empty: Any) -> None:
    if function is not convert.currency or empty != "   ":
        assert function(empty, "amount") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5.0), (-2.5, -2.5), ("12.5", 12.5), (" +1e3 ", 1000.0), (".5", 0.5), ("5.", 5.0), (Decimal("0.1"), 0.1),
        (10**15, 1e15), ("-1000000000000000", -1e15), ("-0", 0.0),
    ],
)  # fmt: skip
def test_numbers(value: Any, expected: float) -> None:
    assert convert.number(value, "amount") == expected


@pytest.mark.parametrize(
    ("value", "minor", "expected"),
    [
        (0.1, 0, "0.1"), ("0.1", 0, "0.1"), (0.1 + 0.2, 0, "0.3"), (9007199254740993, 2, "90071992547409.93"),
        ("90071992547409.93", 0, "90071992547409.93"), (10**15, 0, "1E15"), (-(10**15), 0, "-1E15"), (1050, 2, "10.5"),
        ("1050", 3, "1.05"), (1050, 0, "1050"), ("1.2345678", 0, "1.234568"), ("1e3", 0, "1000"), ("1E-30", 0, "0"),
        (Decimal("12345678901234.56"), 0, "12345678901234.56"), (100000000000000001, 3, "100000000000000.001"),
        ("0.0000005", 0, "0"), ("0.0000015", 0, "0.000002"),
    ],
)  # fmt: skip
def test_money_is_exact(value: Any, minor: int, expected: str) -> None:
    result = convert.money(value, "amount", minor)
    assert result == Decimal(expected)
    exponent = result.as_tuple().exponent  # type: ignore[union-attr]
    assert isinstance(exponent, int)
    assert -6 <= exponent <= 0


def test_ten_times_ten_cents_is_one() -> None:
    assert sum(convert.money(0.1, "amount") or 0 for _ in range(10)) == 1


@given(st.integers(-(10**17), 10**17))
def test_cents_are_converted_exactly(cents: int) -> None:
    assert convert.money(cents, "amount", 2) * 100 == cents  # type: ignore[operator]
    assert convert.money(f"{cents // 100}.{cents % 100:02}" if cents >= 0 else "0", "amount") is not None


@pytest.mark.parametrize(("code", "digits"), [("JPY", 0), ("KWD", 3), ("CHF", 2), ("EUR", 2), (None, 2), ("XXX", 2)])
def test_not_every_currency_has_hundredths(code: str | None, digits: int) -> None:
    assert convert.minor_digits(code) == digits


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (1500, "ms", 1.5), ("90", "s", 90.0), (1.5, "min", 90.0), (2, "h", 7200.0), ("0:02:23", "s", 143.0),
        ("12:00:00", "s", 43200.0), (0, "s", 0.0),
    ],
)  # fmt: skip
def test_durations_are_seconds(value: Any, unit: str, expected: float) -> None:
    assert convert.seconds(value, "amount", unit) == expected


@pytest.mark.parametrize("value", [-1, "-0.5", -1e-9])
def test_no_duration_is_negative(value: Any) -> None:
    assert reason(convert.seconds, value) is Reason.NEGATIVE_DURATION


@pytest.mark.parametrize("value", ["2:23", "1:60:00", "1:00:60", "-1:00:00"])
def test_an_ambiguous_clock_is_not_a_duration(value: str) -> None:
    assert reason(convert.seconds, value) is Reason.NOT_A_NUMBER


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("  Zoë ", "Zoë"), (7, "7"), (7.0, "7"), (7.5, "7.5"), (True, "true"), (False, "false"),
        (Decimal("1.50"), "1.50"), ("a\x00b", "a\ufffdb"), ("a\ud800b", "a\ufffdb"), ("\ud83d\ude00", "😀"),
        ("\u202eevil", "\u202eevil"), ('"} or vector(1) #', '"} or vector(1) #'), ("a\nb", "a\nb"),
        ("x" * 10_000, "x" * 10_000),
        ("x" * 100_000, "x" * 65536), (2**70, str(2**70)),
    ],
)  # fmt: skip
def test_text_is_unchanged_except_for_characters_no_database_stores(value: Any, expected: str) -> None:
    result = convert.text(value, "name")
    assert result == expected
    result.encode()  # type: ignore[union-attr]


@pytest.mark.parametrize("value", [[], {}, ["a"], object()])
def test_objects_are_not_text(value: Any) -> None:
    assert reason(convert.text, value) is Reason.BAD_TYPE


@given(st.text(st.characters(codec=None), max_size=50))
def test_any_text_can_be_stored(value: str) -> None:
    result = convert.text(value, "name")
    assert result is None or (result.encode().decode() == result and "\x00" not in result)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True), (False, False), ("Yes", True), ("n", False), ("TRUE", True), ("0", False), (1, True), (0, False),
        (1.0, True), (" y ", True),
    ],
)  # fmt: skip
def test_flags(value: Any, expected: bool) -> None:
    assert convert.flag(value, "resolved") is expected


@pytest.mark.parametrize("value", ["maybe", 2, "on"])
def test_other_words_are_not_flags(value: Any) -> None:
    assert reason(convert.flag, value) is Reason.UNKNOWN_VALUE


@pytest.mark.parametrize(("value", "expected"), [("eur", "EUR"), (" Chf ", "CHF"), ("ZZZ", "ZZZ")])
def test_a_currency_is_three_letters_known_or_not(value: str, expected: str) -> None:
    assert convert.currency(value, "currency") == expected


@pytest.mark.parametrize("value", ["EURO", "€", "E1R", 978, ["EUR"], "   ", "ÄÖÜ"])
def test_anything_else_is_not_a_currency(value: Any) -> None:
    assert reason(convert.currency, value) is Reason.UNKNOWN_CURRENCY


MAPPING = {"Won": "won", "true": "yes", "1": "one"}


@pytest.mark.parametrize(
    ("value", "expected"), [("Won", "won"), (" Won ", "won"), (True, "yes"), (1, "one"), ("", None)]
)
def test_a_choice_is_looked_up_by_its_text(value: Any, expected: str | None) -> None:
    assert convert.choice(value, "status", MAPPING) == expected


@pytest.mark.parametrize("value", ["won", "Lost", 2, False])
def test_a_value_outside_the_mapping_is_unknown(value: Any) -> None:
    assert reason(convert.choice, value, MAPPING) is Reason.UNKNOWN_VALUE


ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.decimals()
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(max_size=2), st.integers(), max_size=2)
    | st.from_regex(r"\A[+-]?[0-9.]{1,12}([eE][+-]?[0-9]{1,4})?\Z")
)


@pytest.mark.parametrize(
    "function", [convert.number, convert.money, convert.seconds, convert.text, convert.flag, convert.currency]
)
@given(value=ANYTHING)
def test_any_input_is_a_value_or_a_rejection(function: Callable[..., Any], value: Any) -> None:
    try:
        result = function(value, "amount")
    except InvalidRecordError:
        return
    if isinstance(result, float | Decimal):
        assert abs(result) <= 10**15


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (9007199254740993, "9007199254740993"), (int("9" * 22), "9" * 22), (1e21, "1" + "0" * 21), (-0.0, "0"),
        (1e23, "1" + "0" * 23), (Decimal("12345678901234567890.5"), "12345678901234567890.5"), (1.5e-7, "0.00000015"),
        (Decimal("1E+22"), "1" + "0" * 22), (Decimal("0E-12"), "0.000000000000"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("function", [convert.text, convert.identifier])
def test_a_number_as_text_has_all_its_digits(function: Callable[..., Any], value: Any, expected: str) -> None:
    assert function(value, "id") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, Reason.NOT_A_NUMBER), (Decimal("sNaN"), Reason.NOT_A_NUMBER), (math.inf, Reason.OUT_OF_RANGE),
        (-math.inf, Reason.OUT_OF_RANGE), (Decimal("-Infinity"), Reason.OUT_OF_RANGE),
        (Decimal("1E-99999999"), Reason.OUT_OF_RANGE), (Decimal("1E+99999999"), Reason.OUT_OF_RANGE),
    ],
)  # fmt: skip
@pytest.mark.parametrize("function", [convert.text, convert.identifier])
def test_what_is_no_number_has_no_text(function: Callable[..., Any], value: Any, expected: Reason) -> None:
    assert reason(function, value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, Reason.BAD_TYPE), (False, Reason.BAD_TYPE), ({}, Reason.BAD_TYPE), ("a\x00b", Reason.BAD_TYPE),
        ("a\ud800b", Reason.BAD_TYPE), ("x" * 65537, Reason.OUT_OF_RANGE),
    ],
)  # fmt: skip
def test_what_cannot_be_stored_as_it_is_is_no_id(value: Any, expected: Reason) -> None:
    assert reason(convert.identifier, value) is expected


@given(st.text(st.characters(codec=None), max_size=50), st.text(st.characters(codec=None), max_size=50))
def test_two_texts_are_the_same_id_only_if_they_are_the_same_text(first: str, second: str) -> None:
    def identified(value: str) -> str | None:
        try:
            return convert.identifier(value)
        except InvalidRecordError:
            return None

    assert identified(first) in (None, first.strip())
    if identified(first) is not None and first.strip() != second.strip():
        assert identified(first) != identified(second)
