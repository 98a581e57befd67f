"""pydantic's errors in plain words: where, what is wrong, what would be right, and never the value."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from exporter.config.expectations import Expectations
from exporter.config.fields import duration_text
from exporter.config.messages import kind_of, listed, nearest, quoted, suggestion
from exporter.config.positions import Finding, Path, inside

_WHOLE = ("fault", "value_error", "missing", "extra_forbidden", "union_tag_invalid", "union_tag_not_found")
_LIMITS = {
    "greater_than": ("too small", "too short", "more than", "gt"),
    "greater_than_equal": ("too small", "too short", "at least", "ge"),
    "less_than": ("too large", "too long", "less than", "lt"),
    "less_than_equal": ("too large", "too long", "at most", "le"),
}
_LENGTHS = {
    "string_too_short": ("the text is too short", "at least", "min_length", "character"),
    "string_too_long": ("the text is too long", "at most", "max_length", "character"),
    "too_short": ("the list is too short", "at least", "min_length", "element"),
    "too_long": ("the list is too long", "at most", "max_length", "element"),
}


Faults = Mapping[Path, Sequence[ErrorDetails]]
"""pydantic's errors by their place in the file."""


def by_place(error: ValidationError, tree: Any) -> Faults:
    """All errors of a config tree, each at its place."""
    by_path: dict[Path, list[ErrorDetails]] = defaultdict(list)
    for detail in error.errors(include_url=False, include_input=False):
        path = _path(detail, tree)
        # a list whose elements all have faults counts as empty, which it is not
        if detail["type"] != "too_short" or not inside(tree, path):
            by_path[path].append(detail)
    return by_path


def findings(faults: Faults, tree: Any, most: int) -> tuple[Finding, ...]:
    """The faults in words, of the first `most` places."""
    expectations = Expectations()
    places = list(faults)[:most]
    return tuple(found for path in places for found in _at(path, faults[path], expectations, tree))


def _path(detail: ErrorDetails, tree: Any) -> Path:
    """The place in the file: pydantic's own, without the names of union members that it puts between."""
    path: list[str | int] = []
    node = tree
    steps = [step for step in detail["loc"] if not str(step).startswith(("<", "["))]
    for position, step in enumerate(steps):
        last = position == len(steps) - 1
        if position == 2 and not last and _names_provider(path, node, step):
            continue
        if _leads_on(node, step):
            path.append(step)
            node = node[step]
        elif last and detail["type"] == "missing":
            path.append(step)
    return tuple(path)


def _leads_on(node: Any, step: str | int) -> bool:
    if isinstance(step, int):
        return isinstance(node, list) and step < len(node)
    return isinstance(node, dict) and step in node


def _names_provider(path: Sequence[str | int], node: Any, step: str | int) -> bool:
    return path[:1] == ["sources"] and isinstance(node, dict) and node.get("provider") == step


def _at(path: Path, details: Sequence[ErrorDetails], expectations: Expectations, tree: Any) -> Iterator[Finding]:
    whole = [detail for detail in details if detail["type"] in _WHOLE]
    limits = [detail for detail in details if detail["type"] in _LIMITS or detail["type"] in _LENGTHS]
    if whole:
        yield from dict.fromkeys(_whole(path, detail, expectations, tree) for detail in whole)
    elif limits:
        yield from dict.fromkeys(_limit(path, detail) for detail in limits)
    elif all(detail["type"] == "string_pattern_mismatch" for detail in details):
        yield Finding(path, "the text does not look as it must", expectations.meaning(path, tree))
    else:
        yield _wrong_type(path, expectations, tree)


def _whole(path: Path, detail: ErrorDetails, expectations: Expectations, tree: Any) -> Finding:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return _missing(path, expectations, tree)
    if kind == "extra_forbidden":
        return _unknown(path, expectations.keys(path[:-1], tree), tree)
    if kind.startswith("union_tag"):
        return _no_provider(path, context)
    if kind == "fault" and "message" in context:
        return Finding(path, context["message"], context["cure"])
    message, _, cure = detail["msg"].removeprefix("Value error, ").partition("\n")
    return Finding(path, message, cure)


def _unknown(path: Path, known: list[str], tree: Any) -> Finding:
    key = str(path[-1])
    if key in known:
        others = listed(other for other in inside(tree, path[:-1]) if other in known and other != key)
        return Finding(path, f"{key} does not go with {others}", "keep one of them")
    return Finding(path, f"unknown key {quoted(key)}", suggestion(key, known, "known here"))


def _missing(path: Path, expectations: Expectations, tree: Any) -> Finding:
    if isinstance(path[-1], int):
        return Finding(path[:-1], "the list is too short", "[low, high]")
    words, meaning = expectations.words(path, tree), expectations.meaning(path, tree)
    return Finding(path, f"{path[-1]} is missing", "; ".join(part for part in (words, meaning) if part))


def _no_provider(path: Path, context: dict[str, Any]) -> Finding:
    known = re.findall(r"'(\w+)'", context.get("expected_tags", ""))
    if not known:
        return Finding((*path, "provider"), "provider is missing", "provider: the system that is read, such as csv")
    near = nearest(str(context.get("tag", "")), known)
    cure = (f"did you mean {near}? " if near else "") + f"known: {listed(known)}"
    return Finding((*path, "provider"), "there is no such provider", cure)


def _limit(path: Path, detail: ErrorDetails) -> Finding:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _LENGTHS:
        message, words, key, thing = _LENGTHS[kind]
        return Finding(path, message, f"{words} {context[key]} {thing}{'' if context[key] == 1 else 's'}")
    number, duration, words, key = _LIMITS[kind]
    limit = context[key]
    if isinstance(limit, str):
        parts = {unit: int(size) for unit, size in re.findall(r"(\w+)=(\d+)", limit)}
        return Finding(path, f"the duration is {duration}", f"{words} {duration_text(timedelta(**parts))}")
    return Finding(path, f"the number is {number}", f"{words} {limit:g}")


def _wrong_type(path: Path, expectations: Expectations, tree: Any) -> Finding:
    value = inside(tree, path)
    expected, found = expectations.words(path, tree) or "something else", kind_of(value)
    choices = [str(name) for form in expectations.at(path, tree) for name in form.get("enum", ())]
    if choices and isinstance(value, str):
        near = nearest(value, choices)
        return Finding(path, f"expected {expected}", f"did you mean {near}?" if near else "")
    return Finding(path, f"expected {expected}, found {found}", _cure(expected, found))


def _cure(expected: str, found: str) -> str:
    if "true or false" in expected and found == "text":
        return "write true or false, without quotes"
    if "number" in expected and found == "text":
        return "without quotes, units, separators or leading zeros: 1500, 0.85, 1e3"
    if "text" in expected and found in ("a number", "true or false"):
        return "put it in quotes"
    if expected == "a list":
        return "[first, second], or one element a line after a dash"
    return ""
