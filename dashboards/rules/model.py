"""Alert rules as both engines need them, with the examples that prove them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from dashboards.promql import equal, select
from dashboards.rules.texts import Number, Sentence
from exporter.naming import Family


@dataclass(frozen=True, slots=True)
class Course:
    """How a series goes in an example: from a value on, rising by so much each second."""

    start: float
    rise: float = 0.0


CLOCK = Course(0, 1)
"""A timestamp that keeps pace with the time."""

Series = Mapping[str, Course]
"""Series by selector."""


def replicas(family: Family, course: Course, /, **labels: str) -> dict[str, Course]:
    """The same series from two exporters, which have to read as one."""
    return {
        select(Family(family.name, "", (*family.labels, "instance")), *(equal(k, v) for k, v in both.items())): course
        for instance in ("a:9940", "b:9940")
        for both in [{**labels, "instance": instance}]
    }


class Severity(StrEnum):
    """How soon somebody should look."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Examples:
    """Series under which the alert fires, and under which it stays silent.

    It fires `after` a while of these series, besides its own `hold`. `labels` are those that a firing alert takes over
    from its series. An alert about something missing fires when there is nothing at all.
    """

    fires: Series
    silent: Series
    after: timedelta = timedelta()
    labels: Mapping[str, str] = field(default_factory=dict)
    fires_on_nothing: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """The same alert for Grafana: query A, an expression over it that is not 0 while it fires, and what no data is."""

    expr: str
    holds: str
    no_data: str = "OK"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a viewer looks first: a dashboard, one of its panels, and the values of its variables."""

    dashboard: str
    panel: int
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One alert rule. `subject` tells it from others of the same name: a KPI, a source, or nothing."""

    name: str
    subject: str
    severity: Severity
    expr: str
    condition: Condition
    summary: Sentence
    description: tuple[Sentence, ...]
    place: Place
    examples: Examples
    hold: timedelta = timedelta()
    keep: timedelta = timedelta()
    labels: Mapping[str, str] = field(default_factory=dict)
    own: Number | None = None
    """The number that the condition's query returns, for Grafana's texts."""

    @property
    def all_labels(self) -> dict[str, str]:
        """Severity and labels, literal."""
        return {"severity": self.severity.value, **self.labels}

    @property
    def uid(self) -> str:
        """Stable, at most 40 characters: the alert's name and a hash of what it is about."""
        mark = hashlib.sha256(f"{self.name} {self.subject}".encode()).hexdigest()[:8]
        return f"{self.name[:31]}-{mark}"


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated one after the other."""

    name: str
    rules: tuple[AlertRule, ...]
