"""A KPI: a metric, or arithmetic over metrics, with a target, a period and a direction."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from exporter.config.company import Bands
from exporter.config.expression import Expression, parse
from exporter.config.fields import (
    BetterField,
    Date,
    Duration,
    Name,
    Number,
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
from exporter.config.targets import Target


def _expression(value: Any) -> Any:
    if isinstance(value, str):
        return parse(value)
    raise ValueError("a metric's name, or arithmetic over metric names such as deals_won / deals_closed")


Value = Annotated[
    Expression, BeforeValidator(_expression), WithJsonSchema({"type": "string", "examples": ["won / closed"]})
]


class Alerts(Section):
    """Who hears of what, and after how long."""

    for_: Duration = Field(default=timedelta(minutes=30), alias="for")
    notify: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    on: Annotated[tuple[StatusField, ...], Field(strict=False)] = (Status.AT_RISK, Status.OFF_TRACK)


class Objective(Section):
    """A broad outcome that some KPIs make measurable."""

    name: Name
    title: Title
    owner: Title
    description: Text | None = None


class Kpi(Section):
    """One KPI."""

    name: Name
    title: Title
    objective: Name
    department: Title
    owner: Title
    why: Text
    """Why this number matters: shown beside it."""
    value: Value
    unit: Title | None = None
    """count, ratio, currency, seconds, score, or free text. Default: the metric's."""
    period: PeriodField
    better: BetterField
    target: Target | None = None
    scale: Annotated[Number, Field(gt=0)] | None = None
    """The miss that counts as fully failed; needed where a target is 0."""
    pace: PaceField | None = None
    scopes: Annotated[tuple[ScopeField, ...], Field(strict=False, min_length=1)] = (Scope.COMPANY,)
    supporting: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    """Metrics that explain it."""
    guard: Name | None = None
    """A KPI that must not be red while this one is green."""
    bands: Bands | None = None
    min_sample: Annotated[Number, Field(ge=0)] | None = None
    """Fewer rows than this give no verdict. Default 20 for ratios, 5 for means, none for the rest."""
    min_elapsed: Annotated[Number, Field(ge=0, le=1)] = 0.1
    """Before this share of the period a paced KPI gets no verdict."""
    decision: Text | None = None
    """Which decision it helps to make."""
    review: Annotated[str, Field(pattern="^(monthly|quarterly|yearly)$")] | None = None
    reviewed: Date | None = None
    """When it was last reviewed."""
    alerts: Alerts | None = None
    weight: Annotated[Number, Field(gt=0)] = 1.0
    """Relative weight in its objective's score."""
