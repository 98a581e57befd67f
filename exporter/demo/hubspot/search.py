"""HubSpot's search over the company's records: filters, order, and its cap of ten thousand results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from exporter.demo.company.entities import RecordHistory

CAP = 10_000
MOST_A_PAGE = 200

SearchRecord = tuple[RecordHistory, Mapping[str, str | None]]
"""A record with the properties it shows."""


class InvalidSearchError(Exception):
    """HubSpot would answer 400; the message is its own."""


def since_of(body: Mapping[str, Any], modified: str) -> int | None:
    """The instant from which a search asks for changes (seconds), where every group has such a filter."""
    found = []
    for group in body.get("filterGroups") or []:
        lows = [
            _comparable(rule.get("value"))
            for rule in group.get("filters", [])
            if rule.get("propertyName") == modified and rule.get("operator") in ("GTE", "GT", "BETWEEN")
        ]
        if not lows:
            return None
        found.append(max(low for low in lows if isinstance(low, float)))
    return int(min(found)) if found else None


def matching(shown: list[SearchRecord], body: Mapping[str, Any]) -> list[SearchRecord]:
    """The records that fulfil one of the filter groups, in the order asked for."""
    groups = body.get("filterGroups") or []
    if len(groups) > 6:
        raise InvalidSearchError("too many filter groups")
    rules = [[_rule(one) for one in group.get("filters", [])] for group in groups]
    found = [one for one in shown if not rules or any(all(rule(one[1]) for rule in group) for group in rules)]
    for wanted in (body.get("sorts") or [])[:1]:
        name, descending = _order(wanted)
        found.sort(key=lambda one: _sort_key(one[1].get(name)), reverse=descending)
    return found


def cut(found: list[SearchRecord], body: Mapping[str, Any]) -> tuple[list[SearchRecord], str | None]:
    """One page and the token of the next; raises BadSearchError beyond the cap or the page size."""
    limit, after = int(body.get("limit") or 10), int(body.get("after") or 0)
    if limit > MOST_A_PAGE:
        raise InvalidSearchError(f"limit must not exceed {MOST_A_PAGE}")
    if after + limit > CAP:
        raise InvalidSearchError(f"there can only be {CAP} results")
    following = after + limit
    return found[after:following], str(following) if following < len(found) else None


def _order(wanted: Any) -> tuple[str, bool]:
    if isinstance(wanted, str):
        return wanted.removeprefix("-"), wanted.startswith("-")
    return str(wanted.get("propertyName")), wanted.get("direction") == "DESCENDING"


def _rule(rule: Mapping[str, Any]) -> Callable[[Mapping[str, str | None]], bool]:
    name, operator = str(rule.get("propertyName")), str(rule.get("operator"))
    if operator not in _OPERATORS:
        raise InvalidSearchError("a filter needs a known operator")
    holds, wanted = _OPERATORS[operator], _comparable(rule.get("value"))
    upper = _comparable(rule.get("highValue"))

    def check(properties: Mapping[str, str | None]) -> bool:
        value = _comparable(properties.get(name))
        return value is not None and type(value) is type(wanted) and holds(value, wanted, upper)

    return check


_OPERATORS: Mapping[str, Callable[[Any, Any, Any], bool]] = {
    "EQ": lambda value, wanted, _: value == wanted,
    "NEQ": lambda value, wanted, _: value != wanted,
    "LT": lambda value, wanted, _: value < wanted,
    "LTE": lambda value, wanted, _: value <= wanted,
    "GT": lambda value, wanted, _: value > wanted,
    "GTE": lambda value, wanted, _: value >= wanted,
    "BETWEEN": lambda value, wanted, upper: wanted <= value <= upper,
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
    found = _comparable(value)
    if found is None:
        return 2, 0.0, ""
    return (0, found, "") if isinstance(found, float) else (1, 0.0, found)
