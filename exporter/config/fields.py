"""Constrained types that config sections are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Section(BaseModel):
    """A part of the config: unknown keys are refused, nothing changes after the check, input is never echoed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


def parse_duration(text: Any) -> timedelta:
    """`60s`, `5m`, `1h`, `1d` or a sum such as `1h30m`; raises ValueError with the cure."""
    if isinstance(text, timedelta):
        return text
    parts = _DURATION.findall(text) if isinstance(text, str) else []
    if not parts or "".join(n + u for n, u in parts) != text:
        raise ValueError("a duration is a number with a unit: 60s, 5m, 1h, 1d")
    return timedelta(seconds=sum(int(n) * _UNITS[u] for n, u in parts))


def parse_date(text: Any) -> date:
    """An ISO date; raises ValueError with the cure."""
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError("a date is written YYYY-MM-DD") from None


def parse_share(text: Any) -> float:
    """`15%` as 0.15, or a plain number; raises ValueError with the cure."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text)
    if isinstance(text, str) and re.fullmatch(r"[-+]?\d+(\.\d+)?%", text):
        return float(text[:-1]) / 100
    raise ValueError("a share is a percentage such as 15% or a number such as 0.15")


def _plain_text(text: str) -> str:
    if any(ord(c) < 32 and c not in "\n\t" for c in text):
        raise ValueError("text may not hold control characters")
    return text


def _enum(kind: type[StrEnum]) -> BeforeValidator:
    def convert(value: Any) -> Any:
        names = [member.value for member in kind]
        if isinstance(value, str) and value in names:
            return kind(value)
        raise ValueError(f"one of {', '.join(names)}")

    return BeforeValidator(convert)


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""An identifier that becomes part of series names and labels: lower case, digits and underscores."""

Text = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_plain_text)]
Title = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_plain_text)]
Number = Annotated[float, Field(strict=False, allow_inf_nan=False, ge=-1e15, le=1e15)]
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(ms|s|m|h|d))+$", "examples": ["60s", "5m", "1h"]}),
]
Date = Annotated[date, BeforeValidator(parse_date), WithJsonSchema({"type": "string", "format": "date"})]
Share = Annotated[
    float,
    BeforeValidator(parse_share),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[-+]?\d+(\.\d+)?%$"}]}),
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


LocalPath = Annotated[Path, Field(strict=False)]
"""A path, relative to the config file."""


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


PeriodField = Annotated[Period, _enum(Period)]
BetterField = Annotated[Better, _enum(Better)]
ScopeField = Annotated[Scope, _enum(Scope)]
PaceField = Annotated[Pace, _enum(Pace)]
StatusField = Annotated[Status, _enum(Status)]
WeekdayField = Annotated[Weekday, _enum(Weekday)]


class Secret(Section):
    """Where a secret is read from, at each use, so that a rotated file is picked up. Its value is never kept."""

    env: str | None = None
    """Name of an environment variable."""
    file: LocalPath | None = None
    """Path of a file whose trimmed content is the secret."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("a secret is exactly one of {env: NAME} or {file: PATH}")
        return self

    def reveal(self, environ: Mapping[str, str], base: Path) -> str:
        """The secret's value; raises LookupError naming the variable or path, never a value."""
        if self.env is not None:
            value = environ.get(self.env, "")
            place = f"environment variable {self.env}"
        else:
            path = base / (self.file or "")
            place = f"file {self.file}"
            try:
                value = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                raise LookupError(f"{place} cannot be read") from None
        value = value.strip()
        if not value:
            raise LookupError(f"{place} is missing or empty")
        return value


def _no_literal_secret(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError("a secret may not stand in the config: write {env: NAME} or {file: PATH}")
    return value


SecretField = Annotated[Secret, BeforeValidator(_no_literal_secret)]
