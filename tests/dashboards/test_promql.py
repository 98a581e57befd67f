"""Text that becomes PromQL means what it says, whatever it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.promql import equals, equals_variable, join, latest, matches_variable, one_of, select, with_label
from exporter.naming import Family
from tests.dashboards.example_series import answers, series
from tests.dashboards.samples import HOSTILE
from tests.dashboards.selectors import _VARIABLE, filled

FAMILY = Family("some_series", "", ("kpi", "department"))


def test_a_selector_knows_the_labels_of_its_family() -> None:
    assert select(FAMILY, equals("kpi", "a")) == 'some_series{kpi="a"}'
    with pytest.raises(ValueError, match="some_series has no label team"):
        select(FAMILY, equals("team", "a"))


def test_replicas_are_merged_over_the_familys_own_labels() -> None:
    assert latest(FAMILY) == "max by (kpi, department) (some_series)"
    assert latest(FAMILY, by=()) == "max(some_series)"


def test_one_name_is_an_equality_several_are_an_alternative() -> None:
    assert str(one_of("kpi", ["a"])) == 'kpi="a"'
    assert str(one_of("kpi", ["a", "b", "a"])) == 'kpi=~"a|b"'


def test_only_identifiers_become_regular_expressions() -> None:
    with pytest.raises(ValueError, match="not an identifier"):
        one_of("kpi", ["a.*"])


def test_a_join_names_what_it_brings() -> None:
    assert join("a", "b", ("kpi",), ("title",)) == "a * on (kpi) group_left (title) b"


def test_a_chosen_value_is_taken_as_it_is() -> None:
    assert filled(f"x{{{equals_variable('person', 'person')}}}", {"person": 'O\'B "x" \\'}) == 'x{person=`O\'B "x" \\`}'
    assert filled(f"x{{{matches_variable('team', 'team')}}}", {"team": "(a|b)"}) == "x{team=~`(a|b)`}"


@pytest.mark.parametrize("text", [*HOSTILE, "line\nbreak\ttab"])
def test_hostile_text_selects_exactly_itself(tmp_path: Path, text: str) -> None:
    expr = f"count({select(FAMILY, equals('department', text))})"
    assert not _VARIABLE.search(expr), "Grafana would replace a part of it"
    found = series(FAMILY, 1, kpi="a", department=text) | series(FAMILY, 1, kpi="a", department="other")
    said = answers(tmp_path, found, [(expr, [{"{}": "2"}])])
    assert not said, said


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_becomes_a_label_literally(tmp_path: Path, text: str) -> None:
    expr = with_label("vector(1)", "department", text)
    both = f"{expr} and on (department) {select(FAMILY, equals('department', text))}"
    found = series(FAMILY, 1, kpi="a", department=text)
    said = answers(tmp_path, found, [(f"count({both})", [{"{}": "1"}])])
    assert not said, said
