"""The base class of config sections, and the constrained types that sections are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import core_schema

from exporter.config.messages import invalid, nearest
from exporter.records import ENTITIES

_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_MAX_DURATION = timedelta(days=3660)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PERCENT = re.compile(r"[-+]?[0-9]{1,9}(\.[0-9]{1,9})? ?%")

T = TypeVar("T")


class Section(BaseModel):
    """A section of the config. It rejects unknown keys, is immutable, and its errors never repeat the input.

    Validators are built on first use, which keeps the import fast.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)


@dataclass(frozen=True, slots=True)
class TextPattern:
    """Annotates text that must match `pattern` in full; `description` says what it looks like."""

    pattern: str
    description: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^({self.pattern})$"}

    def _check(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise invalid(f"expected {self.description}")
        return text


@dataclass(frozen=True, slots=True)
class OneOf:
    """Annotates a field that takes one of `names`; `convert` maps the name to the field's value."""

    names: tuple[str, ...]
    convert: Callable[[str], Any] = str

    @classmethod
    def members(cls, enum: type[StrEnum]) -> OneOf:
        """The annotation for a field that takes a member of an enumeration."""
        return cls(tuple(member.value for member in enum), enum)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.names)}

    def _check(self, value: Any) -> Any:
        if isinstance(value, str) and value in self.names:
            return self.convert(value)
        near = nearest(value, self.names) if isinstance(value, str) else None
        raise invalid(f"expected one of {', '.join(self.names)}", f"did you mean {near}?" if near else "")


def parse_duration(text: Any) -> timedelta:
    """`60s`, `5m`, `1h`, `1d` or a sum such as `1h30m`; raises ValueError with a hint."""
    if isinstance(text, timedelta):
        return text
    parts = _DURATION.findall(text) if isinstance(text, str) else []
    if not parts or "".join(n + u for n, u in parts) != text:
        raise invalid("expected a duration", "a number with a unit: 60s, 5m, 1h, 1d")
    seconds = sum(int(n) * _UNIT_SECONDS[u] for n, u in parts)
    if seconds > _MAX_DURATION.total_seconds():
        raise invalid("the duration is too long", f"{_MAX_DURATION.days}d at most")
    return timedelta(seconds=seconds)


def duration_text(span: timedelta) -> str:
    """The duration as written in a config, in its largest whole unit: 90s, 15m, 24h, 400d."""
    seconds = span.total_seconds()
    if not seconds.is_integer():
        return f"{round(seconds * 1000)}ms"
    total = int(seconds)
    for size, unit, minimum in ((86400, "d", 172800), (3600, "h", 3600), (60, "m", 60)):
        if total >= minimum and total % size == 0:
            return f"{total // size}{unit}"
    return f"{total}s"


def parse_date(text: Any) -> date:
    """An ISO date; raises ValueError with a hint."""
    if isinstance(text, date):
        return text
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        raise invalid("expected a date", "written YYYY-MM-DD, such as 2026-03-31")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise invalid("this date does not exist", "written YYYY-MM-DD, such as 2026-03-31") from None


def parse_share(text: Any) -> float:
    """`15%` as 0.15, or a plain number; raises ValueError with a hint."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text)
    if isinstance(text, str) and _PERCENT.fullmatch(text):
        return float(text.rstrip(" %")) / 100
    raise invalid("expected a percentage", "such as 15%, or the number 0.15")


def _plain_text(text: str) -> str:
    if any(ord(c) < 32 and c not in "\n\t" for c in text):
        raise invalid("text must not contain control characters")
    if not text.strip():
        raise invalid("the text is empty")
    return text.strip()


def _one_line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise invalid("the text has more than one line", "write one line without tabs")
    return text


Name = Annotated[
    str,
    TextPattern(
        r"[a-z][a-z0-9_]{0,62}", "a name of lower-case letters, digits and underscores that starts with a letter"
    ),
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
Currency = Annotated[str, TextPattern("[A-Z]{3}", "an ISO 4217 currency code such as EUR")]
Email = Annotated[str, TextPattern(r"[^@\s]+@[^@\s]+", "an email address")]
WebAddress = Annotated[
    str,
    TextPattern(
        r"https?://[^\s/?#@]+(/[^\s?#]*)?",
        "an address such as https://api.example.com/v1, without user or query",
    ),
]
Many = Annotated[tuple[T, ...], Field(strict=False)]
"""A list in the YAML."""

LocalPath = Annotated[Path, Field(strict=False), WithJsonSchema({"type": "string", "minLength": 1})]
"""A path, relative to the directory of the config file."""

_WHERE_HINT = "write {env: NAME} for an environment variable or {file: PATH} for a file"

VariableName = Annotated[
    str,
    TextPattern(
        "[A-Z][A-Z0-9_]{0,127}", "the name of an environment variable, in capitals and never the secret itself"
    ),
]
"""Capitals only, which rejects nearly every secret that was pasted in place of its variable's name."""


class Secret(Section):
    """Where to read a secret from. It is read at each use, so a rotated file takes effect, and never stored."""

    env: VariableName | None = None
    """Name of an environment variable."""
    file: LocalPath | None = None
    """Path of a file that contains the secret. Surrounding whitespace is removed."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise invalid("a secret is read from exactly one place", _WHERE_HINT)
        return self

    def reveal(self, environ: Mapping[str, str], base: Path) -> str:
        """The secret's value. Raises LookupError with the variable or path, never with a value."""
        if self.env is not None:
            value = environ.get(self.env, "")
            origin = f"environment variable {self.env}"
        else:
            origin = f"file {self.file}"
            try:
                value = (base / (self.file or "")).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                raise LookupError(f"{origin} cannot be read") from None
        value = value.strip()
        if not value:
            raise LookupError(f"{origin} is missing or empty")
        return value


def _no_literal_secret(value: Any) -> Any:
    if not isinstance(value, dict | Secret):
        raise invalid("a secret must not be written in the config", _WHERE_HINT)
    if not isinstance(value, Secret) and not value.keys() <= {"env", "file"}:
        raise invalid("a secret takes only the key env or file", _WHERE_HINT)
    return value


SecretField = Annotated[Secret, BeforeValidator(_no_literal_secret)]


class Period(StrEnum):
    """The calendar span a KPI accumulates over."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    __hash__ = str.__hash__  # as a Scope's


class Better(StrEnum):
    """The direction that counts as an improvement."""

    HIGHER = "higher"
    LOWER = "lower"
    WITHIN = "within"


class Scope(StrEnum):
    """Whose value it is."""

    COMPANY = "company"
    TEAM = "team"
    PERSON = "person"

    __hash__ = str.__hash__  # an evaluation looks up hundreds of questions, and Enum hashes in Python


class Recipient(StrEnum):
    """Who hears of alerts about a person."""

    PERSON = "person"
    LEAD = "lead"


class Pace(StrEnum):
    """How a period's target is spread over the period."""

    LINEAR = "linear"
    WORKDAYS = "workdays"
    NONE = "none"

    __hash__ = str.__hash__  # as a Scope's


class Status(StrEnum):
    """The status of a KPI. The first four follow from its ratio, the others say why it has no ratio."""

    EXCEEDED = "exceeded"
    ON_TRACK = "on_track"
    AT_RISK = "at_risk"
    OFF_TRACK = "off_track"
    NO_TARGET = "no_target"
    NO_DATA = "no_data"
    STALE = "stale"
    TOO_EARLY = "too_early"
    TOO_FEW = "too_few"
    DAY_OFF = "day_off"

    __hash__ = str.__hash__  # as a Scope's


class Weekday(StrEnum):
    """Days of the week as written in the config."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"

    @property
    def number(self) -> int:
        """0 for Monday to 6 for Sunday, as in datetime."""
        return list(Weekday).index(self)


PeriodField = Annotated[Period, OneOf.members(Period)]
BetterField = Annotated[Better, OneOf.members(Better)]
ScopeField = Annotated[Scope, OneOf.members(Scope)]
RecipientField = Annotated[Recipient, OneOf.members(Recipient)]
PaceField = Annotated[Pace, OneOf.members(Pace)]
StatusField = Annotated[Status, OneOf.members(Status)]
WeekdayField = Annotated[Weekday, OneOf.members(Weekday)]
