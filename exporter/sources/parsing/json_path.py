"""Dotted paths into parsed JSON, such as `data.items` or `user.name`; a number indexes a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from operator import itemgetter, methodcaller
from typing import Any

ABSENT = object()
"""The result of `find` for a field that is missing, as opposed to one that is null."""


def find(value: Any, path: str) -> Any:
    """The value at the path; None if it or one of its parents is null, ABSENT if a step is missing."""
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
        return partial(_get_nested, path, path.split("."), optional)
    return methodcaller("get", path) if optional else itemgetter(path)


def _get_nested(path: str, steps: list[str], optional: bool, row: Any) -> Any:
    value = row
    try:
        for step in steps:
            value = value[step]
    except (KeyError, TypeError):  # a null, a list, or a field whose name contains dots
        value = find(row, path)
        if value is ABSENT:
            value = row.get(path, ABSENT)
        if value is ABSENT and not optional:
            raise KeyError(path) from None
    return None if value is ABSENT else value
