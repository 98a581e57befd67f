"""Judges one KPI over the steps of a history: each group only at the steps where something about it changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from exporter.config.fields import Scope, Status
from exporter.kpi.group_history import GroupHistory, RunsByWindow, group_histories
from exporter.kpi.group_readings import GroupReading
from exporter.kpi.pace import Yardstick
from exporter.kpi.plan import KpiPeriod
from exporter.kpi.sealed_periods import SealedPeriods
from exporter.kpi.status import HeldStatus, StatusKey, judge, withheld
from exporter.kpi.targets import NoTarget
from exporter.kpi.values import KpiValue, ValueRuns
from exporter.metrics.runs import Run, Runs, aligned, runs_of
from exporter.metrics.values import NOBODY, Group, Roster, RosterAt

_Held = dict[StatusKey, tuple[datetime, HeldStatus]]


@dataclass(frozen=True, slots=True)
class KpiHistory:
    """One KPI at each step: its period, its values, the ratio behind the company's verdict, and where it failed."""

    periods: Sequence[KpiPeriod]
    values: ValueRuns
    ratios: Runs[float]
    failed: Collection[int] = ()

    def evaluated(self) -> Iterator[tuple[int, int]]:
        """The spans of steps at which there is a value at any scope."""
        steps = bytearray(len(self.periods))
        for runs in self.values.values():
            for first, until, _ in runs:
                steps[first:until] = b"\1" * (until - first)
        return ((first, until) for first, until, has_value in runs_of(map(bool, steps)) if has_value)


@dataclass(eq=False, slots=True)
class _Conditions:
    """What the verdicts of a span of steps rest on besides readings, and the targets found under these conditions."""

    period: KpiPeriod
    roster: Roster
    yardsticks: dict[object, Yardstick | NoTarget] = field(default_factory=dict)

    def measure(self, row: GroupReading, scope: Scope) -> Yardstick | NoTarget:
        plan = self.period.plan
        key = scope, plan.target_key(row.group, row.reference, self.roster)
        measure = self.yardsticks.get(key)
        if measure is None:
            measure = self.yardsticks[key] = plan.yardstick(self.period, row.group, row.reference, self.roster)
        return measure


@dataclass(slots=True)
class _Judged:
    """The result for some steps, with the statuses that hysteresis remembers at their end."""

    statuses: _Held = field(default_factory=dict)
    values: dict[tuple[Scope, Group], list[Run[KpiValue]]] = field(default_factory=dict)
    ratios: list[Run[float]] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)

    def add(self, other: _Judged) -> None:
        self.statuses |= other.statuses
        for key, runs in other.values.items():
            self.values.setdefault(key, []).extend(runs)
        self.ratios += other.ratios


class HistoryJudge:
    """Judges the KPIs of one config in one part of a history after the other, with hysteresis across parts."""

    def __init__(self, roster_at: RosterAt, sealed: SealedPeriods) -> None:
        self._roster_at = roster_at
        self._sealed = sealed
        self._statuses: _Held = {}

    def history(
        self,
        periods: Sequence[KpiPeriod],
        answers_of: Callable[[KpiPeriod, Scope], RunsByWindow],
        failed: Collection[int] = (),
    ) -> KpiHistory:
        """The history of one KPI; at the steps in `failed` a metric has no answer."""
        result = _Judged()
        for first, until in _stretches(periods, failed):
            if first not in failed:
                self._judge(periods, answers_of, result, (first, until))
        return KpiHistory(periods, result.values, result.ratios, [*failed, *result.failed])

    def _judge(
        self,
        periods: Sequence[KpiPeriod],
        answers_of: Callable[[KpiPeriod, Scope], RunsByWindow],
        result: _Judged,
        steps: tuple[int, int],
    ) -> None:
        """Adds the result for some steps; those with a number that is too large fail alone."""
        first, until = steps
        try:
            judged = self._stretch(periods, answers_of, first, until)
        except ArithmeticError:
            if until - first == 1:
                result.failed.append(first)
                return
            middle = (first + until) // 2
            self._judge(periods, answers_of, result, (first, middle))
            self._judge(periods, answers_of, result, (middle, until))
            return
        self._statuses |= judged.statuses
        result.add(judged)

    def _stretch(
        self,
        periods: Sequence[KpiPeriod],
        answers_of: Callable[[KpiPeriod, Scope], RunsByWindow],
        first: int,
        until: int,
    ) -> _Judged:
        judged, period = _Judged(), periods[first]
        conditions = list(self._conditions(periods, first, until))
        if period.withheld is Status.NO_DATA:
            if Scope.COMPANY in period.scopes:
                judged.values[Scope.COMPANY, Group()] = [
                    (begin, end, withheld(each.period, Status.NO_DATA, Scope.COMPANY, Group()))
                    for begin, end, each in conditions
                ]
            return judged
        for scope in period.scopes:
            for history in group_histories(period.formulas, answers_of(period, scope), first, until):
                judged.values[scope, history.group] = self._group(history, scope, conditions, judged)
        return judged

    def _conditions(self, periods: Sequence[KpiPeriod], first: int, until: int) -> Iterator[Run[_Conditions]]:
        needs_roster = periods[first].plan.needs_roster
        by_step = (
            (period.conditions, self._roster_at(period.progress.as_of) if needs_roster else NOBODY)
            for period in periods[first:until]
        )
        for begin, end, (_, roster) in runs_of(by_step):
            yield first + begin, first + end, _Conditions(periods[first + begin], roster)

    def _group(
        self, history: GroupHistory, scope: Scope, conditions: Runs[_Conditions], judged: _Judged
    ) -> list[Run[KpiValue]]:
        group, values = history.group, list[Run[KpiValue]]()
        key = conditions[0][2].period.plan.kpi.name, scope, group.team, group.person
        held_status, sealed = self._statuses.get(key), self._sealed
        spans = aligned((*history[1:], conditions), conditions[0][0], conditions[-1][1])
        for begin, end, reading, previous, reference, current in spans:
            if reading is None:
                continue
            period: KpiPeriod = current.period
            if period.withheld is not None:
                values.append((begin, end, withheld(period, period.withheld, scope, group)))
                continue
            row = sealed.in_place_of(GroupReading(group, reading, previous, reference), period, scope)
            measure, start, step = current.measure(row, scope), period.window.start, begin
            while step < end:
                before = held_status[1] if held_status is not None and held_status[0] == start else None
                value, verdict = judge(period, scope, row, measure, before)
                waiting = False
                if verdict.held_status is not None:
                    held_status = judged.statuses[key] = start, verdict.held_status
                    waiting = bool(verdict.held_status.waiting)
                until = step + 1 if waiting else end
                values.append((step, until, value))
                if scope is Scope.COMPANY and verdict.ratio is not None:
                    judged.ratios.append((step, until, verdict.ratio))
                step = until
        return values


def _stretches(periods: Sequence[KpiPeriod], failed: Collection[int]) -> Iterator[tuple[int, int]]:
    """Successive steps at which the same is asked about the same scopes, and which all fail or none."""
    same = (
        (step in failed, period.withheld is Status.NO_DATA, period.scopes, period.formulas)
        for step, period in enumerate(periods)
    )
    for first, until, _ in runs_of(same):
        yield first, until
