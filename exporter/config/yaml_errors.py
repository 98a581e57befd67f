"""Explains YAML syntax errors in plain words, without quoting the file: the line may contain a secret."""

from __future__ import annotations

from yaml.reader import ReaderError

from exporter.errors import Problem

_QUOTES = "put text in quotes if it contains ': ' or begins with a special character"
_DASH = ("a dash is not allowed here", "write each list element on its own line")
_QUOTE = ("a quote is opened but never closed", "close it on the same line")
_TAB = ("a tab is used for indentation or separation", "indent YAML with spaces")
_SPECIAL = ("a special character begins a value", _QUOTES)
_CHARACTER = ("a \\u or \\U escape is not a valid character", "write the character itself")
_INDENT = ("the indentation is uneven, or a dash or colon is missing", "indent all keys of a section equally")
_UNKNOWN = ("this is not YAML", "compare with config/kpis.reference.yaml")
_MEANINGS = (  # part of a message of libyaml or of the Python parser, to (message, hint)
    ("mapping values are not allowed", ("a colon is not allowed here, or the indentation is wrong", _QUOTES)),
    ("could not find expected ':'", ("a key has no colon, or the line does not belong here", "write KEY: VALUE")),
    ("tab character", _TAB),
    ("that cannot start any token", _SPECIAL),
    ("found unexpected end of stream", _QUOTE),
    ("found unexpected document", _QUOTE),
    ("expected ',' or ']'", ("a list in [ ] is not closed, or a comma is missing", "[first, second]")),
    ("expected ',' or '}'", ("a section in { } is not closed, or a comma is missing", "{key: value, key: value}")),
    ("sequence entries are not allowed", _DASH),
    ("Unicode character", _CHARACTER),
    ("arg not in range", _CHARACTER),
    ("escape", ("unknown backslash sequence", "use single quotes, or double the backslash")),
    ("characters are not allowed", ("the file contains a control character", "remove it")),
    ("node content", ("a value is missing, or there is an extra bracket or comma", "write KEY: VALUE")),
    ("expected <block end>", _INDENT),
    ("expected key", _INDENT),
    ("expected '-' indicator", _INDENT),
)


def syntax_problem(error: Exception, text: str, name: str, line: int) -> Problem:
    """The problem for an error of the parser; `line` is where it is if the error does not say."""
    complaint = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    meaning = next((meaning for fragment, meaning in _MEANINGS if fragment in complaint), _UNKNOWN)
    position = getattr(error, "problem_mark", None)
    if position is not None and text[position.index : position.index + 1] == "\t":
        meaning = _TAB
    if "quoted scalar" in (getattr(error, "context", None) or ""):
        position = getattr(error, "context_mark", position)
    if position is not None:
        line = min(position.line + 1, len(text.splitlines()))  # libyaml reports the end of the file one line later
    elif isinstance(error, ReaderError):
        line = text.encode()[: error.position].count(b"\n") + 1
    return Problem(name, line, "", *meaning)
