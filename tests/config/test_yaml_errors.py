"""PyYAML's complaints in plain words."""

from __future__ import annotations

import pytest
import yaml

from exporter.config.yaml_errors import explained
from exporter.config.yaml_reader import parse
from exporter.errors import ConfigError


def told(text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        parse(text, "a.yaml")
    return str(refused.value.problems[-1])


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: b: c\n", 1, "a colon stands where none may be"),
        ("a: b\nc\nd: e\n", 3, "a key without its colon"),
        ("a:\n\t- b\n", 2, "a tab"),
        ("a: 1\nb: @c\n", 2, "a sign stands where text would need quotes"),
        ("a: 1\nb: 'c\nd: e\n", 2, "a quote is opened and never closed"),
        ("a: 'c\n---\nd\n", 1, "a quote is opened and never closed"),
        ("a: [b, c\nd: e\n", 2, "a list in [ ] is not closed"),
        ("a: {b: c\nd: e\n", 2, "a section in { } is not closed"),
        ("a:\n  b: c\n d: e\n", 3, "the indentation is uneven"),
        ("a: - b\n", 1, "a dash stands where none may be"),
        ('a: "\\q"\n', 1, "a backslash sequence"),
        ("a: 1\nb: \x07\n", 2, "a control character"),
        ("a: [,]\n", 1, "a value is missing"),
        ("%YAML 3.0\n---\na\n", 1, "this is not YAML"),
    ],
)
def test_the_line_and_the_fault_are_named(text: str, line: int, words: str) -> None:
    found = told(text)
    assert found.startswith(f"a.yaml:{line}: ")
    assert words in found


def test_an_error_without_any_place_stands_at_the_first_line() -> None:
    assert explained(yaml.YAMLError("?"), "a\nb\n", "a.yaml").line == 1
