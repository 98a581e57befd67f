"""What a piece of unquoted text in the YAML is: nothing, true or false, a number, or text."""

from __future__ import annotations

import math
import re

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|nan)", re.IGNORECASE)
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_DIGITS = 18

Scalar = str | int | float | bool | None


def scalar(text: str) -> Scalar:
    """The value of unquoted text; raises ValueError where it is a number that cannot be held.

    Narrower than YAML 1.1 on purpose: `no`, `on` and `12:30:00` stay text, so do `010`, `0x1F`, `1_000` and dates;
    what expects a number refuses them.
    """
    if text in _WORDS:
        return _WORDS[text]
    if not (text[0].isdigit() or text[0] in "-+."):
        return text
    if _INTEGER.fullmatch(text):
        if len(text.lstrip("+-")) > _DIGITS:
            raise ValueError(f"the number has more than {_DIGITS} digits")
        return int(text)
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("infinity and not-a-number are no values")
    return _decimal(text) if _DECIMAL.fullmatch(text) else text


def _decimal(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("the number is too large")
    return number
