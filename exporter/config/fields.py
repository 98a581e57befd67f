"""Constrained types that config sections are made of."""

from __future__ import annotations

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from exporter.config.messages import fault
from exporter.config.secret import LocalPath, Secret, SecretField
from exporter.config.section import OneOf, Section, Spelled, word_of
from exporter.records import ENTITIES

__all__ = [
    "Better",
    "BetterField",
    "Currency",
    "Date",
    "Duration",
    "Email",
    "EntityName",
    "LocalPath",
    "Many",
    "Name",
    "Number",
    "OneOf",
    "Pace",
    "PaceField",
    "Period",
    "PeriodField",
    "Scope",
    "ScopeField",
    "Secret",
    "SecretField",
    "Section",
    "Share",
    "Spelled",
    "Status",
    "StatusField",
    "Text",
    "Title",
    "WebAddress",
    "Weekday",
    "WeekdayField",
    "duration_text",
    "parse_date",
    "parse_duration",
    "parse_share",
    "word_of",
]  # fmt: skip

_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=3660)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PERCENT = re.compile(r"[-+]?[0-9]{1,9}(\.[0-9]{1,9})? ?%")

T = TypeVar("T")


def parse_duration(text: Any) -> timedelta:
    """`60s`, `5m`, `1h`, `1d` or a sum such as `1h30m`; raises ValueError with the cure."""
    if isinstance(text, timedelta):
        return text
    parts = _DURATION.findall(text) if isinstance(text, str) else []
    if not parts or "".join(n + u for n, u in parts) != text:
        raise fault("expected a duration", "a number with a unit: 60s, 5m, 1h, 1d")
    seconds = sum(int(n) * _UNITS[u] for n, u in parts)
    if seconds > _LONGEST.total_seconds():
        raise fault("the duration is too long", f"{_LONGEST.days}d at most")
    return timedelta(seconds=seconds)


def duration_text(span: timedelta) -> str:
    """The span as a config writes it, in its largest whole unit: 90s, 15m, 24h, 400d."""
    seconds = span.total_seconds()
    if not seconds.is_integer():
        return f"{round(seconds * 1000)}ms"
    whole = int(seconds)
    for size, unit, least in ((86400, "d", 172800), (3600, "h", 3600), (60, "m", 60)):
        if whole >= least and whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def parse_date(text: Any) -> date:
    """An ISO date; raises ValueError with the cure."""
    if isinstance(text, date):
        return text
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        raise fault("expected a date", "written YYYY-MM-DD, such as 2026-03-31")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise fault("there is no such day", "a date is written YYYY-MM-DD, such as 2026-03-31") from None


def parse_share(text: Any) -> float:
    """`15%` as 0.15, or a plain number; raises ValueError with the cure."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text)
    if isinstance(text, str) and _PERCENT.fullmatch(text):
        return float(text.rstrip(" %")) / 100
    raise fault("expected a percentage", "such as 15%, or the number 0.15")


def _plain_text(text: str) -> str:
    if any(ord(c) < 32 and c not in "\n\t" for c in text):
        raise fault("text may not hold control characters")
    if not text.strip():
        raise fault("the text is empty")
    return text.strip()


def _one_line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise fault("the text has more than one line", "a title is one line without tabs")
    return text


Name = Annotated[
    str, Spelled(r"[a-z][a-z0-9_]{0,62}", "a name of lower-case letters, digits and underscores, a letter first")
]
"""An identifier that becomes part of series names and labels: lower case, digits and underscores."""

Text = Annotated[str, Field(max_length=2000), AfterValidator(_plain_text)]
Title = Annotated[str, Field(max_length=128), AfterValidator(_plain_text), AfterValidator(_one_line)]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": r"^([0-9]+(ms|s|m|h|d))+$", "examples": ["60s", "5m", "1h"]}),
]
Date = Annotated[date, BeforeValidator(parse_date), WithJsonSchema({"type": "string", "format": "date"})]
Share = Annotated[
    float,
    BeforeValidator(parse_share),
    Field(allow_inf_nan=False, ge=-1e6, le=1e6),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": _PERCENT.pattern, "examples": ["15%"]}, {"type": "number"}]}
    ),
]
EntityName = Annotated[str, OneOf(tuple(ENTITIES))]
Currency = Annotated[str, Spelled("[A-Z]{3}", "an ISO 4217 currency code such as EUR")]
Email = Annotated[str, Spelled(r"[^@\s]+@[^@\s]+", "an email address")]
WebAddress = Annotated[
    str,
    Spelled(
        r"https?://[^\s/?#@]+(/[^\s?#]*)?",
        "an address such as https://api.example.com/v1, without user or query",
    ),
]
Many = Annotated[tuple[T, ...], Field(strict=False)]
"""A list in the YAML."""


class Period(StrEnum):
    """The calendar span a KPI accumulates over."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Better(StrEnum):
    """Which way is good."""

    HIGHER = "higher"
    LOWER = "lower"
    WITHIN = "within"


class Scope(StrEnum):
    """Whose number it is."""

    COMPANY = "company"
    TEAM = "team"
    PERSON = "person"


class Pace(StrEnum):
    """How a period's target is spread over its days."""

    LINEAR = "linear"
    WORKDAYS = "workdays"
    NONE = "none"


class Status(StrEnum):
    """The verdict on a KPI; the first four by its ratio, the others say why there is none."""

    EXCEEDED = "exceeded"
    ON_TRACK = "on_track"
    AT_RISK = "at_risk"
    OFF_TRACK = "off_track"
    NO_TARGET = "no_target"
    NO_DATA = "no_data"
    STALE = "stale"
    TOO_EARLY = "too_early"
    TOO_FEW = "too_few"


class Weekday(StrEnum):
    """Days as the config writes them; `number` is Monday 0 to Sunday 6."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"

    @property
    def number(self) -> int:
        """Monday is 0, as in datetime."""
        return list(Weekday).index(self)


PeriodField = Annotated[Period, word_of(Period)]
BetterField = Annotated[Better, word_of(Better)]
ScopeField = Annotated[Scope, word_of(Scope)]
PaceField = Annotated[Pace, word_of(Pace)]
StatusField = Annotated[Status, word_of(Status)]
WeekdayField = Annotated[Weekday, word_of(Weekday)]
