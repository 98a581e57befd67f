"""Dotted paths into parsed JSON, such as `data.items` or `user.name`; a number steps into a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import itemgetter, methodcaller
from typing import Any

ABSENT = object()
"""What `find` gives for a field that is not there at all, as against one that is null."""


def find(value: Any, path: str) -> Any:
    """What lies at the path; None where the path or a part of it is null, ABSENT where a part is missing."""
    for step in path.split("."):
        if value is None:
            return None
        if isinstance(value, Mapping):
            value = value.get(step, ABSENT)
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return ABSENT
        if value is ABSENT:
            return ABSENT
    return value


def getter(path: str, optional: bool) -> Callable[[Any], Any]:
    """A function from a row to the value at the path; without `optional` it raises KeyError for a missing field."""
    if "." in path:
        return partial(_dotted, path, path.split("."), optional)
    return methodcaller("get", path) if optional else itemgetter(path)


def _dotted(path: str, steps: Sequence[str], optional: bool, row: Any) -> Any:
    value = row
    try:
        for step in steps:
            value = value[step]
    except (KeyError, TypeError):
        value = _searched(path, row)
        if value is ABSENT and not optional:
            raise KeyError(path) from None
    return None if value is ABSENT else value


def _searched(path: str, row: Any) -> Any:
    """Through nulls and lists; names with dots in them are real, too."""
    value = find(row, path)
    return row.get(path, ABSENT) if value is ABSENT else value
