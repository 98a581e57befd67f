"""A KPI: a metric, or arithmetic over metrics, with a target, a period and a direction."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from exporter.config.company import Bands
from exporter.config.dated import Dated, DatedField
from exporter.config.expression import Expression, metrics_of, parse
from exporter.config.fields import (
    BetterField,
    Date,
    Duration,
    Many,
    Name,
    Number,
    OneOf,
    PaceField,
    Period,
    PeriodField,
    Recipient,
    RecipientField,
    Scope,
    ScopeField,
    Section,
    Share,
    Status,
    StatusField,
    Text,
    Title,
)
from exporter.config.messages import invalid
from exporter.config.targets import AppliesTo, Target

_HINT = "write a metric's name, or arithmetic over metric names such as deals_won / deals_closed"
_IN_A_ROW = {Period.DAY: 20, Period.WEEK: 8, Period.MONTH: 4, Period.QUARTER: 3, Period.YEAR: 2}
_REVIEW_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}


def _expression(value: Any) -> Any:
    if not isinstance(value, str):
        raise invalid("the value names no metric", _HINT)
    try:
        return parse(value)
    except ValueError as error:
        raise invalid(str(error), _HINT) from None


Value = Annotated[
    Expression, BeforeValidator(_expression), WithJsonSchema({"type": "string", "examples": ["won / closed"]})
]


class SlackRule(Section):
    """How much of a period's slack may be spent in how short a time before contacts are notified.

    Slack is what a KPI that has to hold all along may miss in a whole period: with a target of 80 %, 20 % of events.
    """

    spent: Annotated[Share, Field(gt=0, le=1)]
    """Share of the period's slack, such as 10%."""
    within: Annotated[Duration, Field(ge=timedelta(minutes=12), le=timedelta(days=31))]
    """Opening hours within which it is spent, such as 8h. A twelfth of it has to be as bad, so that the alert ends
    soon after the cause."""

    @property
    def windows(self) -> tuple[timedelta, timedelta]:
        """The long and the short window, in opening hours."""
        return self.within, self.within / 12


class Alerts(Section):
    """Which statuses to notify about, whom, and after how long."""

    scopes: Annotated[tuple[ScopeField, ...], Field(strict=False, min_length=1)] = (Scope.COMPANY,)
    """Whose status to notify about: company notifies contacts, team the team's lead, person each person. Leads and
    persons get one email a day at most."""
    people_to: Annotated[tuple[RecipientField, ...], Field(strict=False, min_length=1)] = (Recipient.PERSON,)
    """Who hears of a person's status: person (at the email that a source gives), lead, or both."""

    for_: Duration = Field(default=timedelta(minutes=30), alias="for")
    """How long a status must last before contacts are notified."""
    notify: Many[Name] = ()
    """Contacts to notify."""
    on: Many[StatusField] = (Status.AT_RISK, Status.OFF_TRACK)
    """Statuses to notify about, such as at_risk, off_track, exceeded."""

    slack: Many[SlackRule] = ()
    """For a KPI that has to hold all along, such as a service level: notify when its slack is spent too fast. The KPI
    is a share of events with a fixed target."""
    in_a_row: Annotated[int, Field(ge=2, le=60)] | None = None
    """After how many final periods in a row with a missed, or exceeded, target its owner is told. Default: 20 days,
    8 weeks, 4 months, 3 quarters or 2 years."""

    def emails_persons(self) -> bool:
        """True if persons are notified about themselves."""
        return Scope.PERSON in self.scopes and Recipient.PERSON in self.people_to

    def emails_leads(self) -> bool:
        """True if the leads of teams are notified."""
        return Scope.TEAM in self.scopes or (Scope.PERSON in self.scopes and Recipient.LEAD in self.people_to)


class Objective(Section):
    """A broad outcome, made measurable by KPIs."""

    name: Name
    """Name that KPIs refer to; a label of its series."""
    title: Title
    """Title on dashboards."""
    owner: Title
    """Who is responsible for it."""
    description: Text | None = None
    """Longer description for dashboards."""


class Kpi(Section):
    """One KPI."""

    name: Name
    """Its `kpi` label in every series. After renaming it, its history starts again."""
    title: Title
    """Title on dashboards."""
    objective: Name
    """The objective it belongs to."""
    department: Title
    """The department that works on it. Each department has its own dashboard."""
    owner: Title
    """Who is responsible for it, such as an email address."""
    why: Text
    """Why this KPI matters; shown next to it."""
    formulas: DatedField[Value] = Field(alias="value")
    """A metric's name, or arithmetic over metric names and numbers with + - * / ( ). If the definition changed,
    a list of {is, since}: each period uses the one in force on its last day."""
    unit: Title | None = None
    """count, number, ratio (a percentage), currency, seconds, score, points, or free text. Default: follows from
    its metrics; a quotient of the same unit is a number."""
    period: PeriodField
    """The calendar period over which it accumulates."""
    better: BetterField
    """The direction that counts as an improvement."""
    target: Target | None = None
    """The value to reach in a whole period."""
    applies_to: Annotated[AppliesTo, OneOf.members(AppliesTo)] | None = None
    """Whom the company's target judges. all: teams and people too, unless they have their own. own: the company alone.
    Default: all for ratios, means, seconds, scores, points and growth, otherwise own."""
    scale: Annotated[Number, Field(gt=0)] | None = None
    """The deviation that counts as a complete miss; required for a target of 0."""
    pace: PaceField | None = None
    """How the target is spread over the period. Default: workdays for flows if the company names its
    workdays, linear for other flows and for goals with a baseline, otherwise none. By workdays, a period
    without any has the status day_off: no target and no verdict."""
    scopes: Annotated[tuple[ScopeField, ...], Field(strict=False, min_length=1)] = (Scope.COMPANY,)
    """Which of company, team and person have their own series."""
    supporting: Many[Name] = ()
    """Metrics that explain why it changes."""
    guard: Name | None = None
    """A KPI that must not turn red for the sake of this one."""
    bands: DatedField[Bands] | None = None
    """Ratios at which its status changes, or a list of {is, since}. Default: the company's."""
    min_sample: Annotated[Number, Field(ge=0)] | None = None
    """With fewer counted events than this there is no status. Default: 20 for ratios and other quotients of the same
    unit, 5 for means, otherwise none."""
    min_elapsed: Annotated[Number, Field(ge=0, le=1)] = 0.1
    """Share of the period before which a KPI with a pace has no status."""
    decision: Text | None = None
    """The decision that it supports."""
    review: Annotated[Literal["monthly", "quarterly", "yearly"], OneOf(tuple(_REVIEW_MONTHS))] | None = None
    """How often to review its definition."""
    reviewed: Date | None = None
    """Date of the last review."""
    alerts: Alerts | None = None
    """Notifications about its status."""
    weight: DatedField[Annotated[Number, Field(gt=0)]] = Dated.always(1.0)
    """Relative weight in the score of its objective, or a list of {is, since}."""

    @property
    def value(self) -> Expression:
        """The latest formula, which gives the KPI its unit and its kind; see `formulas` for the past."""
        return self.formulas.latest

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics in any of its formulas, those of the latest first."""
        return tuple(dict.fromkeys(name for formula in reversed(self.formulas.values) for name in metrics_of(formula)))

    @property
    def explained_by(self) -> tuple[str, ...]:
        """Names of the metrics in its latest formula and of its supporting metrics, each once."""
        return tuple(dict.fromkeys((*metrics_of(self.value), *self.supporting)))

    @property
    def in_a_row(self) -> int:
        """After how many periods in a row with a missed or exceeded target its owner is told."""
        configured = self.alerts.in_a_row if self.alerts is not None else None
        return configured or _IN_A_ROW[self.period]

    @property
    def review_due(self) -> date | None:
        """The date by which to review it again; None without `review` or `reviewed`."""
        if self.review is None or self.reviewed is None:
            return None
        months = self.reviewed.month - 1 + _REVIEW_MONTHS[self.review]
        year, month = self.reviewed.year + months // 12, months % 12 + 1
        return date(year, month, min(self.reviewed.day, monthrange(year, month)[1]))
