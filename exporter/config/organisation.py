"""Teams, contacts, alerting, dashboards and privacy."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from exporter.config.company import Hours, TimeOfDay
from exporter.config.fields import (
    Date,
    Duration,
    Email,
    Many,
    Name,
    OneOf,
    SecretField,
    Section,
    TextPattern,
    Title,
    WebAddress,
)
from exporter.config.messages import invalid

_ONE_SECOND = timedelta(seconds=1)


def _member(value: Any) -> Any:
    return {"person": value} if isinstance(value, str) else value


class Member(Section):
    """Membership of a person in a team, optionally limited in time."""

    person: Title
    """Email or name, as in a source."""
    since: Date | None = None
    """First day in the team."""
    until: Date | None = None
    """Last day in the team."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.since and self.until and self.until < self.since:
            raise invalid("until is before since", "since is the first day in the team, until the last")
        return self


class Team(Section):
    """A team and its members over time."""

    name: Title
    """Name on dashboards and in the `team` label."""
    department: Title | None = None
    """The department it belongs to."""
    lead: Email | None = None
    """Email of the team's lead, who is notified if a KPI's `alerts.scopes` ask for it."""
    members: Many[Annotated[Member, BeforeValidator(_member, json_schema_input_type=str | Member)]] = ()
    """Names or emails, or {person, since, until} for a limited time."""


class Slack(Section):
    """A Slack incoming webhook."""

    webhook: SecretField
    """URL of the webhook, a secret."""
    channel: Title | None = None
    """Channel to post to. Default: the webhook's own."""


class Webhook(Section):
    """A URL that accepts the JSON of Alertmanager."""

    url: SecretField | WebAddress
    """URL to post to; written as a secret if it contains a token."""


class Teams(Section):
    """A Microsoft Teams incoming webhook."""

    webhook: SecretField
    """URL of the webhook, a secret."""


class Contact(Section):
    """A person or channel to notify, in exactly one way."""

    name: Name
    """Name that `notify` refers to."""
    email: Email | None = None
    """An email address; needs alerting.smtp."""
    slack: Slack | None = None
    """A Slack channel."""
    webhook: Webhook | None = None
    """A custom webhook."""
    teams: Teams | None = None
    """A Microsoft Teams channel."""

    @model_validator(mode="after")
    def _one_channel(self) -> Self:
        if sum(channel is not None for channel in (self.email, self.slack, self.webhook, self.teams)) != 1:
            raise invalid("a contact has exactly one of these keys", "email, slack, webhook, teams")
        return self


class Smtp(Section):
    """The mail server that Alertmanager and Grafana use."""

    host: Annotated[
        str, TextPattern(r"[A-Za-z0-9.\-]{1,253}|\[[0-9A-Fa-f:]+\]", "a host name such as mail.example.com")
    ]
    """Host name of the server, without port."""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    """Port of the server. The connection is encrypted with STARTTLS."""
    sender: Email
    """Sender address of the emails."""
    user: Title | None = None
    """Account name, if the server requires one."""
    password: SecretField | None = None
    """Password of the account."""


def _with_an_hour_left(start: time) -> time:
    if start > time(23):
        raise invalid("less than an hour of the day is left", "23:00 or earlier: mail is sent within an hour from then")
    return start


class Alerting(Section):
    """Which program evaluates the alert rules, and when notifications are sent."""

    engine: Annotated[Literal["prometheus", "grafana", "both"], OneOf(("prometheus", "grafana", "both"))] = "prometheus"
    """prometheus, grafana or both. With both, every notification is sent twice."""
    quiet_outside: Hours | None = None
    """Hold notifications outside these hours of workdays. Default: the company's hours, if any."""
    repeat: Annotated[Duration, Field(ge=timedelta(minutes=1))] = timedelta(hours=12)
    """How often a notification is repeated while the status stays the same."""
    digest_at: Annotated[TimeOfDay, AfterValidator(_with_an_hour_left)] | None = None
    """When leads and persons get their one email a day: within an hour from this time of day, on workdays. Default:
    when the hours in which notifications are sent begin, or 08:00."""
    smtp: Smtp | None = None
    """Mail server for email contacts."""


class ScrapeTls(Section):
    """How Prometheus verifies the exporter. Paths are as Prometheus sees them."""

    ca_file: Title | None = None
    """Authority of the exporter's certificate. Default: the public ones."""
    server_name: Title | None = None
    """Name in the exporter's certificate, if it is not the one that is scraped."""
    cert_file: Title | None = None
    """Certificate of Prometheus, if the exporter wants one."""
    key_file: Title | None = None
    """Key of cert_file."""

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise invalid("cert_file and key_file belong together", "set both")
        return self


class ScrapeUser(Section):
    """What Prometheus identifies itself with."""

    username: Title
    """A user of the exporter's web config."""
    password_file: Title
    """File with the password, as Prometheus sees it."""


class Scrape(Section):
    """How Prometheus scrapes the exporter, if it has a web config."""

    tls: ScrapeTls | None = None
    """Scrape over TLS; {} if the certificate is of a public authority. Default: without TLS."""
    basic_auth: ScrapeUser | None = None
    """User and password. Default: none."""


class PeopleStack(Section):
    """A Prometheus for the series of people alone, if `privacy.people` is separate."""

    prometheus_url: WebAddress
    """Address of this Prometheus for Grafana."""
    basic_auth: ScrapeUser | None = None
    """User and password for /metrics/people. Default: none."""


_CHARTS = ("line", "bars", "gauge", "number")
_PLACES = ("department", "overview")


class KpiDisplay(Section):
    """How dashboards show one KPI, besides its tile and its row in the tables."""

    kpi: Name
    """Name of the KPI."""
    chart: Annotated[Literal["line", "bars", "gauge", "number"], OneOf(_CHARTS)] | None = None
    """A chart of its own. line: the value over time with its plan; bars: the value at the end of each day; gauge: how
    far it is against plan; number: the value with its last 30 days. Default: no chart of its own."""
    place: Annotated[Literal["department", "overview"], OneOf(_PLACES)] = "department"
    """The dashboard with that chart. Charts appear in the order of this list."""
    wall: bool | None = None
    """Whether the wall shows it. Default: true, unless another KPI says true."""

    @model_validator(mode="after")
    def _chooses(self) -> Self:
        if self.chart is None and self.wall is None:
            raise invalid("the entry chooses nothing", f"add chart ({', '.join(_CHARTS)}) or wall (true or false)")
        return self


class Dashboards(Section):
    """Appearance and addresses of the generated dashboards."""

    url: WebAddress = "http://localhost:3000"
    """Address of Grafana for viewers; alerts link to it."""
    prometheus_url: WebAddress = "http://prometheus:9090"
    """Address of Prometheus for Grafana."""
    folder: Annotated[str, TextPattern("[^/_]{1,60}", "a folder name without / and _")] = "KPI"
    """Grafana folder of the dashboards."""
    refresh: Annotated[Duration, Field(ge=_ONE_SECOND)] = timedelta(minutes=1)
    """Refresh interval of open dashboards."""
    palette: Annotated[Literal["safe", "traffic"], OneOf(("safe", "traffic"))] = "safe"
    """Status colours in dashboards, page and terminal. safe: fit for the colour-blind; traffic: green, amber, red."""
    leaderboard: bool = False
    """Generate a dashboard that ranks people by name."""
    kpis: Many[KpiDisplay] = ()
    """Charts of single KPIs, and which KPIs the wall shows. Default: no charts, all KPIs."""
    retention: Annotated[Duration, Field(ge=timedelta(hours=1))] = timedelta(days=400)
    """How long Prometheus keeps series. To compare with last year, use more than a year."""
    scrape: Scrape = Field(default_factory=Scrape)
    """How Prometheus scrapes the exporter, if it has a web config."""
    people: PeopleStack | None = None
    """A Prometheus and a data source for series of people, if `privacy.people` is separate. Default: not scraped."""


class Privacy(Section):
    """Who may see values of single people, and how long former ones keep their names."""

    people: Annotated[Literal["included", "separate"], OneOf(("included", "separate"))] = "included"
    """separate: series of people move from /metrics to /metrics/people."""
    keep_people: Annotated[Duration, Field(ge=timedelta(days=1))] | None = None
    """How long people whom the sources no longer list keep name, email and attributes. Default: forever."""
