"""Definitions that nothing uses."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.checks.view import View
from exporter.config.expression import metrics_of
from exporter.config.positions import Finding


def warnings(view: View) -> Iterator[Finding]:
    """Metrics, objectives, contacts and teams without a use, and email contacts without a mail server."""
    config = view.config
    used = {
        "metrics": {name for kpi in config.kpis for name in (*metrics_of(kpi.value), *kpi.supporting)},
        "objectives": {kpi.objective for kpi in config.kpis},
        "contacts": {name for kpi in config.kpis if kpi.alerts for name in kpi.alerts.notify},
    }
    cures = {
        "metrics": ("the metric explains no KPI", "name it under a KPI's value or supporting"),
        "objectives": ("no KPI makes the objective measurable", "name it as a KPI's objective, or take it out"),
        "contacts": ("the contact is told of nothing", "name it under a KPI's alerts.notify, or take it out"),
    }
    for section, (message, cure) in cures.items():
        for place, definition in getattr(view, section):
            if definition.name not in used[section]:
                yield Finding((section, place), message, cure)
    for place, team in view.teams:
        if not team.members and not view.knows_people:
            yield Finding(("teams", place), "nobody is in the team", "list its members, or take it out")
    for place, contact in view.contacts:
        if contact.email and config.alerting.smtp is None:
            yield Finding(("contacts", place, "email"), "mails need a server to go through", "give alerting.smtp")
