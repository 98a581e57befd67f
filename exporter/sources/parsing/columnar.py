"""Converts whole columns at once: the fast path for plain values, which real data nearly always has.

Each function returns the column's converted values, or None if any value needs the per-value functions of
`convert`. If it returns values, they equal those of `convert`. Measured on pages of 1,000 values, it takes a third
to a sixth of the CPU of `convert`; 100,000 calls with eight columns parse in 0.5 s instead of 2 s.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import repeat
from types import NoneType
from typing import Any

from exporter.records import Record
from exporter.sources.parsing.convert import LIMIT, LONGEST_TEXT

ColumnConverter = Callable[[Sequence[Any]], list[Any] | None]

_STR, _INT, _FLOAT, _BOOL = frozenset({str}), frozenset({int}), frozenset({float}), frozenset({bool})
_PLAIN_NUMBERS = re.compile(r"(?:[+-]?[0-9]{1,15}(?:\.[0-9]{0,6})?\n)*", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _END = datetime(1901, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _types(values: Iterable[Any]) -> set[type]:
    return set(map(type, values)) - {NoneType}


def _present(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if value is not None and value != ""]


def repeated_texts(values: Sequence[Any], convert: Callable[[Any], Any]) -> list[Any] | None:
    """For texts that repeat: each distinct one is converted once. Raises what `convert` raises."""
    if not _types(values) <= _STR:
        return None
    distinct = set(values)
    if len(distinct) * 2 > len(values):
        return None
    converted = {value: convert(value) for value in distinct}
    return list(map(converted.__getitem__, values))


def texts(values: Sequence[Any]) -> list[Any] | None:
    """ASCII texts, or integers written as text."""
    types = _types(values)
    if types == _INT:
        return [None if value is None else str(value) for value in values]
    if not types <= _STR:
        return None
    present = [value for value in values if value]
    joined = "".join(present)
    if not joined.isascii() or "\x00" in joined or len(max(present, key=len, default="")) > LONGEST_TEXT:
        return None
    return [value.strip() or None if value else None for value in values]


def choices(values: Sequence[Any], mapping: Mapping[str, Any]) -> list[Any] | None:
    """Texts that are all keys of the mapping."""
    if not _types(values) <= _STR:
        return None
    mapped = list(map(mapping.get, values))
    return mapped if mapped.count(None) == values.count(None) + values.count("") else None


def numbers(values: Sequence[Any]) -> list[Any] | None:
    """Numbers within the limit, or texts that are all plain numbers."""
    types = _types(values)
    present = _present(values)
    if types == _STR:
        if not _all_plain(present):
            return None
    elif not types <= _INT | _FLOAT or not _within_limit(present):
        return None
    if len(present) == len(values):
        return list(map(float, values))
    return [float(value) if value is not None and value != "" else None for value in values]


def _all_plain(numerals: Sequence[str]) -> bool:
    joined = "\n".join([*numerals, ""])
    return _PLAIN_NUMBERS.fullmatch(joined) is not None and joined.count("\n") == len(numerals)


def _within_limit(present: Sequence[float]) -> bool:
    try:
        return math.isfinite(sum(present)) and (not present or -LIMIT <= min(present) <= max(present) <= LIMIT)
    except OverflowError:
        return False


def durations(values: Sequence[Any], unit: str) -> list[Any] | None:
    """Durations that are not negative, in seconds."""
    converted = numbers(values)
    if converted is None or any(value is not None and value < 0 for value in converted):
        return None
    if unit == "s":
        return converted
    if unit == "ms":
        return [value / 1000 if value is not None else None for value in converted]
    factor = 60.0 if unit == "min" else 3600.0
    return [value * factor if value is not None else None for value in converted]


def amounts(values: Sequence[Any]) -> list[Any] | None:
    """Exact amounts from texts, integers or short decimals."""
    types = _types(values)
    present = _present(values)
    if types == _STR or types == _FLOAT:  # noqa: SIM109, PLR1714 - sets and frozensets
        if not _all_plain(present if types == _STR else list(map(repr, present))):
            return None
    elif not types <= _INT or not _within_limit(present):
        return None
    if types == _FLOAT:
        return [Decimal(repr(value)) if value is not None else None for value in values]
    return [Decimal(value) if value is not None and value != "" else None for value in values]


def instants(values: Sequence[Any], zone: tzinfo) -> list[Any] | None:
    """ISO texts with dashes that are all in UTC or all without an offset, or integer epochs of one unit."""
    types = _types(values)
    present = _present(values)
    if types == _INT:
        converted = _from_epochs(present)
    elif types == _STR:
        converted = _from_iso(present, zone)
    else:
        converted = None if types else []
    if converted is None or (converted and not _FIRST <= min(converted) <= max(converted) < _END):
        return None
    if _EPOCH in converted:
        return None
    if len(present) == len(values):
        return converted
    following = iter(converted)
    return [next(following) if value is not None and value != "" else None for value in values]


def _from_epochs(present: Sequence[int]) -> list[datetime] | None:
    low, high = min(present), max(present)
    if low >= 10**8 and high < 10**10:
        return [datetime.fromtimestamp(value, UTC) for value in present]
    if low >= 10**11 and high < 10**13:
        return [_EPOCH + timedelta(milliseconds=value) for value in present]
    return None


def _from_iso(present: Sequence[str], zone: tzinfo) -> list[datetime] | None:
    if not all("-" in value for value in present):
        return None
    try:
        parsed = list(map(datetime.fromisoformat, present))
    except ValueError:
        return None
    zones = {at.tzinfo for at in parsed}
    if zones == {UTC}:
        return parsed
    if zones == {None} and all(1901 <= at.year < 2200 for at in parsed):
        return [at.replace(tzinfo=zone).astimezone(UTC) for at in parsed]
    return None


def flags(values: Sequence[Any]) -> list[Any] | None:
    """Values that are booleans already."""
    return list(values) if _types(values) <= _BOOL else None


def records(record_class: type[Record], count: int, columns: Mapping[str, Iterable[Any]]) -> tuple[Record, ...]:
    """This many records from whole columns; a missing column is empty.

    Sets the slots of all records column by column, as the dataclass's constructor does record by record: 0.3 s
    instead of 0.8 s for 100,000 calls.
    """
    created: list[Record] = list(map(object.__new__, repeat(record_class, count)))
    defaults: dict[str, Iterable[Any]] = {"deleted": repeat(False), "attributes": ({} for _ in created)}
    for name in record_class.__dataclass_fields__:
        values = columns.get(name) or defaults.get(name) or repeat(None)
        deque(map(getattr(record_class, name).__set__, created, values), maxlen=0)
    return tuple(created)
