"""Judges the KPIs of one instant; what rests on the same inputs as at the instant before is not judged again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from exporter.config.fields import Scope, Status
from exporter.kpi.group_readings import AnswersByWindow, GroupReader, GroupReading
from exporter.kpi.pace import PeriodProgress, Yardstick
from exporter.kpi.plan import KpiPeriod
from exporter.kpi.sealed_periods import NOTHING_SEALED, SealedPeriods
from exporter.kpi.status import HeldStatus, StatusKey, StatusMemory, Verdict, judge, withheld
from exporter.kpi.targets import NoTarget
from exporter.kpi.values import KpiRun, KpiValue
from exporter.metrics.values import NOBODY, Group, Roster, RosterAt

_AS_OF, _ELAPSED = map(KpiValue._fields.index, ("as_of", "elapsed"))


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """The values of one KPI at one scope, the verdict behind each, and what hysteresis remembers of them."""

    run: KpiRun
    verdicts: Sequence[Verdict] = ()
    held: Mapping[StatusKey, tuple[datetime, HeldStatus]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, period: KpiPeriod, scope: Scope, judged: Sequence[tuple[KpiValue, Verdict]], revision: int = 0
    ) -> JudgedRun:
        """The run of judged values of a KPI at a scope."""
        held = {
            (value.kpi, scope, value.team, value.person): (period.window.start, verdict.held_status)
            for value, verdict in judged
            if verdict.held_status is not None
        }
        run = KpiRun(period.plan.kpi.name, scope, tuple(value for value, _ in judged), revision)
        return cls(run, [verdict for _, verdict in judged], held)

    def is_final(self, memory: StatusMemory) -> bool:
        """True if judging the same readings again, with this memory, gives the same verdicts."""
        entries = memory.entries
        return all(not held[1].waiting and entries.get(key) == held for key, held in self.held.items())

    def at(self, progress: PeriodProgress) -> JudgedRun:
        """The same values as of a later instant of the period."""
        values = tuple(
            KpiValue._make(
                (
                    *value[:_AS_OF],
                    progress.as_of,
                    *value[_AS_OF + 1 : _ELAPSED],
                    progress.share,
                    *value[_ELAPSED + 1 :],
                )
            )
            for value in self.run.values
        )
        return replace(self, run=self.run._replace(values=values))


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What verdicts rest on besides the statuses before; all but the conditions are compared by identity."""

    rows: Sequence[GroupReading]
    roster: Roster
    sealed: SealedPeriods
    conditions: tuple[object, ...]

    def same_as(self, other: _Inputs) -> bool:
        same_objects = self.rows is other.rows and self.roster is other.roster and self.sealed is other.sealed
        return same_objects and self.conditions == other.conditions


class Judge:
    """Judges the KPIs of one config at one instant after the other."""

    def __init__(self) -> None:
        self._reader = GroupReader()
        self._latest: dict[tuple[str, Scope], tuple[_Inputs, JudgedRun]] = {}

    def runs(
        self,
        period: KpiPeriod,
        answers_of: Callable[[KpiPeriod, Scope], AnswersByWindow],
        memory: StatusMemory,
        roster_at: RosterAt,
        sealed: SealedPeriods = NOTHING_SEALED,
    ) -> Iterator[JudgedRun]:
        """A run for each scope of the KPI; without data there is at most the company's."""
        if period.withheld is Status.NO_DATA:
            if Scope.COMPANY in period.scopes:
                value = withheld(period, period.withheld, Scope.COMPANY, Group())
                yield JudgedRun.of(period, Scope.COMPANY, [(value, Verdict(period.withheld))])
            return
        roster = roster_at(period.progress.as_of) if period.plan.needs_roster else NOBODY
        conditions = period.conditions
        for scope in period.scopes:
            rows = self._reader.rows(period, scope, answers_of(period, scope))
            yield self._run(period, scope, _Inputs(rows, roster, sealed, conditions), memory)

    def _run(self, period: KpiPeriod, scope: Scope, inputs: _Inputs, memory: StatusMemory) -> JudgedRun:
        key = period.plan.kpi.name, scope
        before, latest = self._latest.get(key, (None, None))
        if before is not None and latest is not None and inputs.same_as(before) and latest.is_final(memory):
            return latest.at(period.progress)
        revision = 0 if latest is None else latest.run.revision + 1
        judged = JudgedRun.of(period, scope, list(_judged(period, scope, inputs, memory)), revision)
        self._latest[key] = inputs, judged
        return judged


def _judged(
    period: KpiPeriod, scope: Scope, inputs: _Inputs, memory: StatusMemory
) -> Iterator[tuple[KpiValue, Verdict]]:
    status, plan, roster = period.withheld, period.plan, inputs.roster
    yardsticks: dict[object, Yardstick | NoTarget] = {}
    for reading in inputs.rows:
        row = inputs.sealed.in_place_of(reading, period, scope)
        if status is not None:
            yield withheld(period, status, scope, row.group), Verdict(status)
            continue
        key = plan.target_key(row.group, row.reference, roster)
        if key not in yardsticks:
            yardsticks[key] = plan.yardstick(period, row.group, row.reference, roster)
        yield judge(period, scope, row, yardsticks[key], memory)
