"""Plain words for problems."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.messages import kind_of, listed, nearest, quoted, suggestion

KNOWN = ["deals_won", "deals_lost", "calls"]


@pytest.mark.parametrize(
    ("word", "near"),
    [("deal_won", "deals_won"), ("CALLS", "calls"), ("cals", "calls"), ("xyz", None), ("", None), ("x" * 99, None)],
)
def test_the_nearest_name(word: str, near: str | None) -> None:
    assert nearest(word, KNOWN) == near


def test_a_suggestion_has_the_nearest_and_all() -> None:
    assert suggestion("cals", KNOWN, "metrics") == "did you mean calls? metrics: deals_won, deals_lost, calls"
    assert suggestion("xyz", KNOWN, "metrics") == "metrics: deals_won, deals_lost, calls"
    assert suggestion("xyz", [], "metrics") == ""


def test_long_lists_are_cut() -> None:
    assert listed(map(str, range(50)), 3) == "0, 1, 2 and 47 more"


@pytest.mark.parametrize(
    ("value", "text"), [("a", "'a'"), (True, "true"), (1.0, "1"), (2.5, "2.5"), (7, "7"), ("a\nb", "'a\\nb'")]
)
def test_values_are_quoted_as_yaml_has_them(value: str | bool | float, text: str) -> None:
    assert quoted(value) == text


@given(st.text())
def test_a_quoted_name_is_short_and_one_line(word: str) -> None:
    assert len(quoted(word).splitlines()) == 1
    assert len(quoted(word)) < 700


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "true or false"),
        (1, "a number"),
        (1.5, "a number"),
        ("a", "text"),
        ({}, "a section"),
        ([], "a list"),
        (None, "nothing"),
    ],
)
def test_kinds_have_words(value: object, kind: str) -> None:
    assert kind_of(value) == kind
