"""Recording rules: what several dashboards and many viewers ask again and again, worked out once a minute.

Dashboards that look back use the raw series, because recorded ones begin with the installation; the wall and the
leaderboard, which only show now, use these.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboards import expressions
from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.naming import SCOPE_LABELS, Family

_SHARE = "Share of the KPIs with a verdict that are on track or exceeded."
_SCORE = "Mean target ratio of the KPIs, each between 0 and 1."


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """A series that Prometheus works out from others."""

    family: Family
    expr: str


COMPANY_ON_TARGET = Family("company:kpi_on_target:ratio", _SHARE)
DEPARTMENT_ON_TARGET = Family("department:kpi_on_target:ratio", _SHARE, ("department",))
TEAM_SCORE = Family("team:kpi_score:avg", _SCORE, SCOPE_LABELS[Scope.TEAM])
PERSON_SCORE = Family("person:kpi_score:avg", _SCORE, SCOPE_LABELS[Scope.PERSON])

_SCORES = {Scope.TEAM: TEAM_SCORE, Scope.PERSON: PERSON_SCORE}


def recording_rules(config: Config) -> tuple[RecordingRule, ...]:
    """The rules that a config's scopes call for."""
    used = {scope for kpi in config.kpis for scope in kpi.scopes}
    return (
        RecordingRule(COMPANY_ON_TARGET, expressions.on_target()),
        RecordingRule(DEPARTMENT_ON_TARGET, expressions.on_target_by("department")),
        *(RecordingRule(family, expressions.score(scope)) for scope, family in _SCORES.items() if scope in used),
    )
