"""All alert rules of a config, in groups."""

from __future__ import annotations

from collections.abc import Collection

from dashboards.rules.exporter_alerts import exporter_alerts
from dashboards.rules.kpi_alerts import kpi_alerts
from dashboards.rules.model import RuleGroup
from dashboards.rules.source_alerts import source_alerts
from exporter.config.root import Config


def alert_groups(config: Config, leave_out: Collection[str] = ()) -> tuple[RuleGroup, ...]:
    """Groups of rules; those about KPIs are grouped by department, so that no group grows without bounds."""
    by_department: dict[str, list[str]] = {}
    for kpi in config.kpis:
        by_department.setdefault(kpi.department, []).append(kpi.name)
    rules = list(kpi_alerts(config))
    groups = [
        RuleGroup(f"kpi-alerts-{index}", tuple(rule for rule in rules if rule.subject in names))
        for index, names in enumerate(by_department.values(), start=1)
    ]
    return (
        *groups,
        RuleGroup("kpi-sources", tuple(source_alerts(config))),
        RuleGroup("kpi-exporter", tuple(rule for rule in exporter_alerts(config) if rule.name not in leave_out)),
    )
