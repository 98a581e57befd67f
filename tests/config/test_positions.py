"""Where keys stand."""

from __future__ import annotations

import pytest

from exporter.config.positions import NOWHERE, Finding, Path, inside, spelled
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
def test_the_line_of_a_key_or_of_the_nearest_above(path: Path, line: int) -> None:
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
def test_paths_are_one_short_line(path: Path, text: str) -> None:
    assert spelled(path) == text


def test_problems_come_in_the_order_of_the_file() -> None:
    found = ORIGIN.problems([Finding(("a", 1), "second"), Finding(("a", 0, "b"), "first", "mend")])
    assert [str(problem) for problem in found] == ["x.yaml:2: a[0].b: first (mend)", "x.yaml:4: a[1]: second"]


def test_nowhere_has_no_lines() -> None:
    assert NOWHERE.line(("a",)) == 0


@pytest.mark.parametrize(
    ("path", "held"), [((), {"a": [1]}), (("a", 0), 1), (("a", 5), None), (("b",), None), (("a", "b"), None)]
)
def test_what_stands_inside(path: Path, held: object) -> None:
    assert inside({"a": [1]}, path) == held
