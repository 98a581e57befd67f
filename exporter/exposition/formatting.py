"""Numbers, spans and statuses as people read them: on the page and in the tables of the commands."""

from __future__ import annotations

from datetime import datetime, timedelta

ABSENT = "–"

_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"))


def amount(value: float | None, unit: str, currency: str) -> str:
    """A value in its unit: `1,234.5`, `62.3 %`, `CHF 1.20M`, `1m 07s`; free units follow the number."""
    if value is None:
        return ABSENT
    if unit == "ratio":
        return f"{value * 100:,.1f} %"
    if unit == "seconds":
        return span(value)
    if unit == "currency":
        return f"{currency} {money(value)}"
    if unit == "score":
        return f"{value:,.2f}"
    return plain(value) if unit == "count" else f"{plain(value)} {unit}"


def plain(value: float) -> str:
    """A number with thousands separators and no more digits than are read; millions and above are shortened."""
    for size, letter in _SCALES:
        if abs(value) >= size:
            return f"{value / size:,.2f}{letter}"
    if value == int(value) or abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:,.2f}"


def money(value: float) -> str:
    """An amount: whole from a thousand on, else with two decimals; millions and above are shortened."""
    return plain(value) if abs(value) >= 1e6 else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}"


def ratio(value: float | None) -> str:
    """A target ratio: two decimals, as 1 is the mark."""
    return ABSENT if value is None else f"{value:.2f}"


def span(seconds: float) -> str:
    """A duration: `8.4s`, `1m 07s`, `2h 05m`, `3d 04h`."""
    sign, rest = ("-", -seconds) if seconds < 0 else ("", seconds)
    if rest < 59.95:
        return f"{sign}{rest:.1f}s"
    whole = round(rest)
    if whole < 3600:
        return f"{sign}{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{sign}{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{sign}{whole // 86400}d {whole % 86400 // 3600:02d}h"


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, in one unit: `just now`, `12s ago`, `3 min ago`, `2 days ago`; what is to come as `in 3 min`."""
    if since is None:
        return "never"
    passed = (now - since) / timedelta(seconds=1)
    if abs(passed) < 2:
        return "just now"
    text = _rough(abs(passed))
    return f"{text} ago" if passed > 0 else f"in {text}"


def _rough(seconds: float) -> str:
    for size, unit in ((86400, "day"), (3600, "h"), (60, "min")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return f"{seconds:.0f}s"
