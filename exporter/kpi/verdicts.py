"""What an evaluation concludes from single values: guards, scores, and what hysteresis is to remember."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from exporter.config.fields import Scope, Status
from exporter.config.root import Config
from exporter.kpi.judge import Verdict
from exporter.kpi.memory import Held, Key, Memory
from exporter.kpi.score import Child, score
from exporter.kpi.status import guarded
from exporter.kpi.values import KpiValue, ObjectiveScore


@dataclass(slots=True)
class Tally:
    """Values and verdicts of one evaluation while it runs."""

    values: list[KpiValue] = field(default_factory=list)
    company: dict[str, Verdict] = field(default_factory=dict)
    held: dict[Key, tuple[datetime, Held]] = field(default_factory=dict)
    starts: dict[str, datetime] = field(default_factory=dict)

    def add(self, judged: Iterable[tuple[KpiValue, Verdict]]) -> None:
        """Counts in judged values."""
        for value, verdict in judged:
            self.values.append(value)
            self.starts[value.kpi] = value.period_start
            if value.scope is Scope.COMPANY:
                self.company[value.kpi] = verdict
            if verdict.held is not None:
                key = (value.kpi, value.scope, value.team, value.person)
                self.held[key] = value.period_start, verdict.held

    def remembered(self, memory: Memory) -> Memory:
        """The memory for the next evaluation: what was held now, and what still holds in the running periods."""
        kept = {key: entry for key, entry in memory.entries.items() if self.starts.get(key[0], entry[0]) == entry[0]}
        return Memory(kept | self.held)

    def scores(self, config: Config) -> tuple[ObjectiveScore, ...]:
        """The score of each objective from the company's values of its KPIs."""
        return tuple(score(objective.name, self._children(config, objective.name)) for objective in config.objectives)

    def _children(self, config: Config, objective: str) -> Iterable[Child]:
        for kpi in config.kpis:
            if kpi.objective == objective and Scope.COMPANY in kpi.scopes:
                verdict = self.company.get(kpi.name)
                yield Child(kpi.weight, verdict.ratio if verdict is not None else None)


def with_guards(values: Sequence[KpiValue], guards: Mapping[str, str]) -> tuple[KpiValue, ...]:
    """The values, where a KPI whose guard is off track is at best at risk.

    `guards` names the guard of each KPI that has one. It counts as it stands for the same team or person, else for
    the company.
    """
    if not guards:
        return tuple(values)
    watching = set(guards.values())
    statuses = {
        (value.kpi, value.scope, value.team, value.person): value.status for value in values if value.kpi in watching
    }
    return tuple(_guarded(value, statuses, guards.get(value.kpi)) for value in values)


def _guarded(value: KpiValue, statuses: Mapping[Key, Status], guard: str | None) -> KpiValue:
    if guard is None:
        return value
    company = statuses.get((guard, Scope.COMPANY, None, None))
    if statuses.get((guard, value.scope, value.team, value.person), company) is not Status.OFF_TRACK:
        return value
    return value._replace(status=guarded(value.status))
