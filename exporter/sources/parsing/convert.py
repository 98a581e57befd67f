"""Converts vendors' values to the types of columns; each function returns the value or raises InvalidRecordError.

An empty value (None or an empty text) is None everywhere. No message contains a value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, TypeVar

from exporter.errors import InvalidRecordError, Reason
from exporter.sources.parsing.timestamps import instant

__all__ = [
    "choice", "currency", "flag", "identifier", "instant", "minor_digits", "money", "number", "seconds", "text",
]  # fmt: skip

MappedValue = TypeVar("MappedValue")

LIMIT = 10**15
"""Numbers and amounts beyond this are errors."""

LONGEST_TEXT = 65536

LONGEST_NUMBER = 400
"""The most digits before or after the point of a number that is written as text."""

_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
_PLACES = Decimal("0.000001")
_NUMERIC = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_CLOCK = re.compile(r"([0-9]{1,4}):([0-5][0-9]):([0-5][0-9])")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_TRUE = frozenset({"true", "yes", "y", "1"})
_FALSE = frozenset({"false", "no", "n", "0"})

# ISO 4217 currencies whose smallest unit is not a hundredth.
_NO_MINOR = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THOUSANDTHS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


def text(value: Any, field: str) -> str | None:
    """Trimmed text; flags are written as text, characters that no database stores become U+FFFD.

    A number is written with all its digits: 7, 7.0 and 7e0 are "7", a Decimal keeps its decimals. Raises
    InvalidRecordError(BAD_TYPE) for objects and lists, (NOT_A_NUMBER or OUT_OF_RANGE) for NaN, Infinity and 1e999.
    """
    if isinstance(value, str):
        return _storable(value.strip())[:LONGEST_TEXT] or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return _digits(value, field)
    raise InvalidRecordError(Reason.BAD_TYPE, field)


def identifier(value: Any, field: str = "id") -> str | None:
    """The text that identifies a record: two values have the same one only if they are the same text or number.

    Raises the errors of `text`, and InvalidRecordError(BAD_TYPE) for a flag and for a text that cannot be stored as
    it is, (OUT_OF_RANGE) for one that is too long: replacing or cutting could make two ids equal.
    """
    if isinstance(value, bool):
        raise InvalidRecordError(Reason.BAD_TYPE, field)
    if isinstance(value, str):
        value = value.strip()
        if len(value) > LONGEST_TEXT:
            raise InvalidRecordError(Reason.OUT_OF_RANGE, field)
        if _storable(value) != value:
            raise InvalidRecordError(Reason.BAD_TYPE, field)
    return text(value, field)


def _storable(value: str) -> str:
    if value.isascii() and "\x00" not in value:
        return value
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")


def _digits(value: float | Decimal, field: str) -> str:
    if isinstance(value, int):
        return str(value)
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))  # the shortest digits for this float
    if exact.is_nan():
        raise InvalidRecordError(Reason.NOT_A_NUMBER, field)
    exponent = exact.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -LONGEST_NUMBER or exact.adjusted() > LONGEST_NUMBER:
        raise InvalidRecordError(Reason.OUT_OF_RANGE, field)
    if isinstance(value, float) and value.is_integer():
        return str(int(exact))
    return format(exact, "f")


def number(value: Any, field: str) -> float | None:
    """A finite number up to 10^15, also as text with a decimal point.

    Raises InvalidRecordError(NOT_A_NUMBER) for "12,5", NaN, flags and objects, (OUT_OF_RANGE) for 1e999.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        if not _NUMERIC.fullmatch(value := value.strip()):
            if not value:
                return None
            raise InvalidRecordError(Reason.NOT_A_NUMBER, field)
    elif isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidRecordError(Reason.NOT_A_NUMBER, field)
    try:
        parsed = float(value)
    except OverflowError:
        parsed = math.inf
    except ValueError:  # a signalling NaN of Decimal
        parsed = math.nan
    if -LIMIT <= parsed <= LIMIT:
        return parsed
    raise InvalidRecordError(Reason.NOT_A_NUMBER if math.isnan(parsed) else Reason.OUT_OF_RANGE, field)


def seconds(value: Any, field: str, unit: str = "s") -> float | None:
    """A duration in seconds from ms, s, min or h; a text may also be H:MM:SS.

    Raises the errors of `number`, and InvalidRecordError(NEGATIVE_DURATION).
    """
    if isinstance(value, str) and ":" in value and (clock := _CLOCK.fullmatch(value.strip())):
        hours, minutes, remainder = map(int, clock.groups())
        return float(hours * 3600 + minutes * 60 + remainder)
    duration = number(value, field)
    if duration is None:
        return None
    if duration < 0:
        raise InvalidRecordError(Reason.NEGATIVE_DURATION, field)
    return duration / 1000 if unit == "ms" else duration * _UNIT_SECONDS[unit]


def money(value: Any, field: str, minor: int = 0) -> Decimal | None:
    """An exact amount of at most six decimals; it is shifted by `minor` digits if the vendor counts cents.

    Raises InvalidRecordError(NOT_A_NUMBER or OUT_OF_RANGE).
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        if not _NUMERIC.fullmatch(value := value.strip()):
            if not value:
                return None
            raise InvalidRecordError(Reason.NOT_A_NUMBER, field)
    elif isinstance(value, float):
        value = repr(value)  # the shortest text for this float is what the vendor wrote
    elif isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidRecordError(Reason.NOT_A_NUMBER, field)
    try:
        amount = Decimal(value)
        if amount.is_nan():
            raise InvalidRecordError(Reason.NOT_A_NUMBER, field)
        amount = amount.scaleb(-minor, _EXACT) if minor else amount
        if not -LIMIT <= amount <= LIMIT:
            raise InvalidRecordError(Reason.OUT_OF_RANGE, field)
        return amount if amount.as_tuple().exponent in (0, -1, -2) else amount.quantize(_PLACES, context=_EXACT)
    except (ArithmeticError, ValueError):
        raise InvalidRecordError(Reason.OUT_OF_RANGE, field) from None


def minor_digits(code: str | None) -> int:
    """The decimals of a currency's smallest unit by ISO 4217: 2 for most, and if no currency is known."""
    if code in _NO_MINOR:
        return 0
    return 3 if code in _THOUSANDTHS else 2


def currency(value: Any, field: str) -> str | None:
    """A code of three letters in upper case; raises InvalidRecordError(UNKNOWN_CURRENCY) for other text."""
    if value is None or value == "":
        return None
    code = value.strip() if isinstance(value, str) else ""
    if not _CURRENCY.fullmatch(code):
        raise InvalidRecordError(Reason.UNKNOWN_CURRENCY, field)
    return code.upper()


def flag(value: Any, field: str) -> bool | None:
    """True or false, also as yes/no, y/n, 1/0; raises InvalidRecordError(UNKNOWN_VALUE)."""
    if value is None or isinstance(value, bool):
        return value
    lowered = (text(value, field) or "").lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    if not lowered:
        return None
    raise InvalidRecordError(Reason.UNKNOWN_VALUE, field)


def choice(value: Any, field: str, mapping: Mapping[str, MappedValue]) -> MappedValue | None:
    """The value that `mapping` has for the vendor's value; raises InvalidRecordError(UNKNOWN_VALUE) for any other."""
    key = text(value, field)
    if key is None:
        return None
    try:
        return mapping[key]
    except KeyError:
        raise InvalidRecordError(Reason.UNKNOWN_VALUE, field) from None
