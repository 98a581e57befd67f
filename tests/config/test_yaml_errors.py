"""YAML syntax errors in plain words, from both parsers of PyYAML."""

from __future__ import annotations

import pytest
import yaml

from exporter.config import yaml_reader
from exporter.config.yaml_errors import syntax_problem
from exporter.config.yaml_reader import parse
from exporter.errors import ConfigError


@pytest.fixture(params=[yaml.CSafeLoader, yaml.SafeLoader], ids=["libyaml", "pure Python"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "Loader", request.param)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: b: c\n", 1, "a colon is not allowed here"),
        ("a: b\nc\nd: e\n", 3, "a key has no colon"),
        ("a:\n\t- b\n", 2, "a tab"),
        ("a:\n  b: 1\n\tc: 2\n", 3, "a tab"),
        ("a: 1\nb: @c\n", 2, "a special character begins a value"),
        ("a: 1\nb: 'c\nd: e\n", 2, "a quote is opened but never closed"),
        ("a: 'c\n---\nd\n", 1, "a quote is opened but never closed"),
        ("a: [b, c\nd: e\n", 2, "a list in [ ] is not closed"),
        ("a: {b: c\nd: e\n", 2, "a section in { } is not closed"),
        ("a:\n  b: c\n d: e\n", 3, "the indentation is uneven"),
        ("- a\nb: c\n", 2, "the indentation is uneven"),
        ("a: - b\n", 1, "a dash is not allowed here"),
        ('a: "\\q"\n', 1, "unknown backslash sequence"),
        ('a: 1\nb: "\\U00110000"\n', 2, "a \\u or \\U escape is not a valid character"),
        ("a: é\nb: \x07\n", 2, "a control character"),
        ("a: [,]\n", 1, "a value is missing"),
        ("a: [", 1, "a value is missing"),
        ("%YAML 3.0\n---\na\n", 1, "this is not YAML"),
    ],
)
def test_the_line_and_the_error_are_named(text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(text, "a.yaml")
    problem = str(error.value.problems[-1])
    assert problem.startswith(f"a.yaml:{line}: ")
    assert message in problem


def test_an_error_without_a_position_is_at_the_current_line() -> None:
    assert syntax_problem(yaml.YAMLError("?"), "a\nb\n", "a.yaml", 2).line == 2
