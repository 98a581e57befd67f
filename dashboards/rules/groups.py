"""All recording rules and alert rules of a config."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from dashboards import expressions
from dashboards.promql import COMPANY_ON_TARGET, DEPARTMENT_ON_TARGET, PERSON_SCORE, TEAM_SCORE
from dashboards.rules.driver_alerts import driver_alerts
from dashboards.rules.exporter_alerts import exporter_alerts
from dashboards.rules.kpi_alerts import kpi_alerts
from dashboards.rules.model import AlertRule, RuleGroup
from dashboards.rules.scoped_alerts import scoped_alerts
from dashboards.rules.slack_alerts import slack_alerts
from dashboards.rules.source_alerts import source_alerts
from dashboards.rules.target_alerts import target_alerts
from dashboards.selection import Selection
from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.naming import Family


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """A series that Prometheus computes from others."""

    family: Family
    expr: str


def recording_rules(config: Config) -> tuple[RecordingRule, ...]:
    """What other dashboards and alerts may query, computed once a minute, for the scopes that the config uses.

    Recorded series start when the rules are installed. The generated dashboards look back, so they query raw series.
    """
    scopes = {scope for kpi in config.kpis for scope in kpi.scopes}
    scores = {Scope.TEAM: TEAM_SCORE, Scope.PERSON: PERSON_SCORE}
    return (
        RecordingRule(COMPANY_ON_TARGET, expressions.recorded_share()),
        RecordingRule(DEPARTMENT_ON_TARGET, expressions.recorded_share("department")),
        *(
            RecordingRule(family, expressions.mean_score(Selection(scope)))
            for scope, family in scores.items()
            if scope in scopes
        ),
    )


def team_groups(config: Config) -> tuple[RuleGroup, ...]:
    """The alert rules about teams."""
    return _group("kpi-teams", scoped_alerts(config, Scope.TEAM))


def person_groups(config: Config) -> tuple[RuleGroup, ...]:
    """The alert rules about persons, for the Prometheus that has their series."""
    return _group("kpi-people", scoped_alerts(config, Scope.PERSON))


def _group(name: str, rules: Iterable[AlertRule]) -> tuple[RuleGroup, ...]:
    content = tuple(rules)
    return (RuleGroup(name, content),) if content else ()


def company_groups(groups: Iterable[RuleGroup]) -> tuple[RuleGroup, ...]:
    """The groups that Grafana can evaluate: it cannot send mail to the address of a person."""
    return tuple(group for group in groups if group.name not in ("kpi-teams", "kpi-people"))


def alert_groups(config: Config, leave_out: Collection[str] = ()) -> tuple[RuleGroup, ...]:
    """The alert rules of the shared Prometheus in groups, those about KPIs by department, which limits their size.

    `leave_out` lists names of alerts about the exporter.
    """
    by_department: dict[str, list[str]] = {}
    for kpi in config.kpis:
        by_department.setdefault(kpi.department, []).append(kpi.name)
    rules = [*kpi_alerts(config), *slack_alerts(config), *target_alerts(config), *driver_alerts(config)]
    groups = [
        RuleGroup(f"kpi-alerts-{index}", tuple(rule for rule in rules if rule.labels["kpi"] in names))
        for index, names in enumerate(by_department.values(), start=1)
    ]
    return (
        *groups,
        *team_groups(config),
        *(person_groups(config) if config.privacy.people == "included" else ()),
        RuleGroup("kpi-sources", tuple(source_alerts(config))),
        RuleGroup("kpi-exporter", tuple(rule for rule in exporter_alerts(config) if rule.name not in leave_out)),
    )
