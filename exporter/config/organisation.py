"""What no source knows: teams, contacts, dashboards, alerting and privacy."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from exporter.config.company import Hours
from exporter.config.fields import (
    Date,
    Duration,
    Email,
    Many,
    Name,
    OneOf,
    SecretField,
    Section,
    Spelled,
    Title,
    WebAddress,
)
from exporter.config.messages import fault

_ONE_SECOND = timedelta(seconds=1)


def _member(value: Any) -> Any:
    return {"person": value} if isinstance(value, str) else value


class Member(Section):
    """A person in a team, by email or name, for a time."""

    person: Title
    """Email or name, as a source knows it."""
    since: Date | None = None
    """First day in the team."""
    until: Date | None = None
    """Last day in the team."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.since and self.until and self.until < self.since:
            raise fault("until is before since", "since is the first day in the team, until the last")
        return self


class Team(Section):
    """A team and who was in it when."""

    name: Title
    """As viewers read it; the `team` label."""
    department: Title | None = None
    """The department it belongs to."""
    members: Many[Annotated[Member, BeforeValidator(_member, json_schema_input_type=str | Member)]] = ()
    """Names or emails, or {person, since, until} for a time."""


class Slack(Section):
    """An incoming webhook of Slack."""

    webhook: SecretField
    """The webhook's URL, which is a secret."""
    channel: Title | None = None
    """Channel to post to, where it is not the webhook's own."""


class Webhook(Section):
    """Any URL that takes Alertmanager's JSON."""

    url: SecretField | WebAddress
    """Address to post to; as a secret where it holds a token."""


class Teams(Section):
    """An incoming webhook of Microsoft Teams."""

    webhook: SecretField
    """The webhook's URL, which is a secret."""


class Contact(Section):
    """Somebody, or some channel, to be told. Exactly one way."""

    name: Name
    """What `notify` calls it."""
    email: Email | None = None
    """An address; needs alerting.smtp."""
    slack: Slack | None = None
    """A Slack channel."""
    webhook: Webhook | None = None
    """A program of one's own."""
    teams: Teams | None = None
    """A Microsoft Teams channel."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.email, self.slack, self.webhook, self.teams)) != 1:
            raise fault("a contact is reached in exactly one way", "one of email, slack, webhook, teams")
        return self


class Smtp(Section):
    """The mail server Alertmanager and Grafana send through."""

    host: Annotated[str, Spelled(r"[A-Za-z0-9.\-]{1,253}|\[[0-9A-Fa-f:]+\]", "a host name such as mail.example.com")]
    """The server's name, without port."""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    """Its port; the connection is encrypted by STARTTLS."""
    sender: Email
    """The address that mails come from."""
    user: Title | None = None
    """Account at the server, where it asks for one."""
    password: SecretField | None = None
    """The account's password."""


class Alerting(Section):
    """Which engine evaluates the alert rules, and when nobody is to be disturbed."""

    engine: Annotated[Literal["prometheus", "grafana", "both"], OneOf(("prometheus", "grafana", "both"))] = "prometheus"
    """prometheus, grafana or both; both tell everybody twice."""
    quiet_outside: Hours | None = None
    """Hold notifications outside these hours of workdays; default: the company's hours, where it has any."""
    repeat: Annotated[Duration, Field(ge=timedelta(minutes=1))] = timedelta(hours=12)
    """How often somebody is told again while nothing changes."""
    smtp: Smtp | None = None
    """The mail server for email contacts."""


class Dashboards(Section):
    """How the generated dashboards look and where they are reached."""

    url: WebAddress = "http://localhost:3000"
    """Grafana's address as viewers see it: alerts link there."""
    prometheus_url: WebAddress = "http://prometheus:9090"
    """Prometheus' address as Grafana sees it."""
    folder: Annotated[str, Spelled("[^/_]{1,60}", "a folder name without / and _")] = "KPI"
    """Folder in Grafana that holds the dashboards."""
    refresh: Annotated[Duration, Field(ge=_ONE_SECOND)] = timedelta(minutes=1)
    """How often open dashboards ask anew."""
    palette: Annotated[Literal["safe", "traffic"], OneOf(("safe", "traffic"))] = "safe"
    """safe: told apart by the colour-blind; traffic: green, amber, red."""
    leaderboard: bool = False
    """Rank people by name on a dashboard of their own."""
    retention: Annotated[Duration, Field(ge=timedelta(hours=1))] = timedelta(days=400)
    """How long Prometheus keeps series; a year is needed to compare with last year."""


class Privacy(Section):
    """Who may see numbers of single people."""

    people: Annotated[Literal["included", "separate"], OneOf(("included", "separate"))] = "included"
    """separate: person series move from /metrics to /metrics/people."""
