"""What no source knows: teams, contacts, dashboards, alerting and privacy."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from exporter.config.company import Hours
from exporter.config.fields import Date, Duration, Name, SecretField, Section, Title, parse_duration


def _member(value: Any) -> Any:
    return {"person": value} if isinstance(value, str) else value


class Member(Section):
    """A person in a team, by email or name, for a time."""

    person: Title
    since: Date | None = None
    """First day in the team."""
    until: Date | None = None
    """Last day in the team."""


class Team(Section):
    """A team and who was in it when."""

    name: Title
    department: Title | None = None
    members: Annotated[tuple[Annotated[Member, BeforeValidator(_member)], ...], Field(strict=False)] = ()


class Slack(Section):
    """An incoming webhook of Slack."""

    webhook: SecretField
    channel: Title | None = None


class Webhook(Section):
    """Any URL that takes Alertmanager's JSON."""

    url: SecretField | Annotated[str, Field(pattern=r"^https?://")]


class Teams(Section):
    """An incoming webhook of Microsoft Teams."""

    webhook: SecretField


class Contact(Section):
    """Somebody, or some channel, to be told. Exactly one way."""

    name: Name
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    slack: Slack | None = None
    webhook: Webhook | None = None
    teams: Teams | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Contact:
        if sum(way is not None for way in (self.email, self.slack, self.webhook, self.teams)) != 1:
            raise ValueError("exactly one of email, slack, webhook, teams")
        return self


class Smtp(Section):
    """The mail server Alertmanager and Grafana send through."""

    host: Title
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    sender: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    user: Title | None = None
    password: SecretField | None = None


class Alerting(Section):
    """Which engine evaluates the alert rules, and when nobody is to be disturbed."""

    engine: Annotated[str, Field(pattern="^(prometheus|grafana|both)$")] = "prometheus"
    quiet_outside: Hours | None = None
    """Hold notifications outside these hours of workdays; default: the company's hours, where it has any."""
    repeat: Duration = parse_duration("12h")
    smtp: Smtp | None = None


class Dashboards(Section):
    """How the generated dashboards look and where they are reached."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] = "http://localhost:3000"
    """Grafana's address as viewers see it: alerts link there."""
    prometheus_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] = "http://prometheus:9090"
    folder: Annotated[str, Field(pattern=r"^[^/_]{1,60}$")] = "KPI"
    refresh: Duration = parse_duration("1m")
    palette: Annotated[str, Field(pattern="^(safe|traffic)$")] = "safe"
    """safe: told apart by the colour-blind; traffic: green, amber, red."""
    leaderboard: bool = False
    """Rank people by name on a dashboard of their own."""
    retention: Duration = parse_duration("400d")
    """How long Prometheus keeps series; a year is needed to compare with last year."""


class Privacy(Section):
    """Who may see numbers of single people."""

    people: Annotated[str, Field(pattern="^(included|separate)$")] = "included"
    """separate: person series move from /metrics to /metrics/people."""
