"""A KPI: a metric, or arithmetic over metrics, with a target, a period and a direction."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from exporter.config.company import Bands
from exporter.config.expression import Expression, parse
from exporter.config.fields import (
    BetterField,
    Date,
    Duration,
    Many,
    Name,
    Number,
    OneOf,
    PaceField,
    PeriodField,
    Scope,
    ScopeField,
    Section,
    Status,
    StatusField,
    Text,
    Title,
)
from exporter.config.messages import fault
from exporter.config.targets import Target

_CURE = "a metric's name, or arithmetic over metric names such as deals_won / deals_closed"
_MONTHS_OF_REVIEW = {"monthly": 1, "quarterly": 3, "yearly": 12}


def _expression(value: Any) -> Any:
    if not isinstance(value, str):
        raise fault("the value names no metric", _CURE)
    try:
        return parse(value)
    except ValueError as error:
        raise fault(str(error), _CURE) from None


Value = Annotated[
    Expression, BeforeValidator(_expression), WithJsonSchema({"type": "string", "examples": ["won / closed"]})
]


class Alerts(Section):
    """Who hears of what, and after how long."""

    for_: Duration = Field(default=timedelta(minutes=30), alias="for")
    """How long a status must last before anybody is told."""
    notify: Many[Name] = ()
    """Contacts to tell."""
    on: Many[StatusField] = (Status.AT_RISK, Status.OFF_TRACK)
    """The statuses to tell of, such as at_risk, off_track, exceeded."""


class Objective(Section):
    """A broad outcome that some KPIs make measurable."""

    name: Name
    """What KPIs call it; a label of its series."""
    title: Title
    """As viewers read it."""
    owner: Title
    """Who answers for it."""
    description: Text | None = None
    """Further words for viewers."""


class Kpi(Section):
    """One KPI."""

    name: Name
    """Its `kpi` label in every series; renaming starts its history anew."""
    title: Title
    """As viewers read it."""
    objective: Name
    """The objective it makes measurable."""
    department: Title
    """The department that works on it; it gets a dashboard of its own."""
    owner: Title
    """Who answers for it, such as an email address."""
    why: Text
    """Why this number matters: shown beside it."""
    value: Value
    """A metric's name, or arithmetic over metric names and numbers with + - * / ( )."""
    unit: Title | None = None
    """count, ratio, currency, seconds, score, or free text. Default: what follows from its metrics."""
    period: PeriodField
    """The calendar span it accumulates over."""
    better: BetterField
    """Which way is good."""
    target: Target | None = None
    """What is to be reached in a whole period."""
    scale: Annotated[Number, Field(gt=0)] | None = None
    """The miss that counts as fully failed; needed where a target is 0."""
    pace: PaceField | None = None
    """How the target fills up over the period. Default: workdays where the company names them and the KPI is a flow,
    linear for other flows and for baseline goals, else none."""
    scopes: Annotated[tuple[ScopeField, ...], Field(strict=False, min_length=1)] = (Scope.COMPANY,)
    """Which of company, team and person get series of their own."""
    supporting: Many[Name] = ()
    """Metrics that explain it."""
    guard: Name | None = None
    """A KPI that must not be red while this one is green."""
    bands: Bands | None = None
    """Where its status changes. Default: the company's."""
    min_sample: Annotated[Number, Field(ge=0)] | None = None
    """Fewer rows than this give no verdict. Default 20 for ratios, 5 for means, none for the rest."""
    min_elapsed: Annotated[Number, Field(ge=0, le=1)] = 0.1
    """Before this share of the period a paced KPI gets no verdict."""
    decision: Text | None = None
    """Which decision it helps to make."""
    review: Annotated[Literal["monthly", "quarterly", "yearly"], OneOf(tuple(_MONTHS_OF_REVIEW))] | None = None
    """How often its definition is to be looked at again."""
    reviewed: Date | None = None
    """When it was last reviewed."""
    alerts: Alerts | None = None
    """Who hears when its status turns."""
    weight: Annotated[Number, Field(gt=0)] = 1.0
    """Relative weight in its objective's score."""

    @property
    def review_due(self) -> date | None:
        """The day by which it is to be reviewed again; None where `review` or `reviewed` is not given."""
        if self.review is None or self.reviewed is None:
            return None
        months = self.reviewed.month - 1 + _MONTHS_OF_REVIEW[self.review]
        year, month = self.reviewed.year + months // 12, months % 12 + 1
        return date(year, month, min(self.reviewed.day, monthrange(year, month)[1]))
