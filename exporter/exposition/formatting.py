"""Formats numbers, durations and ages for people: on the status page and in the tables of the commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

ABSENT = "–"

_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"))


def amount(value: float | None, unit: str, currency: str) -> str:
    """A value in its unit: `1,234.5`, `62.3 %`, `CHF 1.20M`, `1m 07s`, `42 pts`; a custom unit follows the number."""
    if value is None:
        return ABSENT
    if unit == "currency":
        return f"{currency} {_money(value)}"
    own_format = _FORMATS.get(unit)
    return own_format(value) if own_format else f"{_number(value)} {unit}"


def _number(value: float) -> str:
    """A number with thousands separators and few decimals; millions and above are shortened."""
    for size, letter in _SCALES:
        if abs(value) >= size:
            return f"{value / size:,.2f}{letter}"
    if value == int(value) or abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:,.2f}"


def _plain_number(value: float) -> str:
    """Two decimals at most, but three digits of a fraction: `2.5`, `0.623`, `0.00412`."""
    if 0 < abs(value) < 1:
        return f"{value:.3g}"
    text = _number(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _points(value: float) -> str:
    """One decimal or none, and never a negative zero."""
    return f"{round(value, 1) + 0.0:,.1f}".removesuffix(".0")


def _money(value: float) -> str:
    """An amount: no decimals from a thousand on, two below; millions and above are shortened."""
    return _number(value) if abs(value) >= 1e6 else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}"


def ratio(value: float | None) -> str:
    """A target ratio with two decimals, as 1 is the target."""
    return ABSENT if value is None else f"{value:.2f}"


def span(seconds: float) -> str:
    """A duration: `8.4s`, `1m 07s`, `2h 05m`, `3d 04h`."""
    sign, rest = ("-", -seconds) if seconds < 0 else ("", seconds)
    if rest < 59.95:
        return f"{sign}{rest:.1f}s"
    rounded = round(rest)
    if rounded < 3600:
        return f"{sign}{rounded // 60}m {rounded % 60:02d}s"
    if rounded < 86400:
        return f"{sign}{rounded // 3600}h {rounded % 3600 // 60:02d}m"
    return f"{sign}{rounded // 86400}d {rounded % 86400 // 3600:02d}h"


_FORMATS: Mapping[str, Callable[[float], str]] = {
    "count": _number,
    "number": _plain_number,
    "ratio": lambda value: f"{value * 100:,.1f} %",
    "seconds": span,
    "score": lambda value: f"{value:,.2f}",
    "points": lambda value: f"{_points(value)} pts",
}


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, in one unit: `just now`, `12s ago`, `3 min ago`, `2 days ago`; future times as `in 3 min`."""
    if since is None:
        return "never"
    seconds = (now - since) / timedelta(seconds=1)
    if abs(seconds) < 2:
        return "just now"
    text = f"{abs(seconds):.0f}s"
    for size, unit in ((86400, "day"), (3600, "h"), (60, "min")):
        if abs(seconds) >= size:
            count = int(abs(seconds) // size)
            text = f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
            break
    return f"{text} ago" if seconds > 0 else f"in {text}"
