"""Building blocks of error messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.messages import comma_separated, nearest, quoted, suggestion, type_name

CANDIDATES = ["deals_won", "deals_lost", "calls"]


@pytest.mark.parametrize(
    ("name", "near"),
    [("deal_won", "deals_won"), ("CALLS", "calls"), ("cals", "calls"), ("xyz", None), ("", None), ("x" * 99, None)],
)
def test_the_nearest_name_is_suggested(name: str, near: str | None) -> None:
    assert nearest(name, CANDIDATES) == near


def test_a_suggestion_contains_the_nearest_and_all_names() -> None:
    assert suggestion("cals", CANDIDATES, "metrics") == "did you mean calls? metrics: deals_won, deals_lost, calls"
    assert suggestion("xyz", CANDIDATES, "metrics") == "metrics: deals_won, deals_lost, calls"
    assert suggestion("xyz", [], "metrics") == ""


def test_long_lists_are_cut() -> None:
    assert comma_separated(map(str, range(50)), 3) == "0, 1, 2 and 47 more"


@pytest.mark.parametrize(
    ("value", "text"), [("a", "'a'"), (True, "true"), (1.0, "1"), (2.5, "2.5"), (7, "7"), ("a\nb", "'a\\nb'")]
)
def test_values_are_quoted_as_in_yaml(value: str | bool | float, text: str) -> None:
    assert quoted(value) == text


@given(st.text())
def test_a_quoted_name_is_short_and_one_line(name: str) -> None:
    assert len(quoted(name).splitlines()) == 1
    assert len(quoted(name)) < 700


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
def test_types_have_plain_names(value: object, kind: str) -> None:
    assert type_name(value) == kind
