"""Escaped texts and numbers, whatever the records contain."""

from __future__ import annotations

import gzip
import math

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.utils import floatToGoString

from exporter.exposition.text_format import Formats, escaped, escaped_help, numbers


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
