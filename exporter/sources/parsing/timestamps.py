"""Instants out of what vendors write: ISO texts, epochs in three units, and formats named in the config."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any

from exporter.errors import InvalidRecordError, Reason

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS = range(1900, 2201)
_UNSET_TEXTS = ("0000-00-00", "0001-01-01", "9999-12-31")
_DIGITS = re.compile(r"[0-9]+(\.[0-9]+)?")
_EPOCH_DIGITS = frozenset({9, 10, 13, 16})

Parse = Callable[[str, tzinfo], datetime | None]
"""From a text to an aware instant; None or ValueError where it has another format."""

BUILT_IN = frozenset({"iso", "epoch", "epoch_ms"})
"""Formats that are names, not strptime patterns."""


def instant(value: Any, field: str, zone: tzinfo, formats: Sequence[str] = ()) -> datetime | None:
    """An aware UTC instant, or None for an empty value and for the ways of writing "unset" (epoch 0, 9999-12-31).

    Without `formats`: ISO 8601 with or without offset, or an epoch in seconds, milliseconds or microseconds by
    its size. `formats` are tried in order: iso, epoch, epoch_ms, or strptime formats. A time without an offset
    is in `zone`, a bare date is that day's midnight there. Raises InvalidRecordError(BAD_TIME).
    """
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return _checked(value if value.tzinfo else value.replace(tzinfo=zone), field)
    try:
        found = _by_formats(value, zone, formats) if formats else _by_look(value, zone)
    except (ValueError, OverflowError, OSError, ArithmeticError):
        raise InvalidRecordError(Reason.BAD_TIME, field) from None
    return None if found is None else _checked(found, field)


def _checked(found: datetime, field: str) -> datetime | None:
    if found.year not in _YEARS:
        raise InvalidRecordError(Reason.BAD_TIME, field)
    if found.tzinfo is not UTC:
        found = found.astimezone(UTC)
    return None if found == _EPOCH else found


def _by_look(value: Any, zone: tzinfo) -> datetime | None:
    if isinstance(value, str):
        text = value.strip()
        if _DIGITS.fullmatch(text):
            return _epoch_text(text, zone)
        return _iso(text, zone)
    return _from_epoch(_finite(value))


def _by_formats(value: Any, zone: tzinfo, formats: Sequence[str]) -> datetime | None:
    for form in formats:
        try:
            if form == "epoch":
                return _EPOCH + timedelta(seconds=_finite(value))
            if form == "epoch_ms":
                return _EPOCH + timedelta(milliseconds=_finite(value))
            if not isinstance(value, str):
                continue
            text = value.strip()
            if form == "iso":
                return _iso(text, zone)
            if (found := parser(form)(text, zone)) is not None:
                return found
        except (ValueError, OverflowError):
            continue
    raise ValueError


def _iso(text: str, zone: tzinfo) -> datetime | None:
    if not text or text.startswith(_UNSET_TEXTS):
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _epoch_text(text: str, zone: tzinfo) -> datetime | None:
    """Digits only: eight are a date without dashes, the usual lengths an epoch, anything else is ambiguous."""
    whole = text.partition(".")[0]
    if len(whole) == 8 and whole == text:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    if len(whole) in _EPOCH_DIGITS or float(text) == 0:
        return _from_epoch(float(text) if "." in text else int(text))
    raise ValueError


def _from_epoch(number: float) -> datetime | None:
    """Seconds, milliseconds or microseconds, told apart by size: each unit covers 1973 to 5138 alone."""
    size = abs(number)
    if size == 0:
        return None
    for low, high, per_second in ((1e8, 1e11, 1), (1e11, 1e14, 1_000), (1e14, 1e17, 1_000_000)):
        if low <= size < high:
            return _EPOCH + timedelta(microseconds=number * (1_000_000 // per_second))
    raise ValueError


def _finite(value: Any) -> float:
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip().removeprefix("-")):
        value = float(value) if "." in value else int(value)
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return value


_PARTS = {
    "%Y": r"(?P<year>\d{4})",
    "%m": r"(?P<month>\d{1,2})",
    "%d": r"(?P<day>\d{1,2})",
    "%H": r"(?P<hour>\d{1,2})",
    "%M": r"(?P<minute>\d{1,2})",
    "%S": r"(?P<second>\d{1,2})",
}


@lru_cache(maxsize=256)
def parser(form: str) -> Parse:
    """A function that reads one strptime format. Purely numeric formats are read ten times as fast as strptime."""
    pattern, order = "", []
    for piece in re.findall(r"%.|[^%]+|%", form):
        if piece not in _PARTS:
            if piece.startswith("%"):
                return _strptime(form)
            pattern += re.escape(piece)
            continue
        pattern += _PARTS[piece]
        order.append(piece)
    if not {"%Y", "%m", "%d"} <= set(order) or len(set(order)) != len(order):
        return _strptime(form)
    return _numeric(re.compile(pattern, re.ASCII))


def _numeric(pattern: re.Pattern[str]) -> Parse:
    names = ("year", "month", "day", "hour", "minute", "second")
    places = [pattern.groupindex[name] for name in names if name in pattern.groupindex]
    present = [name for name in names if name in pattern.groupindex]
    fill = present == list(names[: len(present)])

    def parse(text: str, zone: tzinfo) -> datetime | None:
        match = pattern.fullmatch(text)
        if match is None:
            return None
        numbers = map(int, match.group(*places))
        if fill:
            return datetime(*numbers, tzinfo=zone)  # type: ignore[arg-type,misc]  # in the order of the constructor
        return datetime(tzinfo=zone, **dict(zip(present, numbers, strict=True)))

    return parse


def _strptime(form: str) -> Parse:
    def parse(text: str, zone: tzinfo) -> datetime:
        found = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is added below where the format has none
        return found if found.tzinfo else found.replace(tzinfo=zone)

    return parse
