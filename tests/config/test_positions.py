"""Lines of keys, and paths as text."""

from __future__ import annotations

import pytest

from exporter.config.positions import NO_FILE, Finding, KeyPath, path_text, value_at
from exporter.config.yaml_reader import parse

ORIGIN = parse("a:\n  - b: 1\n    c: 2\n  - 5\n", "x.yaml").origin


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("a",), 1),
        (("a", 0), 2),
        (("a", 0, "c"), 3),
        (("a", 1), 4),
        (("a", 0, "gone"), 2),
        (("a", 9), 1),
        (("z", 1), 1),
        (("a", 1, "x"), 4),
    ],
)
def test_the_line_of_a_key_or_of_the_nearest_above(path: KeyPath, line: int) -> None:
    assert ORIGIN.line(path) == line


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("kpis", 2, "target", "by"), "kpis[2].target.by"),
        (("where", "attributes.Deal type"), "where.attributes.Deal type"),
        (("a\nb",), "'a\\nb'"),
        (("x" * 99,), repr("x" * 57 + "...")),
    ],
)
def test_paths_are_one_short_line(path: KeyPath, text: str) -> None:
    assert path_text(path) == text


def test_problems_are_in_the_order_of_the_file() -> None:
    problems = ORIGIN.problems([Finding(("a", 1), "second"), Finding(("a", 0, "b"), "first", "fix")])
    assert [str(problem) for problem in problems] == ["x.yaml:2: a[0].b: first (fix)", "x.yaml:4: a[1]: second"]


def test_a_config_without_a_file_has_no_lines() -> None:
    assert NO_FILE.line(("a",)) == 0


@pytest.mark.parametrize(
    ("path", "expected"), [((), {"a": [1]}), (("a", 0), 1), (("a", 5), None), (("b",), None), (("a", "b"), None)]
)
def test_a_value_is_found_by_its_path(path: KeyPath, expected: object) -> None:
    assert value_at({"a": [1]}, path) == expected
