"""KPIs whose guard is off track: they are at risk at best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exporter.config.fields import Scope, Status
from exporter.config.root import Config
from exporter.kpi.status import guarded
from exporter.kpi.values import KpiRun, KpiValue, ValueRuns
from exporter.metrics.runs import Run, Runs, aligned
from exporter.metrics.values import Group

_RunKey = tuple[str, Scope]


class Guards:
    """The guards of one config's KPIs, from one evaluation to the next."""

    def __init__(self, config: Config) -> None:
        self._guards = {kpi.name: kpi.guard for kpi in config.kpis if kpi.guard is not None}
        self._titles = {kpi.name: kpi.title for kpi in config.kpis}
        self._latest: dict[_RunKey, tuple[object, Sequence[bool]]] = {}

    def applied(self, runs: Sequence[KpiRun]) -> tuple[KpiRun, ...]:
        """The runs, with KPIs whose guard is off track at risk at best, and that as the reason.

        The guard's status for the same team or person applies, or the company's if it has none there.
        """
        if not self._guards:
            return tuple(runs)
        by_key = {(run.kpi, run.scope): run for run in runs}
        return tuple(run if run.kpi not in self._guards else self._guarded(run, by_key) for run in runs)

    def over_time(self, values: Mapping[str, ValueRuns], step_count: int) -> dict[str, ValueRuns]:
        """The values of KPIs at so many steps, with those whose guard is off track then at risk at best."""
        result = dict(values)
        for kpi in self._guards.keys() & values.keys():
            guard = self._guards[kpi]
            result[kpi] = _guarded_runs(values[kpi], values.get(guard, {}), step_count, self._reason(guard))
        return result

    def _reason(self, guard: str) -> str:
        return f"guard {self._titles[guard]} is off track"

    def _guarded(self, run: KpiRun, by_key: dict[_RunKey, KpiRun]) -> KpiRun:
        guard = self._guards[run.kpi]
        same_scope, company = by_key.get((guard, run.scope)), by_key.get((guard, Scope.COMPANY))
        revision = (run.revision, *(None if other is None else other.revision for other in (same_scope, company)))
        latest = self._latest.get((run.kpi, run.scope))
        if latest is None or latest[0] != revision:
            latest = self._latest[run.kpi, run.scope] = revision, _off_track(run, same_scope, company)
        values = run.values
        if any(latest[1]):
            reason = self._reason(guard)
            values = tuple(
                _held_back(value, reason) if is_off_track else value
                for value, is_off_track in zip(values, latest[1], strict=True)
            )
        return KpiRun(run.kpi, run.scope, values, revision)


def _held_back(value: KpiValue, reason: str) -> KpiValue:
    """The value as its guard leaves it; with the reason if its verdict would be better without the guard."""
    status = guarded(value.status)
    return value if status is value.status else value._replace(status=status, reason=reason)


def _guarded_runs(values: ValueRuns, guard: ValueRuns, step_count: int, reason: str) -> ValueRuns:
    company = _statuses(guard.get((Scope.COMPANY, Group()), ()))
    return {
        key: [
            (first, until, _held_back(value, reason) if _is_off_track(own, everybody) else value)
            for first, until, value, own, everybody in aligned(
                [runs, _statuses(guard.get(key, ())), company], 0, step_count
            )
            if value is not None
        ]
        for key, runs in values.items()
    }


def _off_track(run: KpiRun, same_scope: KpiRun | None, company: KpiRun | None) -> Sequence[bool]:
    """Whether the guard of each value is off track."""
    everybody = company.values[0].status if company is not None and company.values else None
    statuses = {(value.team, value.person): value.status for value in same_scope.values} if same_scope else {}
    return [_is_off_track(statuses.get((value.team, value.person)), everybody) for value in run.values]


def _is_off_track(own: Status | None, company: Status | None) -> bool:
    """Whether the guard is, by its status for the same team or person, or the company's if it has none there."""
    return (company if own is None else own) is Status.OFF_TRACK


def _statuses(runs: Runs[KpiValue]) -> list[Run[Status]]:
    return [(first, until, value.status) for first, until, value in runs]
