"""Alert rules as both engines need them, with examples that prove them, and the links they carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from urllib.parse import quote, urlencode

from dashboards.promql import equals, select
from dashboards.rules.texts import Sentence
from dashboards.site import RUNBOOK, shortened_uid, stable_panel_id
from exporter.config.fields import Status
from exporter.config.root import Config
from exporter.naming import Family
from exporter.statuses import STATUSES

SEVERITY_MARK = "■"
"""Stands before the severity of an alert that is not about the status of a KPI."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """The values of an example series: a start, and the increase per second."""

    start: float
    slope: float = 0.0


CLOCK = Ramp(0, 1)
"""A timestamp that always equals the current time."""

ExampleSeries = Mapping[str, Ramp]
"""Values by series selector."""


def replicas(family: Family, values: Ramp, /, **labels: str) -> dict[str, Ramp]:
    """The same series from two exporters, which rules have to treat as one."""
    with_instance = Family(family.name, "", (*family.labels, "instance"))
    return {
        select(
            with_instance, *(equals(name, value) for name, value in {**labels, "instance": instance}.items())
        ): values
        for instance in ("a:9940", "b:9940")
    }


class Severity(StrEnum):
    """How urgent an alert is."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Examples:
    """Series for which the alert fires, and series for which it does not.

    It fires `after` these series have lasted so long, plus the rule's `for_`. `labels` are those that a firing
    alert inherits from its series. An alert about something missing also fires if there are no series at all.
    """

    fires: ExampleSeries
    silent: ExampleSeries
    after: timedelta = timedelta()
    labels: Mapping[str, str] = field(default_factory=dict)
    fires_on_nothing: bool = False


@dataclass(frozen=True, slots=True)
class GrafanaCondition:
    """The same alert for Grafana: query A, an expression that is not 0 while it fires, and the no-data state."""

    expr: str
    expression: str
    no_data: str = "OK"


@dataclass(frozen=True, slots=True)
class PanelLink:
    """The panel to look at first: its dashboard, its id, and values for the dashboard's variables."""

    dashboard: str
    panel: int
    variables: Mapping[str, str] = field(default_factory=dict)

    def urls(self, config: Config) -> tuple[str, str]:
        """The addresses of the dashboard and of the panel alone."""
        variables = urlencode({f"var-{name}": value for name, value in self.variables.items()}, quote_via=quote)
        base = f"{config.dashboards.url.rstrip('/')}/d/{self.dashboard}"
        dashboard = f"{base}?{variables}" if variables else base
        return dashboard, f"{dashboard}{'&' if variables else '?'}viewPanel={self.panel}"


def runbook_url(config: Config, alert: str) -> str:
    """The address of the alert's section in the runbook dashboard."""
    return PanelLink(RUNBOOK, stable_panel_id(alert)).urls(config)[1]


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One alert rule, with `for_` and `keep_firing_for` as in Prometheus. `subject` is its KPI or source, if any."""

    name: str
    subject: str
    severity: Severity
    expr: str
    condition: GrafanaCondition
    summary: Sentence
    description: tuple[Sentence, ...]
    link: PanelLink
    examples: Examples
    for_: timedelta = timedelta()
    keep_firing_for: timedelta = timedelta()
    labels: Mapping[str, str] = field(default_factory=dict)
    headline: Sentence = ()
    """What the summary begins with, before its figures; empty if it has none."""
    resolved: Sentence = ()
    """What has changed when the alert no longer fires; empty if the summary says enough."""
    status: Status | None = None
    """The status of the KPI that the alert is about, if it is about one."""

    @property
    def all_labels(self) -> dict[str, str]:
        """The labels with the severity, not yet escaped."""
        return {"severity": self.severity.value, **self.labels}

    @property
    def texts(self) -> dict[str, tuple[Sentence, ...]]:
        """The sentences for annotations, by name."""
        status = f"{SEVERITY_MARK} {self.severity}" if self.status is None else STATUSES[self.status].words
        texts = {"summary": (self.summary,), "description": self.description, "status": ((status,),)}
        return texts | {
            name: (text,) for name, text in (("headline", self.headline), ("resolved", self.resolved)) if text
        }

    @property
    def uid(self) -> str:
        """Stable, at most 40 characters: the alert's name, and a hash of name and subject."""
        return shortened_uid(self.name, f"{self.name} {self.subject}")

    def links(self, config: Config) -> dict[str, str]:
        """The links for annotations, by name."""
        dashboard, panel = self.link.urls(config)
        return {"dashboard_url": dashboard, "panel_url": panel, "runbook_url": runbook_url(config, self.name)}


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated one after the other."""

    name: str
    rules: tuple[AlertRule, ...]
