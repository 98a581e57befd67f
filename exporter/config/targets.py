"""The forms a target may take."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from exporter.config.fields import Date, Number, Section, Share, Title


class Band(Section):
    """A range to stay in: both ends are good."""

    within: Annotated[tuple[Number, Number], Field(strict=False)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.within[0] > self.within[1]:
            raise ValueError("within is [low, high] with low below high")
        return self


class Goal(Section):
    """From a baseline to a goal by a date; the way there is progress."""

    from_: Number = Field(alias="from")
    to: Number
    start: Date
    by: Date

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.by <= self.start:
            raise ValueError("by must be after start")
        if self.from_ == self.to:
            raise ValueError("from and to are equal: nothing is to be reached")
        return self


class Reference(StrEnum):
    """What growth is measured against."""

    PREVIOUS = "previous"
    SAME_LAST_YEAR = "same_last_year"


def _reference(value: Any) -> Any:
    if value in ("previous", "same_last_year"):
        return Reference(value)
    raise ValueError("one of previous, same_last_year")


class Growth(Section):
    """So much more (or less, with a minus) than a reference period's final value."""

    growth: Share
    over: Annotated[Reference, BeforeValidator(_reference)]


class Entry(Section):
    """A target from a date on, for everyone, a team or a person."""

    value: Number | None = None
    within: Annotated[tuple[Number, Number], Field(strict=False)] | None = None
    since: Date = date.min
    until: Date | None = None
    """Last day on which it holds."""
    team: Title | None = None
    person: Title | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.value is None) == (self.within is None):
            raise ValueError("an entry has a value, or within: [low, high]")
        if self.within is not None and self.within[0] > self.within[1]:
            raise ValueError("within is [low, high] with low below high")
        if self.team is not None and self.person is not None:
            raise ValueError("an entry is for a team or for a person, not both")
        if self.until is not None and self.until < self.since:
            raise ValueError("until must not be before since")
        return self


def _form(value: Any) -> str | None:
    """Which form was meant, so that a fault is reported for that form alone."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    if isinstance(value, list | tuple):
        return "entries"
    keys = value.keys() if isinstance(value, dict) else ()
    forms = {
        "within": "band",
        "growth": "growth",
        "over": "growth",
        "to": "goal",
        "from": "goal",
        "by": "goal",
    }
    return next((form for key, form in forms.items() if key in keys), None)


Target = Annotated[
    Annotated[Number, Tag("number")]
    | Annotated[Band, Tag("band")]
    | Annotated[Goal, Tag("goal")]
    | Annotated[Growth, Tag("growth")]
    | Annotated[tuple[Entry, ...], Field(strict=False, min_length=1), Tag("entries")],
    Discriminator(
        _form,
        custom_error_type="target_form",
        custom_error_message="a target is a number, {within: [low, high]}, {from, to, start, by}, "
        "{growth: 15%, over: previous or same_last_year}, or a list of {value, since}",
    ),
]
