"""Checks of alerts: whom they notify can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from exporter.config.checks.context import CheckContext
from exporter.config.checks.kpis import target_bounds
from exporter.config.company import Company
from exporter.config.expression import divides
from exporter.config.fields import Better, Period, Scope, duration_text
from exporter.config.kpis import Alerts, Kpi
from exporter.config.metrics import Metric
from exporter.config.positions import Finding, KeyPath
from exporter.config.root import Config
from exporter.config.targets import Goal

_DAYS = {Period.WEEK: 7, Period.MONTH: 30.4, Period.QUARTER: 91.3, Period.YEAR: 365.25}


def errors(context: CheckContext) -> Iterator[Finding]:
    """Alerts of scopes that the KPI does not have, and alerts about teams and persons that cannot be sent."""
    for index, kpi in context.kpis:
        if kpi.alerts is not None:
            path: KeyPath = ("kpis", index, "alerts")
            yield from _scopes(path, kpi, kpi.alerts)
            yield from _recipients(context, path, kpi.alerts)
    for index, kpi, metrics in context.calculable:
        if kpi.alerts is not None and kpi.alerts.slack:
            yield from _slack(context.config, ("kpis", index, "alerts", "slack"), kpi, metrics)


def warnings(context: CheckContext) -> Iterator[Finding]:
    """Teams without a lead, emails without a mail server, and slack that cannot be spent so fast."""
    config = context.config
    alerts = [(index, kpi.alerts) for index, kpi in context.kpis if kpi.alerts is not None]
    if any(each.emails_leads() for _, each in alerts) and any(team.lead for _, team in context.teams):
        for index, team in context.teams:
            if team.lead is None:
                message = "the team has no lead, so nobody is notified about it"
                yield Finding(("teams", index), message, "lead: email address")
    for index, kpi, _ in context.calculable:
        yield from _unreachable(config, ("kpis", index, "alerts", "slack"), kpi)
    for index, each in alerts:
        if config.alerting.smtp is None and (each.emails_leads() or each.emails_persons()):
            message = "leads and persons are notified by email, which needs a mail server"
            yield Finding(("kpis", index, "alerts", "scopes"), message, "add alerting.smtp")


def _slack(config: Config, path: KeyPath, kpi: Kpi, metrics: tuple[Metric, ...]) -> Iterator[Finding]:
    """A share of events above, or below, a number has slack; nothing else has."""
    if Scope.COMPANY not in kpi.scopes:
        yield Finding(path, "slack is the company's, which has no value", "add company to the KPI's scopes")
    if config.unit(kpi) != "ratio" or not divides(kpi.value) or any(metric.is_level for metric in metrics):
        message = "only a share of events has slack"
        yield Finding(path, message, "use it for a quotient of counts with unit: ratio, such as answered / offered")
    bounds = target_bounds(kpi)
    fixed = not isinstance(kpi.target, Goal) and all(0 < low == high < 1 for low, high in bounds)
    if not bounds or not fixed or kpi.better is Better.WITHIN:
        yield Finding(path, "the target leaves no slack to spend", "set a fixed target between 0 and 1, such as 0.8")


def _unreachable(config: Config, path: KeyPath, kpi: Kpi) -> Iterator[Finding]:
    """Shares of the slack that cannot be spent in the time: even if every event missed."""
    bounds = [high for _, high in target_bounds(kpi) if 0 < high < 1]
    for position, rule in enumerate(kpi.alerts.slack if kpi.alerts is not None and bounds else ()):
        may_miss = max(bounds) if kpi.better is Better.LOWER else 1 - min(bounds)
        most = rule.within / _opening_time(config.company, kpi.period) / may_miss
        if rule.spent >= most:
            message = f"no more than {most:.1%} of the slack can be spent within {duration_text(rule.within)}"
            yield Finding((*path, position, "spent"), message, f"write less than {most:.1%}, or a longer time")


def _opening_time(company: Company, period: Period) -> timedelta:
    """About how long the company is open in a period, without holidays."""
    hours, weekdays = company.hours, company.working_weekdays.latest
    day = timedelta(days=1)
    if hours is not None:
        opens, closes = hours.latest.opens, hours.latest.closes
        day = timedelta(hours=closes.hour - opens.hour, minutes=closes.minute - opens.minute)
    always = company.workdays is None and hours is None
    return day if period is Period.DAY else day * _DAYS[period] * (1 if always else len(weekdays) / 7)


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
