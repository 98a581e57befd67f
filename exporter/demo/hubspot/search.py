"""HubSpot's search: filters, order and the cap of ten thousand results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from exporter.demo.company.entities import RecordHistory

CAP = 10_000
MAX_PAGE_SIZE = 200

SearchRecord = tuple[RecordHistory, Mapping[str, str | None]]
"""A record and its properties."""


class InvalidSearchError(Exception):
    """HubSpot responds with status 400 and this message."""


def since_of(body: Mapping[str, Any], modified: str) -> int | None:
    """The earliest change that a search asks for, in seconds; None unless every filter group has a lower bound."""
    bounds = []
    for group in body.get("filterGroups") or []:
        group_bounds = [
            _comparable(rule.get("value"))
            for rule in group.get("filters", [])
            if rule.get("propertyName") == modified and rule.get("operator") in ("GTE", "GT", "BETWEEN")
        ]
        if not group_bounds:
            return None
        bounds.append(max(bound for bound in group_bounds if isinstance(bound, float)))
    return int(min(bounds)) if bounds else None


def matching(records: list[SearchRecord], body: Mapping[str, Any]) -> list[SearchRecord]:
    """The records that match one of the filter groups, in the requested order."""
    groups = body.get("filterGroups") or []
    if len(groups) > 6:
        raise InvalidSearchError("too many filter groups")
    filters = [[_filter(rule) for rule in group.get("filters", [])] for group in groups]
    matches = [r for r in records if not filters or any(all(check(r[1]) for check in group) for group in filters)]
    for order in (body.get("sorts") or [])[:1]:
        if isinstance(order, str):
            name, descending = order.removeprefix("-"), order.startswith("-")
        else:
            name, descending = str(order.get("propertyName")), order.get("direction") == "DESCENDING"
        matches.sort(key=lambda record: _sort_key(record[1].get(name)), reverse=descending)
    return matches


def cut(matches: list[SearchRecord], body: Mapping[str, Any]) -> tuple[list[SearchRecord], str | None]:
    """One page and the token of the next one; raises InvalidSearchError beyond the cap or the page size."""
    limit, after = int(body.get("limit") or 10), int(body.get("after") or 0)
    if limit > MAX_PAGE_SIZE:
        raise InvalidSearchError(f"limit must not exceed {MAX_PAGE_SIZE}")
    if after + limit > CAP:
        raise InvalidSearchError(f"there can only be {CAP} results")
    next_after = after + limit
    return matches[after:next_after], str(next_after) if next_after < len(matches) else None


def _filter(rule: Mapping[str, Any]) -> Callable[[Mapping[str, str | None]], bool]:
    name, operator = str(rule.get("propertyName")), str(rule.get("operator"))
    if operator not in _OPERATORS:
        raise InvalidSearchError("a filter needs a known operator")
    matches, expected = _OPERATORS[operator], _comparable(rule.get("value"))
    upper = _comparable(rule.get("highValue"))

    def check(properties: Mapping[str, str | None]) -> bool:
        value = _comparable(properties.get(name))
        return value is not None and type(value) is type(expected) and matches(value, expected, upper)

    return check


_OPERATORS: Mapping[str, Callable[[Any, Any, Any], bool]] = {
    "EQ": lambda value, expected, _: value == expected,
    "NEQ": lambda value, expected, _: value != expected,
    "LT": lambda value, expected, _: value < expected,
    "LTE": lambda value, expected, _: value <= expected,
    "GT": lambda value, expected, _: value > expected,
    "GTE": lambda value, expected, _: value >= expected,
    "BETWEEN": lambda value, lower, upper: lower <= value <= upper,
}


def _comparable(value: Any) -> float | str | None:
    """Numbers as numbers, times (ISO or milliseconds) as seconds, anything else as text."""
    if value is None or value == "":
        return None
    text = str(value)
    if text[4:5] == "-" and text.endswith("Z"):
        return datetime.fromisoformat(text).astimezone(UTC).timestamp()
    try:
        number = float(text)
    except ValueError:
        return text
    return number / 1000 if 1e12 <= number < 1e13 else number


def _sort_key(value: str | None) -> tuple[int, float, str]:
    comparable = _comparable(value)
    if comparable is None:
        return 2, 0.0, ""
    return (0, comparable, "") if isinstance(comparable, float) else (1, 0.0, comparable)
