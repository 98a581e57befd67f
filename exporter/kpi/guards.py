"""KPIs whose guard is off track: they are at risk at best."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.config.fields import Scope, Status
from exporter.config.root import Config
from exporter.kpi.status import guarded
from exporter.kpi.values import KpiRun, KpiValue

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

    def _guarded(self, run: KpiRun, by_key: dict[_RunKey, KpiRun]) -> KpiRun:
        guard = self._guards[run.kpi]
        same_scope, company = by_key.get((guard, run.scope)), by_key.get((guard, Scope.COMPANY))
        revision = (run.revision, *(None if other is None else other.revision for other in (same_scope, company)))
        latest = self._latest.get((run.kpi, run.scope))
        if latest is None or latest[0] != revision:
            latest = self._latest[run.kpi, run.scope] = revision, _off_track(run, same_scope, company)
        values = run.values
        if any(latest[1]):
            reason = f"guard {self._titles[guard]} is off track"
            values = tuple(
                _held_back(value, reason) if is_off_track else value
                for value, is_off_track in zip(values, latest[1], strict=True)
            )
        return KpiRun(run.kpi, run.scope, values, revision)


def _held_back(value: KpiValue, reason: str) -> KpiValue:
    """The value as its guard leaves it; with the reason if its verdict would be better without the guard."""
    status = guarded(value.status)
    return value if status is value.status else value._replace(status=status, reason=reason)


def _off_track(run: KpiRun, same_scope: KpiRun | None, company: KpiRun | None) -> Sequence[bool]:
    """Whether the guard of each value is off track."""
    everybody = company.values[0].status if company is not None and company.values else None
    statuses = {(value.team, value.person): value.status for value in same_scope.values} if same_scope else {}
    return [statuses.get((value.team, value.person), everybody) is Status.OFF_TRACK for value in run.values]
