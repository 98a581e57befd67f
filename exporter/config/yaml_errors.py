"""What PyYAML's complaints mean, in plain words and without quoting the file: a secret may stand there."""

from __future__ import annotations

import yaml

from exporter.errors import Problem

_QUOTES = "put text that holds ': ' or begins with a sign in quotes"
_MEANINGS = (
    ("mapping values are not allowed", "a colon stands where none may be, or the indentation is wrong", _QUOTES),
    ("could not find expected ':'", "a key without its colon, or a line that belongs nowhere", "write KEY: VALUE"),
    ("'\\t'", "a tab begins or separates something", "YAML is indented by blanks"),
    ("that cannot start any token", "a sign stands where text would need quotes", _QUOTES),
    ("found unexpected end of stream", "a quote is opened and never closed", "close it on the same line"),
    ("found unexpected document separator", "a quote is opened and never closed", "close it on the same line"),
    ("expected ',' or ']'", "a list in [ ] is not closed, or a comma is missing", "[first, second]"),
    ("expected ',' or '}'", "a section in { } is not closed, or a comma is missing", "{key: value, key: value}"),
    (
        "expected <block end>",
        "the indentation is uneven, or a dash or colon is missing",
        "indent equals equally",
    ),
    (
        "sequence entries are not allowed",
        "a dash stands where none may be",
        "one element of a list a line",
    ),
    ("block sequence entries", "a dash stands where none may be", "one element of a list a line"),
    ("escape", "a backslash sequence that YAML does not know", "use single quotes, or double the backslash"),
    ("special characters", "the file holds a control character", "remove it"),
    ("expected the node content", "a value is missing, or a bracket or comma too many", "write KEY: VALUE"),
)


def explained(error: yaml.YAMLError, text: str, name: str) -> Problem:
    """The syntax error as a problem: the line where the fault begins, what it is and what would be right."""
    complaint = getattr(error, "problem", None) or getattr(error, "reason", None) or ""
    for sign, message, cure in _MEANINGS:
        if sign in complaint:
            return Problem(name, _line(error, text), "", message, cure)
    return Problem(name, _line(error, text), "", "this is not YAML", "compare with config/kpis.reference.yaml")


def _line(error: yaml.YAMLError, text: str) -> int:
    opened = getattr(error, "context_mark", None) if "scalar" in (getattr(error, "context", None) or "") else None
    mark = getattr(error, "problem_mark", None) if opened is None else opened
    if mark is not None:
        return int(mark) + 1
    position = getattr(error, "position", 0)
    return text.count("\n", 0, position) + 1
