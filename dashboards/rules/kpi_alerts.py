"""Alerts about KPIs: their status, the age of their data, and their review.

They use the status that the exporter exposes, which already has hysteresis, and do not compute it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dashboards import expressions
from dashboards.encoding import promql_seconds
from dashboards.promql import Matcher, equals, latest
from dashboards.rules.model import CLOCK, AlertRule, Examples, GrafanaCondition, PanelLink, Ramp, Severity, replicas
from dashboards.rules.notifications import kpi_contacts, owner_contacts
from dashboards.rules.sentences import (
    AlertSubject,
    stale_headline,
    stale_sentence,
    status_headline,
    status_resolved,
    status_sentence,
)
from dashboards.rules.texts import Sentence
from dashboards.selection import Selection
from dashboards.site import DETAIL, MAIN_PANEL, contributing, late_after, oldest_shown
from exporter import naming
from exporter.config.fields import Pace, Scope, Status
from exporter.config.kpis import Alerts, Kpi
from exporter.config.root import Config
from exporter.statuses import VERDICTS

STATUS_ALERTS = {
    Status.OFF_TRACK: ("KpiOffTrack", Severity.CRITICAL),
    Status.AT_RISK: ("KpiAtRisk", Severity.WARNING),
    Status.EXCEEDED: ("KpiTargetReached", Severity.INFO),
    Status.ON_TRACK: ("KpiOnTrack", Severity.INFO),
    Status.NO_DATA: ("KpiNoData", Severity.WARNING),
    Status.NO_TARGET: ("KpiNoTarget", Severity.WARNING),
    Status.TOO_EARLY: ("KpiTooEarly", Severity.INFO),
    Status.TOO_FEW: ("KpiTooFew", Severity.INFO),
}
"""Name and severity of the alert for a status. A stale KPI has KpiDataStale, whatever its `alerts.on`.
A day off is no news and has no alert."""
KEEP_FIRING_FOR = timedelta(minutes=15)
"""How long an alert keeps firing without its series, so that a restart or a withheld value does not resolve it."""


def kpi_alerts(config: Config) -> Iterator[AlertRule]:
    """The alerts about all KPIs. A KPI without a company value has no status to alert on."""
    for kpi in config.kpis:
        alerts = kpi.alerts or Alerts()
        for status in dict.fromkeys(alerts.on):
            if status in STATUS_ALERTS and Scope.COMPANY in kpi.scopes and Scope.COMPANY in alerts.scopes:
                yield _status_alert(config, kpi, status, alerts.for_)
        yield _stale_alert(config, kpi)
        if kpi.review and kpi.reviewed:
            yield _review_alert(config, kpi)


def _status_alert(config: Config, kpi: Kpi, status: Status, for_: timedelta) -> AlertRule:
    name, severity = STATUS_ALERTS[status]
    subject = AlertSubject(config, kpi)
    has_status = latest(naming.STATUS, _this(kpi), equals("status", status), by=("kpi",))
    return AlertRule(
        name=name,
        subject=kpi.name,
        severity=severity,
        status=status,
        expr=f"{has_status} == 1",
        condition=GrafanaCondition(has_status, "$A == 1"),
        headline=status_headline(subject, status),
        summary=status_sentence(subject, status),
        resolved=status_resolved(subject, status),
        description=tuple(_reasons(subject, status)),
        link=kpi_link(kpi),
        examples=Examples(
            replicas(naming.STATUS, Ramp(1), kpi=kpi.name, status=status),
            replicas(naming.STATUS, Ramp(0), kpi=kpi.name, status=status),
        ),
        for_=for_,
        keep_firing_for=KEEP_FIRING_FOR,
        labels=_labels(config, kpi),
    )


def _reasons(subject: AlertSubject, status: Status) -> Iterator[Sentence]:
    """What the verdict is based on, and why the KPI matters."""
    kpi = subject.kpi
    if status in VERDICTS and subject.config.pace(kpi) is not Pace.NONE:
        yield (subject.number(naming.EXPECTED, before="Expected by now: ", after="."),)
    yield (f"Why it matters: {kpi.why}",)
    yield from decision_texts(kpi)


def _stale_alert(config: Config, kpi: Kpi) -> AlertRule:
    withheld = withheld_after(config, kpi)
    has_files = any(source.ages_by_watermark for source in contributing(config, [kpi]))
    files = ", or nobody replaced its file" if has_files else ""
    late = late_after(withheld)
    age = expressions.data_age(Selection(matchers=(_this(kpi),)))
    missing = f"{latest(naming.KPI_UP, _this(kpi))} == 0"
    fresh = replicas(naming.ASOF, CLOCK, kpi=kpi.name) | replicas(naming.KPI_UP, Ramp(1), kpi=kpi.name)
    return AlertRule(
        name="KpiDataStale",
        subject=kpi.name,
        severity=Severity.WARNING,
        expr=f"{age} > {promql_seconds(late)} or {missing}",
        condition=GrafanaCondition(
            f"{age} or ({missing}) + {promql_seconds(withheld)}", f"$A > {promql_seconds(late)}"
        ),
        status=Status.STALE,
        headline=stale_headline(AlertSubject(config, kpi)),
        summary=stale_sentence(AlertSubject(config, kpi)),
        resolved=(f"The data of {kpi.title} is up to date again",),
        description=(
            (f"At an age of {_span_text(withheld)} its numbers are withheld, and its other alerts cannot fire.",),
            (f"A source is down, slow or rejects requests{files}: see the exporter health dashboard.",),
        ),
        link=kpi_link(kpi),
        examples=Examples(replicas(naming.ASOF, Ramp(0), kpi=kpi.name), fresh, after=late),
        for_=min(timedelta(minutes=1), withheld / 12),
        keep_firing_for=KEEP_FIRING_FOR,
        labels=_labels(config, kpi),
    )


def withheld_after(config: Config, kpi: Kpi) -> timedelta:
    """The age at which the KPI's numbers are withheld, by the sources that can contribute to them."""
    return oldest_shown(contributing(config, [kpi]))


def _review_alert(config: Config, kpi: Kpi) -> AlertRule:
    due = latest(naming.REVIEW_DUE, _this(kpi))
    return AlertRule(
        name="KpiReviewOverdue",
        subject=kpi.name,
        severity=Severity.INFO,
        expr=f"time() > {due}",
        condition=GrafanaCondition(f"time() - {due}", "$A > 0"),
        summary=(f"{kpi.title} is due for its {kpi.review} review",),
        resolved=(f"{kpi.title} was reviewed",),
        description=(
            (f"Last reviewed on {kpi.reviewed}. Is it still the right measure, with the right target?",),
            *decision_texts(kpi),
        ),
        link=kpi_link(kpi),
        examples=Examples(
            replicas(naming.REVIEW_DUE, Ramp(1), kpi=kpi.name),
            replicas(naming.REVIEW_DUE, Ramp(4e9), kpi=kpi.name),
        ),
        for_=timedelta(hours=1),
        labels=kpi_labels(kpi) | owner_contacts(config, kpi),
    )


def _this(kpi: Kpi) -> Matcher:
    return equals("kpi", kpi.name)


def kpi_link(kpi: Kpi) -> PanelLink:
    """The KPI's chart."""
    return PanelLink(DETAIL, MAIN_PANEL, {"kpi": kpi.name})


def decision_texts(kpi: Kpi) -> tuple[Sentence, ...]:
    """The decision that the KPI supports, if the config names it."""
    return ((f"Decision it supports: {kpi.decision}",),) if kpi.decision else ()


def kpi_labels(kpi: Kpi) -> dict[str, str]:
    """What the alert is about."""
    return {"kpi": kpi.name, "owner": kpi.owner, "department": kpi.department, "objective": kpi.objective}


def _labels(config: Config, kpi: Kpi) -> dict[str, str]:
    return kpi_labels(kpi) | kpi_contacts(config, kpi)


def _span_text(span: timedelta) -> str:
    minutes = span.total_seconds() / 60
    if minutes < 2:
        return f"{span.total_seconds():g} seconds"
    return f"{minutes:g} minutes" if minutes < 120 else f"{minutes / 60:.3g} hours"
