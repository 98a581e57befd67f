"""Sealed results in the place of what records say now, wherever a value is compared with an earlier period."""

from __future__ import annotations

from collections.abc import Iterable

from exporter.config.fields import Scope
from exporter.kpi.group_readings import GroupReading
from exporter.kpi.plan import KpiPeriod
from exporter.kpi.readings import KpiReading, name_of
from exporter.metrics.values import Window
from exporter.seals import Seal

_Whose = tuple[str, Scope, str | None]
"""KPI, scope and the name of the team or person."""


class SealedPeriods:
    """The sealed values of some periods. Comparisons with periods that are not sealed stay as they are."""

    def __init__(self, seals: Iterable[Seal] = ()) -> None:
        self._seals = {(seal.kpi, seal.scope, seal.key.name, Window(seal.start, seal.end)): seal for seal in seals}

    def in_place_of(self, row: GroupReading, period: KpiPeriod, scope: Scope) -> GroupReading:
        """The readings of a group, with the sealed values of the previous and the reference period."""
        if not self._seals:
            return row
        _, previous, *references = period.windows
        key = period.plan.kpi.name, scope, name_of(row.group)
        return row._replace(
            previous=self._sealed(key, previous, row.previous),
            reference=self._sealed(key, references[0], row.reference) if references else None,
        )

    def _sealed(self, key: _Whose, window: Window, reading: KpiReading | None) -> KpiReading | None:
        seal = self._seals.get((*key, window))
        if seal is None:
            return reading
        return KpiReading(seal.value, 0.0, 1.0) if reading is None else reading._replace(value=seal.value)


NOTHING_SEALED = SealedPeriods()
"""Every comparison is with what the records say now."""
