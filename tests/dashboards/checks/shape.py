"""Checks of mappings: required and optional keys, types, durations, and duplicates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Types = type | tuple[type, ...]

_DURATION = re.compile(r"(\d+)(ms|s|m|h|d|w|y)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}


def key_problems(
    location: str, value: Any, required: Mapping[str, Types], optional: Mapping[str, Types] | None = None
) -> Iterator[str]:
    """Problems with a mapping's keys: missing, unknown (readers ignore them silently), or of a wrong type."""
    if not isinstance(value, Mapping):
        yield f"{location}: not a mapping"
        return
    allowed = {**required, **(optional or {})}
    yield from (f"{location}: {key} is missing" for key in required if key not in value)
    yield from (f"{location}: unknown key {key}" for key in value if key not in allowed)
    for key, types in allowed.items():
        if key in value and not _is(value[key], types):
            yield f"{location}: {key} is {type(value[key]).__name__}"
        elif key in required and value.get(key) == "":
            yield f"{location}: {key} is empty"


def _is(value: Any, types: Types) -> bool:
    if isinstance(value, bool):
        return types is bool or (isinstance(types, tuple) and bool in types)
    return isinstance(value, types)


def duration(text: Any) -> float | None:
    """Seconds of a duration in Prometheus' notation; None if the text is not a duration."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    return int(match[1]) * _SECONDS[match[2]] if match else None


def duration_problems(location: str, value: Mapping[str, Any], *keys: str) -> Iterator[str]:
    """Entries of a mapping that should be durations and are not."""
    for key in keys:
        if key in value and duration(value[key]) is None:
            yield f"{location}: {key} is not a duration: {value[key]!r}"


def duplicates(location: str, kind: str, names: Iterable[Any]) -> Iterator[str]:
    """A problem for each name that occurs more than once."""
    names_so_far: set[Any] = set()
    for name in names:
        if name in names_so_far:
            yield f"{location}: {kind} {name!r} occurs twice"
        names_so_far.add(name)
