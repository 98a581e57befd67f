"""Instants from what vendors write: ISO texts, epochs in three units, and formats named in the config."""

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

TimestampParser = Callable[[str, tzinfo], datetime | None]
"""From text to an aware instant; None or ValueError if the text has another format."""

BUILT_IN = frozenset({"iso", "epoch", "epoch_ms"})
"""Formats that are names, not strptime patterns."""


def instant(value: Any, field: str, zone: tzinfo, formats: Sequence[str] = ()) -> datetime | None:
    """An aware UTC instant, or None for an empty value and for conventions for "unset" (epoch 0, 9999-12-31).

    Without `formats`: ISO 8601 with or without offset, or an epoch in seconds, milliseconds or microseconds by
    its size. `formats` are tried in order: iso, epoch, epoch_ms, or strptime formats. A time without an offset
    is in `zone`, a bare date is that day's midnight there. Raises InvalidRecordError(BAD_TIME).
    """
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return _normalise(value if value.tzinfo else value.replace(tzinfo=zone), field)
    try:
        parsed = _parse_formats(value, zone, formats) if formats else _parse_any(value, zone)
    except (ValueError, OverflowError, OSError, ArithmeticError):
        raise InvalidRecordError(Reason.BAD_TIME, field) from None
    return None if parsed is None else _normalise(parsed, field)


def _normalise(at: datetime, field: str) -> datetime | None:
    if at.year not in _YEARS:
        raise InvalidRecordError(Reason.BAD_TIME, field)
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return None if at == _EPOCH else at


def _parse_any(value: Any, zone: tzinfo) -> datetime | None:
    if not isinstance(value, str):
        return _from_epoch(_finite(value))
    text = value.strip()
    if not _DIGITS.fullmatch(text):
        return _parse_iso(text, zone)
    # digits only: eight are a date without dashes, the usual lengths are an epoch, anything else is ambiguous
    digits = text.partition(".")[0]
    if len(digits) == 8 and digits == text:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    if len(digits) in _EPOCH_DIGITS or float(text) == 0:
        return _from_epoch(float(text) if "." in text else int(text))
    raise ValueError


def _parse_formats(value: Any, zone: tzinfo, formats: Sequence[str]) -> datetime | None:
    for pattern in formats:
        try:
            if pattern == "epoch":
                return _EPOCH + timedelta(seconds=_finite(value))
            if pattern == "epoch_ms":
                return _EPOCH + timedelta(milliseconds=_finite(value))
            if not isinstance(value, str):
                continue
            text = value.strip()
            if pattern == "iso":
                return _parse_iso(text, zone)
            if (at := parser(pattern)(text, zone)) is not None:
                return at
        except (ValueError, OverflowError):
            continue
    raise ValueError


def _parse_iso(text: str, zone: tzinfo) -> datetime | None:
    if not text or text.startswith(_UNSET_TEXTS):
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _from_epoch(number: float) -> datetime | None:
    """Seconds, milliseconds or microseconds, distinguished by size: each range is 1973 to 5138 in its unit alone."""
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


_DIRECTIVES = {
    "%Y": r"(?P<year>\d{4})",
    "%m": r"(?P<month>\d{1,2})",
    "%d": r"(?P<day>\d{1,2})",
    "%H": r"(?P<hour>\d{1,2})",
    "%M": r"(?P<minute>\d{1,2})",
    "%S": r"(?P<second>\d{1,2})",
}


@lru_cache(maxsize=256)
def parser(pattern: str) -> TimestampParser:
    """A function that parses one strptime format. Purely numeric formats take a third of the time of strptime."""
    regex, directives = "", []
    for piece in re.findall(r"%.|[^%]+|%", pattern):
        if piece in _DIRECTIVES:
            regex += _DIRECTIVES[piece]
            directives.append(piece)
        elif piece.startswith("%"):
            return _strptime(pattern)
        else:
            regex += re.escape(piece)
    if not {"%Y", "%m", "%d"} <= set(directives) or len(set(directives)) != len(directives):
        return _strptime(pattern)
    return _numeric(re.compile(regex, re.ASCII))


def _numeric(regex: re.Pattern[str]) -> TimestampParser:
    groups = [regex.groupindex.get(unit) for unit in ("year", "month", "day", "hour", "minute", "second")]

    def parse(text: str, zone: tzinfo) -> datetime | None:
        match = regex.fullmatch(text)
        if match is None:
            return None
        year, month, day, hour, minute, second = [int(match[group]) if group else 0 for group in groups]
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)

    return parse


def _strptime(pattern: str) -> TimestampParser:
    def parse(text: str, zone: tzinfo) -> datetime:
        at = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is added below if the format has none
        return at if at.tzinfo else at.replace(tzinfo=zone)

    return parse
