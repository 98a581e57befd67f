"""Turns pydantic's errors into plain findings: path, error and hint, never the value."""

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
from exporter.config.messages import comma_separated, nearest, quoted, suggestion, type_name
from exporter.config.positions import Finding, KeyPath, value_at

_DECISIVE = ("invalid", "value_error", "missing", "extra_forbidden", "union_tag_invalid", "union_tag_not_found")
"""Error types that make the other errors at the same path redundant."""
_BOUNDS = {
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


def by_path(error: ValidationError, tree: Any) -> Mapping[KeyPath, Sequence[ErrorDetails]]:
    """pydantic's errors for a config tree by their path in the file."""
    errors: dict[KeyPath, list[ErrorDetails]] = defaultdict(list)
    for detail in error.errors(include_url=False, include_input=False):
        path = _path(detail, tree)
        # pydantic treats a list as too short if all its elements are invalid
        if detail["type"] != "too_short" or not value_at(tree, path):
            errors[path].append(detail)
    return errors


def findings(
    errors: Mapping[KeyPath, Sequence[ErrorDetails]], tree: Any, limit: int, expectations: Expectations | None = None
) -> tuple[Finding, ...]:
    """The findings for the errors at the first `limit` paths; `expectations` are by default those of the config."""
    expectations = expectations or Expectations()
    paths = list(errors)[:limit]
    return tuple(finding for path in paths for finding in _findings_at(path, errors[path], expectations, tree))


def _path(detail: ErrorDetails, tree: Any) -> KeyPath:
    """The path in the file: pydantic's own without the names of union members."""
    path: list[str | int] = []
    node = tree
    steps = [step for step in detail["loc"] if not str(step).startswith(("<", "["))]
    for index, step in enumerate(steps):
        is_last = index == len(steps) - 1
        in_source = path[:1] == ["sources"] and isinstance(node, dict)
        if index == 2 and not is_last and in_source and node.get("provider") == step:
            continue
        if _contains(node, step):
            path.append(step)
            node = node[step]
        elif is_last and detail["type"] == "missing":
            path.append(step)
    return tuple(path)


def _contains(node: Any, step: str | int) -> bool:
    if isinstance(step, int):
        return isinstance(node, list) and step < len(node)
    return isinstance(node, dict) and step in node


def _findings_at(
    path: KeyPath, details: Sequence[ErrorDetails], expectations: Expectations, tree: Any
) -> Iterator[Finding]:
    decisive = [detail for detail in details if detail["type"] in _DECISIVE]
    limits = [detail for detail in details if detail["type"] in _BOUNDS or detail["type"] in _LENGTHS]
    if decisive:
        yield from dict.fromkeys(_decisive(path, detail, expectations, tree) for detail in decisive)
    elif limits:
        yield from dict.fromkeys(_limit(path, detail) for detail in limits)
    elif all(detail["type"] == "string_pattern_mismatch" for detail in details):
        yield Finding(path, "the text has the wrong format", expectations.description(path, tree))
    else:
        yield _wrong_type(path, expectations, tree)


def _decisive(path: KeyPath, detail: ErrorDetails, expectations: Expectations, tree: Any) -> Finding:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        if isinstance(path[-1], int):
            return Finding(path[:-1], "the list is too short", "[low, high]")
        hints = (expectations.text(path, tree), expectations.description(path, tree))
        return Finding(path, f"{path[-1]} is missing", "; ".join(hint for hint in hints if hint))
    if kind == "extra_forbidden":
        return _unknown_key(path, expectations.keys(path[:-1], tree), tree)
    if kind.startswith("union_tag"):
        return _provider(path, context)
    if kind == "invalid" and "message" in context:
        return Finding(path, context["message"], context["hint"])
    message, _, hint = detail["msg"].removeprefix("Value error, ").partition("\n")
    return Finding(path, message, hint)


def _unknown_key(path: KeyPath, allowed: list[str], tree: Any) -> Finding:
    key = str(path[-1])
    if key in allowed:
        siblings = (sibling for sibling in value_at(tree, path[:-1]) if sibling in allowed and sibling != key)
        return Finding(path, f"{key} cannot be combined with {comma_separated(siblings)}", "keep one of them")
    return Finding(path, f"unknown key {quoted(key)}", suggestion(key, allowed, "keys allowed here"))


def _provider(path: KeyPath, context: dict[str, Any]) -> Finding:
    providers = re.findall(r"'(\w+)'", context.get("expected_tags", ""))
    if not providers:
        return Finding((*path, "provider"), "provider is missing", "provider: the system to read, such as csv")
    hint = suggestion(str(context.get("tag", "")), providers, "known")
    return Finding((*path, "provider"), "there is no such provider", hint)


def _limit(path: KeyPath, detail: ErrorDetails) -> Finding:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _LENGTHS:
        message, bound, key, noun = _LENGTHS[kind]
        return Finding(path, message, f"{bound} {context[key]} {noun}{'' if context[key] == 1 else 's'}")
    number, duration, bound, key = _BOUNDS[kind]
    limit = context[key]
    if isinstance(limit, str):
        units = {unit: int(size) for unit, size in re.findall(r"(\w+)=(\d+)", limit)}
        return Finding(path, f"the duration is {duration}", f"{bound} {duration_text(timedelta(**units))}")
    return Finding(path, f"the number is {number}", f"{bound} {limit:g}")


def _wrong_type(path: KeyPath, expectations: Expectations, tree: Any) -> Finding:
    value = value_at(tree, path)
    expected, actual = expectations.text(path, tree) or "something else", type_name(value)
    choices = [str(name) for form in expectations.at(path, tree) for name in form.get("enum", ())]
    if choices and isinstance(value, str):
        near = nearest(value, choices)
        return Finding(path, f"expected {expected}", f"did you mean {near}?" if near else "")
    return Finding(path, f"expected {expected}, found {actual}", _type_hint(expected, actual))


def _type_hint(expected: str, actual: str) -> str:
    if "true or false" in expected and actual == "text":
        return "write true or false, without quotes"
    if "number" in expected and actual == "text":
        return "without quotes, units, separators or leading zeros: 1500, 0.85, 1e3"
    if "text" in expected and actual in ("a number", "true or false"):
        return "put it in quotes"
    if expected == "a list":
        return "[first, second], or one element per line after a dash"
    return ""
