"""Dotted paths into parsed JSON, such as `data.items` or `user.name`; a number steps into a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from exporter.errors import InvalidRecordError, Reason

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
    """A function from a row to the value at the path; a missing field rejects the row unless it is optional.

    The function raises InvalidRecordError(MISSING_FIELD).
    """
    return _plain(path, optional) if "." not in path else _dotted(path, optional)


def _plain(key: str, optional: bool) -> Callable[[Any], Any]:
    def get(row: Any) -> Any:
        try:
            return row[key]
        except KeyError:
            if optional:
                return None
            raise InvalidRecordError(Reason.MISSING_FIELD, key) from None

    return get


def _dotted(path: str, optional: bool) -> Callable[[Any], Any]:
    def get(row: Any) -> Any:
        value = row.get(path, ABSENT)  # names with dots in them are real
        if value is ABSENT:
            value = find(row, path)
        if value is not ABSENT:
            return value
        if optional:
            return None
        raise InvalidRecordError(Reason.MISSING_FIELD, path)

    return get
