"""Alerts about the status of teams and persons, for KPIs whose `alerts.scopes` ask for them.

Prometheus evaluates them, because Grafana cannot send mail to an address that comes with an alert. Each rule covers
all teams or persons of a KPI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dashboards.promql import equals, join, latest, one_series_for_each
from dashboards.rules.digests import digest_label
from dashboards.rules.kpi_alerts import KEEP_FIRING_FOR, STATUS_ALERTS, kpi_labels, kpi_link
from dashboards.rules.model import AlertRule, Examples, GrafanaCondition, Ramp, replicas
from dashboards.rules.sentences import EXAMPLE_NAMES, AlertSubject, status_headline, status_resolved, status_sentence
from dashboards.selection import Selection
from exporter import naming
from exporter.config.fields import Recipient, Scope, Status
from exporter.config.kpis import Alerts, Kpi
from exporter.config.root import Config
from exporter.naming import SCOPE_LABELS, scoped

_EXAMPLE_EMAIL = "ann@example.com"


def scoped_alerts(config: Config, scope: Scope) -> Iterator[AlertRule]:
    """The alerts about the status of teams, or of persons."""
    for kpi in config.kpis:
        if kpi.alerts is not None and scope in kpi.alerts.scopes and scope in kpi.scopes:
            for status in dict.fromkeys(kpi.alerts.on):
                if status in STATUS_ALERTS:
                    yield _alert(config, kpi, kpi.alerts, scope, status)


def _alert(config: Config, kpi: Kpi, alerts: Alerts, scope: Scope, status: Status) -> AlertRule:
    name, severity = STATUS_ALERTS[status]
    subject = AlertSubject(config, kpi, scope)
    recipients = alerts.people_to if scope is Scope.PERSON else (Recipient.LEAD,)
    to_person = Recipient.PERSON in recipients
    expr = _expression(kpi, scope, status)
    return AlertRule(
        name=name,
        subject=kpi.name,
        severity=severity,
        status=status,
        expr=_with_email(expr, only=recipients == (Recipient.PERSON,)) if to_person else expr,
        condition=GrafanaCondition(expr, "$A == 1"),
        headline=status_headline(subject, status),
        summary=status_sentence(subject, status),
        resolved=status_resolved(subject, status),
        description=((f"Why it matters: {kpi.why}",),),
        link=kpi_link(kpi),
        examples=_examples(kpi, scope, status, to_person=to_person),
        for_=alerts.for_,
        keep_firing_for=KEEP_FIRING_FOR,
        labels=kpi_labels(kpi) | digest_label(recipients),
    )


def _expression(kpi: Kpi, scope: Scope, status: Status) -> str:
    """1 for each team or person that has the status."""
    selection = Selection(scope, (equals("kpi", kpi.name),))
    return f"{selection.latest(naming.STATUS, equals('status', status))} == 1"


def _with_email(expr: str, *, only: bool) -> str:
    """The expression with the person's address as a label; without it for those who have none, unless `only`."""
    emails = one_series_for_each(latest(naming.PERSON_EMAIL), ("person",))
    with_email = join(f"({expr})", emails, ("person",), ("email",))
    return with_email if only else f"{with_email} or ({expr}) unless on (person) {emails}"


def _examples(kpi: Kpi, scope: Scope, status: Status, *, to_person: bool) -> Examples:
    identity = {label: EXAMPLE_NAMES[label] for label in SCOPE_LABELS[scope]}
    labels = dict(identity)
    email: Mapping[str, Ramp] = {}
    if to_person:
        labels["email"] = _EXAMPLE_EMAIL
        email = replicas(naming.PERSON_EMAIL, Ramp(1), person=identity["person"], email=_EXAMPLE_EMAIL)

    def of(flag: float) -> dict[str, Ramp]:
        flags = replicas(scoped(naming.STATUS, scope), Ramp(flag), kpi=kpi.name, **identity, status=status)
        return {**flags, **email}

    return Examples(of(1), of(0), labels=labels)
