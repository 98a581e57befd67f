"""Judges the KPIs of one instant; what rests on the same inputs as at the instant before is not judged again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from exporter.config.fields import Scope, Status
from exporter.kpi.group_readings import AnswersByWindow, GroupReader, GroupReading
from exporter.kpi.pace import PeriodProgress, Yardstick
from exporter.kpi.plan import KpiPeriod
from exporter.kpi.sealed_periods import NOTHING_SEALED, SealedPeriods
from exporter.kpi.status import HeldStatus, StatusKey, StatusMemory, Verdict, judge, withheld
from exporter.kpi.targets import NoTarget
from exporter.kpi.values import KpiRun, KpiValue
from exporter.metrics.values import NOBODY, Group, Roster, RosterAt

_WITHOUT_DATA = -1
"""The revision of a run that rests on nothing."""

_AS_OF, _ELAPSED, _TIME_LEFT = map(KpiValue._fields.index, ("as_of", "elapsed", "time_left"))


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """The values of one KPI at one scope, the verdict behind each, and what hysteresis remembers of them."""

    run: KpiRun
    verdicts: Sequence[Verdict] = ()
    held_statuses: Mapping[StatusKey, tuple[datetime, HeldStatus]] = field(default_factory=dict)
    news: bool = True
    """False if the memory that it was judged with has all of `held_statuses`."""

    @classmethod
    def of(
        cls, period: KpiPeriod, scope: Scope, judged: Sequence[tuple[KpiValue, Verdict]], revision: int = 0
    ) -> JudgedRun:
        """The run of judged values of a KPI at a scope."""
        start = period.window.start
        entries: dict[HeldStatus, tuple[datetime, HeldStatus]] = {}  # a few, which many people share
        statuses = {
            (value.kpi, scope, value.team, value.person): entries.setdefault(status, (start, status))
            for value, verdict in judged
            if (status := verdict.held_status) is not None
        }
        run = KpiRun(period.plan.kpi.name, scope, tuple([value for value, _ in judged]), revision)
        return cls(run, [verdict for _, verdict in judged], statuses)

    def is_final(self, memory: StatusMemory) -> bool:
        """True if judging the same readings again, with this memory, gives the same verdicts."""
        entries = memory.entries
        return all(
            not status.waiting and entries.get(key) == (start, status)
            for key, (start, status) in self.held_statuses.items()
        )

    def at(self, progress: PeriodProgress) -> JudgedRun:
        """The same values as of a later instant of the period."""
        run = self.run
        values = tuple([_at(value, progress) for value in run.values])
        return JudgedRun(
            KpiRun(run.kpi, run.scope, values, run.revision), self.verdicts, self.held_statuses, news=False
        )


def _at(value: KpiValue, progress: PeriodProgress) -> KpiValue:
    before, between, after = value[:_AS_OF], value[_AS_OF + 1 : _ELAPSED], value[_TIME_LEFT + 1 :]
    return tuple.__new__(KpiValue, (*before, progress.as_of, *between, progress.share, progress.time_left, *after))


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What verdicts rest on besides the statuses before; all but the conditions are compared by identity."""

    rows: Sequence[GroupReading]
    roster: Roster
    sealed: SealedPeriods
    conditions: tuple[object, ...]

    def same_as(self, other: _Inputs) -> bool:
        return self.rows is other.rows and self.same_but_rows(other)

    def same_but_rows(self, other: _Inputs) -> bool:
        same_objects = self.roster is other.roster and self.sealed is other.sealed
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
                yield JudgedRun.of(period, Scope.COMPANY, [(value, Verdict(period.withheld))], _WITHOUT_DATA)
            return
        roster = roster_at(period.progress.as_of) if period.plan.needs_roster else NOBODY
        conditions = period.conditions
        for scope in period.scopes:
            rows = self._reader.rows(period, scope, answers_of(period, scope))
            yield self._run(period, scope, _Inputs(rows, roster, sealed, conditions), memory)

    def _run(self, period: KpiPeriod, scope: Scope, inputs: _Inputs, memory: StatusMemory) -> JudgedRun:
        key = period.plan.kpi.name, scope
        before, latest = self._latest.get(key, (None, None))
        if before is None or latest is None:
            judged = JudgedRun.of(period, scope, list(_judged(period, scope, inputs, memory)))
        else:
            same = inputs.same_but_rows(before)
            if same and inputs.rows is before.rows and latest.is_final(memory):
                return latest.at(period.progress)
            final = _final(before.rows, latest, memory) if same else {}
            values = list(_judged(period, scope, inputs, memory, final))
            judged = JudgedRun.of(period, scope, values, latest.run.revision + 1)
        self._latest[key] = inputs, judged
        return judged


def _final(
    rows: Sequence[GroupReading], latest: JudgedRun, memory: StatusMemory
) -> dict[Group, tuple[GroupReading, KpiValue, Verdict]]:
    """The verdicts that the same readings get again under the same conditions, by group."""
    entries, statuses = memory.entries, latest.held_statuses
    final = {}
    for reading, value, verdict in zip(rows, latest.run.values, latest.verdicts, strict=True):
        if verdict.held_status is not None:
            key = value.kpi, value.scope, value.team, value.person
            if verdict.held_status.waiting or entries.get(key) != statuses[key]:
                continue
        final[reading.group] = reading, value, verdict
    return final


def _judged(
    period: KpiPeriod,
    scope: Scope,
    inputs: _Inputs,
    memory: StatusMemory,
    final: Mapping[Group, tuple[GroupReading, KpiValue, Verdict]] = MappingProxyType({}),
) -> Iterator[tuple[KpiValue, Verdict]]:
    status, plan, roster, sealed = period.withheld, period.plan, inputs.roster, inputs.sealed
    yardsticks: dict[object, Yardstick | NoTarget] = {}
    for reading in inputs.rows:
        group = reading.group
        if status is not None:
            yield withheld(period, status, scope, group), Verdict(status)
            continue
        before = final.get(group)
        if before is not None and before[0] is reading:
            yield _at(before[1], period.progress), before[2]
            continue
        row = sealed.in_place_of(reading, period, scope)
        key = plan.target_key(group, row.reference, roster)
        measure = yardsticks.get(key)
        if measure is None:
            measure = yardsticks[key] = plan.yardstick(period, group, row.reference, roster)
        held_status = memory.get((plan.kpi.name, scope, group.team, group.person), period.window.start)
        yield judge(period, scope, row, measure, held_status)
