"""What unquoted text is; test_document has the table of spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.scalars import scalar


@pytest.mark.parametrize("text", [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1e999", "-1e400", "1234567890123456789"])
def test_a_number_that_cannot_be_held_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"number|infinity") as refused:
        scalar(text)
    assert text not in str(refused.value)


@given(st.integers(-(10**17), 10**17))
def test_a_whole_number_is_itself(number: int) -> None:
    assert scalar(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: "e+" not in repr(number)))
def test_a_number_is_itself(number: float) -> None:
    assert scalar(repr(number)) == number


@given(st.text())
def test_any_text_is_text_a_number_a_flag_or_nothing(text: str) -> None:
    try:
        value = scalar(text)
    except ValueError:
        return
    assert value is None or isinstance(value, bool | int | float) or value == text
