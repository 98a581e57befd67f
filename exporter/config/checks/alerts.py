"""Checks of alerts: whom they notify can be reached."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.checks.context import CheckContext
from exporter.config.fields import Scope
from exporter.config.kpis import Alerts, Kpi
from exporter.config.positions import Finding, KeyPath


def errors(context: CheckContext) -> Iterator[Finding]:
    """Alerts of scopes that the KPI does not have, and alerts about teams and persons that cannot be sent."""
    for index, kpi in context.kpis:
        if kpi.alerts is not None:
            path: KeyPath = ("kpis", index, "alerts")
            yield from _scopes(path, kpi, kpi.alerts)
            yield from _recipients(context, path, kpi.alerts)


def warnings(context: CheckContext) -> Iterator[Finding]:
    """Teams without a lead, if leads are notified, and emails without a mail server."""
    config = context.config
    alerts = [(index, kpi.alerts) for index, kpi in context.kpis if kpi.alerts is not None]
    if any(each.emails_leads() for _, each in alerts) and any(team.lead for _, team in context.teams):
        for index, team in context.teams:
            if team.lead is None:
                message = "the team has no lead, so nobody is notified about it"
                yield Finding(("teams", index), message, "lead: email address")
    for index, each in alerts:
        if config.alerting.smtp is None and (each.emails_leads() or each.emails_persons()):
            message = "leads and persons are notified by email, which needs a mail server"
            yield Finding(("kpis", index, "alerts", "scopes"), message, "add alerting.smtp")


def _scopes(path: KeyPath, kpi: Kpi, alerts: Alerts) -> Iterator[Finding]:
    for position, scope in enumerate(alerts.scopes):
        if scope is not Scope.COMPANY and scope not in kpi.scopes:
            message = f"the KPI has no value per {scope.value}"
            yield Finding((*path, "scopes", position), message, f"add {scope.value} to the KPI's scopes")


def _recipients(context: CheckContext, path: KeyPath, alerts: Alerts) -> Iterator[Finding]:
    config = context.config
    scopes: KeyPath = (*path, "scopes")
    if not alerts.emails_leads() and not alerts.emails_persons():
        return
    if config.alerting.engine == "grafana":
        message = "Grafana cannot send mail to an address that a source gives"
        yield Finding(scopes, message, "set alerting.engine to prometheus or both")
    if alerts.emails_leads() and not any(context.teams) and not any(context.invalid("teams")):
        yield Finding(scopes, "no team with a lead is defined", "define teams, each with lead: email address")
    elif alerts.emails_leads() and not any(team.lead for _, team in context.teams):
        yield Finding(scopes, "no team has a lead", "add lead: email address to the teams")
    if alerts.emails_persons() and not context.knows_people:
        message = "no source reads people, so nobody's email is known"
        yield Finding(scopes, message, "let a source read the entity people, or write people_to: [lead]")
    if Scope.PERSON in alerts.scopes and config.privacy.people == "separate" and config.dashboards.people is None:
        message = "no Prometheus has the series of people, so no alert about a person can fire"
        yield Finding(scopes, message, "add dashboards.people, or remove person")
