"""The forms a target may take."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, Tag, model_validator

from exporter.config.fields import Date, Number, Section, Share, Title, word_of
from exporter.config.messages import choice, fault


def _in_order(ends: tuple[float, float]) -> None:
    if ends[0] > ends[1]:
        raise fault("the range is upside down", "within: [low, high], low first")


Range = Annotated[tuple[Number, Number], Field(strict=False)]


class Band(Section):
    """A range to stay in: both ends are good."""

    within: Range
    """[low, high]"""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _in_order(self.within)
        return self


class Goal(Section):
    """From a baseline to a goal by a date; the way there is progress."""

    from_: Number = Field(alias="from")
    """The baseline: where it stood at `start`."""
    to: Number
    """The goal."""
    start: Date
    """First day of the way."""
    by: Date
    """The day by which the goal is to be reached."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.by <= self.start:
            raise fault("by is not after start", "start is the day of the baseline, by the day of the goal")
        if self.from_ == self.to:
            raise fault("from and to are equal", "to hold a value, give it as a number")
        return self


class Reference(StrEnum):
    """What growth is measured against."""

    PREVIOUS = "previous"
    SAME_LAST_YEAR = "same_last_year"


class Growth(Section):
    """So much more (or less, with a minus) than a reference period's final value."""

    growth: Share
    """The step, such as 15%."""
    over: Annotated[Reference, word_of(Reference)]
    """The period it is measured against."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.growth <= -1:
            raise fault("growth of -100% or less leaves nothing", "-10% asks for a tenth less than before")
        return self


class Entry(Section):
    """A target from a date on, for everyone, a team or a person."""

    value: Number | None = None
    """The target, in the KPI's unit."""
    within: Range | None = None
    """Or the range to stay in: [low, high]."""
    since: Date = date.min
    """First day on which it holds; without it, always."""
    until: Date | None = None
    """Last day on which it holds."""
    team: Title | None = None
    """Only for this team."""
    person: Title | None = None
    """Only for this person, by name or email."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.value is None) == (self.within is None):
            raise fault("an entry is either a number or a range", "value: NUMBER, or within: [low, high]")
        if self.within is not None:
            _in_order(self.within)
        if self.team is not None and self.person is not None:
            raise fault("an entry is for a team or for a person, not for both", "write two entries")
        if self.until is not None and self.until < self.since:
            raise fault("until is before since", "until is the last day on which the entry holds")
        return self


_FORMS = {
    "within": "<band>",
    "growth": "<growth>",
    "over": "<growth>",
    "to": "<goal>",
    "from": "<goal>",
    "by": "<goal>",
    "start": "<goal>",
}
_CURE = (
    "a number, {within: [low, high]}, {from, to, start, by}, {growth: 15%, over: previous or same_last_year}, "
    "or a list of {value, since}"
)


def _form(value: Any) -> str | None:
    """Which form was meant, so that a fault is reported for that form alone."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "<number>"
    if isinstance(value, list | tuple):
        return "<entries>"
    if isinstance(value, dict):
        return next((form for key, form in _FORMS.items() if key in value), None)
    forms: tuple[tuple[type, str], ...] = ((Band, "<band>"), (Goal, "<goal>"), (Growth, "<growth>"))
    return next((form for kind, form in forms if isinstance(value, kind)), None)


Target = Annotated[
    Annotated[Number, Tag("<number>")]
    | Annotated[Band, Tag("<band>")]
    | Annotated[Goal, Tag("<goal>")]
    | Annotated[Growth, Tag("<growth>")]
    | Annotated[tuple[Entry, ...], Field(strict=False, min_length=1), Tag("<entries>")],
    choice(_form, "not one of the forms of a target", _CURE),
]
