"""Any text in a PromQL expression is taken literally."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.promql import equals, equals_variable, join, latest, matches_variable, one_of, select, with_label
from exporter.naming import Family
from tests.dashboards.example_series import query_failures, series
from tests.dashboards.samples import HOSTILE
from tests.dashboards.selectors import VARIABLE, with_variables

FAMILY = Family("some_series", "", ("kpi", "department"))


def test_a_selector_rejects_labels_that_its_family_does_not_have() -> None:
    assert select(FAMILY, equals("kpi", "a")) == 'some_series{kpi="a"}'
    with pytest.raises(ValueError, match="some_series has no label team"):
        select(FAMILY, equals("team", "a"))


def test_replicas_are_merged_over_the_familys_own_labels() -> None:
    assert latest(FAMILY) == "max by (kpi, department) (some_series)"
    assert latest(FAMILY, by=()) == "max(some_series)"


def test_one_name_is_matched_by_equality_and_several_by_a_regular_expression() -> None:
    assert str(one_of("kpi", ["a"])) == 'kpi="a"'
    assert str(one_of("kpi", ["a", "b", "a"])) == 'kpi=~"a|b"'


def test_only_identifiers_are_accepted_as_alternatives() -> None:
    with pytest.raises(ValueError, match="not an identifier"):
        one_of("kpi", ["a.*"])


def test_a_join_lists_the_labels_that_it_copies() -> None:
    assert join("a", "b", ("kpi",), ("title",)) == "a * on (kpi) group_left (title) b"


def test_a_selected_value_is_taken_literally() -> None:
    assert (
        with_variables(f"x{{{equals_variable('person', 'person')}}}", {"person": 'O\'B "x" \\'})
        == 'x{person=`O\'B "x" \\`}'
    )
    assert with_variables(f"x{{{matches_variable('team', 'team')}}}", {"team": "(a|b)"}) == "x{team=~`(a|b)`}"


@pytest.mark.parametrize("text", [*HOSTILE, "line\nbreak\ttab"])
def test_hostile_text_selects_exactly_itself(tmp_path: Path, text: str) -> None:
    expr = f"count({select(FAMILY, equals('department', text))})"
    assert not VARIABLE.search(expr), "Grafana would replace part of it"
    example = series(FAMILY, 1, kpi="a", department=text) | series(FAMILY, 1, kpi="a", department="other")
    failures = query_failures(tmp_path, example, [(expr, [{"{}": "2"}])])
    assert not failures, failures


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_becomes_a_literal_label(tmp_path: Path, text: str) -> None:
    expr = with_label("vector(1)", "department", text)
    matching = f"{expr} and on (department) {select(FAMILY, equals('department', text))}"
    example = series(FAMILY, 1, kpi="a", department=text)
    failures = query_failures(tmp_path, example, [(f"count({matching})", [{"{}": "1"}])])
    assert not failures, failures
