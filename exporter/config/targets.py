"""The forms of a target."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, Tag, model_validator

from exporter.config.fields import Date, Number, OneOf, Section, Share, Title
from exporter.config.messages import discriminator, invalid

_TOLERANCE = 1e-9
"""Binary fractions such as 0.1 + 0.2 + 0.7 may exceed their sum by this much."""


def _check_order(bounds: tuple[float, float]) -> None:
    if bounds[0] > bounds[1]:
        raise invalid("the range is reversed", "within: [low, high], low first")


def _check_shares(shares: Collection[float]) -> None:
    if min(shares) <= 0:
        raise invalid("a share is not above 0", "write a share such as 40%, or remove the team")
    if sum(shares) > 1 + _TOLERANCE:
        raise invalid("the shares add up to more than 100 %", "teams cannot share more than the company's target")


Range = Annotated[tuple[Number, Number], Field(strict=False)]


class Band(Section):
    """A range to stay in, bounds included."""

    within: Range
    """[low, high]"""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_order(self.within)
        return self


class Goal(Section):
    """A goal to reach from a baseline by a date."""

    from_: Number = Field(alias="from")
    """The baseline: the value at `start`."""
    to: Number
    """The value to reach."""
    start: Date
    """Date of the baseline."""
    by: Date
    """Date by which to reach the goal."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.by <= self.start:
            raise invalid("by is not after start", "start is the date of the baseline, by the date of the goal")
        if self.from_ == self.to:
            raise invalid("from and to are equal", "to keep a value, write it as a number")
        return self


class Reference(StrEnum):
    """The reference period of growth."""

    PREVIOUS = "previous"
    SAME_LAST_YEAR = "same_last_year"


class Growth(Section):
    """A relative increase, or decrease if negative, over the final value of a reference period."""

    growth: Share
    """The increase, such as 15%."""
    over: Annotated[Reference, OneOf.members(Reference)]
    """The reference period."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.growth <= -1:
            raise invalid("growth must be more than -100%", "-10% asks for a tenth less than before")
        return self


class AppliesTo(StrEnum):
    """Whom the company's target judges: every team and person too, or the company alone."""

    ALL = "all"
    OWN = "own"


EQUAL = "equal"
"""The share that every team has in the company's target, and every person in the team's."""


def _share_tag(value: Any) -> str | None:
    return "<shares>" if isinstance(value, dict) else "<equal>" if value == EQUAL else None


Shares = Annotated[
    Annotated[Literal["equal"], Tag("<equal>")] | Annotated[dict[Title, Share], Field(min_length=1), Tag("<shares>")],
    discriminator(_share_tag, "not a valid share", "write equal, or {TEAM: 40%, TEAM: 60%}"),
]


class Entry(Section):
    """A target from a date: the company's, that of a team or a person, or a rule that gives theirs to many."""

    value: Number | None = None
    """The target, in the KPI's unit."""
    within: Range | None = None
    """Or the range to stay in: [low, high]."""
    share: Shares | None = None
    """Or shares of the company's target: `{TEAM: 40%}` for teams, or `equal` for all teams and their people."""
    per_team: Number | None = None
    """Or the target of every team."""
    per_person: Number | None = None
    """Or the target of every person."""
    since: Date = date.min
    """First day on which it applies. Default: always."""
    until: Date | None = None
    """Last day on which it applies."""
    team: Title | None = None
    """Only for this team."""
    person: Title | None = None
    """Only for this person, by id, email or name."""

    @property
    def is_companys(self) -> bool:
        """True if the entry gives the company's own target."""
        return self.team is None and self.person is None and (self.value is not None or self.within is not None)

    def share_of(self, team: str) -> float | None:
        """The share that the entry gives this team by name; None if it names no such share."""
        shares = self.share if isinstance(self.share, dict) else {}
        return next((share for name, share in shares.items() if name.casefold() == team.casefold()), None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        forms = (self.value, self.within, self.share, self.per_team, self.per_person)
        if sum(form is not None for form in forms) != 1:
            message = "an entry needs exactly one of value, within, share, per_team and per_person"
            raise invalid(message, "write value: NUMBER, or within: [low, high]")
        if self.within is not None:
            _check_order(self.within)
        if isinstance(self.share, dict):
            _check_shares(self.share.values())
        if self.value is None and self.within is None and (self.team is not None or self.person is not None):
            raise invalid(
                "share, per_team and per_person are for many", "remove team and person, or write value: NUMBER"
            )
        if self.team is not None and self.person is not None:
            raise invalid("an entry is for a team or a person, not both", "write two entries")
        if self.until is not None and self.until < self.since:
            raise invalid("until is before since", "until is the last day on which the entry applies")
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
_HINT = (
    "a number, {within: [low, high]}, {from, to, start, by}, {growth: 15%, over: previous or same_last_year}, "
    "or a list of {value, since}"
)


def _form_tag(value: Any) -> str | None:
    """The tag of the intended form, so that errors are reported for that form alone."""
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
    discriminator(_form_tag, "not a valid form of a target", _HINT),
]
