"""Label values and numbers, whatever the records contain."""

from __future__ import annotations

import gzip
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.utils import floatToGoString

from exporter.exposition.text_format import MAX_LABEL_LENGTH, Formats, escaped, escaped_help, label_value, numbers


@pytest.mark.parametrize(
    ("given_value", "text"),
    [
        ("Ada", "Ada"),
        ("Björn Ståhl", "Björn Ståhl"),
        ("line\nfeed\rtab\tnul\0", "line\ufffdfeed\ufffdtab\ufffdnul\ufffd"),
        ("\x7f\x85", "\ufffd\ufffd"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("\u200fright to left", "\u200fright to left"),
        (None, ""),
        (7, "7"),
    ],
)
def test_a_label_value_is_text_that_every_consumer_accepts(given_value: object, text: str) -> None:
    assert label_value(given_value) == text


def test_long_values_with_the_same_beginning_stay_different() -> None:
    first, second = label_value("x" * 5000 + "1"), label_value("x" * 5000 + "2")
    assert len(first) == len(second) == MAX_LABEL_LENGTH
    assert first != second
    assert first.startswith("x" * 100)


@given(st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None)))
def test_any_text_becomes_one_line_of_valid_utf8(text: str) -> None:
    value = label_value(text)
    assert len(value) <= MAX_LABEL_LENGTH
    value.encode("utf-8")
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in value)


def test_quotes_are_escaped_between_quotes_and_left_alone_in_plain_help() -> None:
    assert escaped('a "b" \\ c\n') == r"a \"b\" \\ c\n"
    assert escaped_help('a "b" \\ c\n') == r'a "b" \\ c\n'


ODD = [0.0, -0.0, 5e-324, 1e-7, 0.0001, 0.00009, 0.1, 1 / 3, 1.0, 999_999.99, 1e6, 1_234_567.0, 1e15, 1e16, 1e22, -1.5]


def test_odd_numbers_are_written_as_prometheus_client_writes_them() -> None:
    assert [text.decode() for text in numbers(ODD)] == [floatToGoString(value) for value in ODD]
    assert numbers([]) == []


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_any_finite_numbers_are_written_as_prometheus_client_writes_them(values: list[float]) -> None:
    assert [text.decode() for text in numbers(values)] == [floatToGoString(value) for value in values]
    assert all(math.copysign(1, float(t)) == math.copysign(1, v) for t, v in zip(numbers(values), values, strict=True))


def test_a_complete_exposition_ends_as_openmetrics_requires() -> None:
    complete = Formats().with_end()
    assert b"".join(complete.openmetrics.plain) == b"# EOF\n"
    assert gzip.decompress(complete.openmetrics.gzip) == b"# EOF\n"
    assert complete.text.plain == ()
