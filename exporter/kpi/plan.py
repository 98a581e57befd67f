"""A KPI with all that the config alone decides about its evaluation, worked out once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from exporter.config.company import Bands
from exporter.config.fields import Pace
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.config.targets import Entry, Goal, Growth, Reference
from exporter.kpi import pace, periods
from exporter.kpi.calendar import Calendar
from exporter.kpi.pace import Clock, Yardstick
from exporter.kpi.periods import Span
from exporter.kpi.ratio import Aim
from exporter.kpi.readings import Formula, Reading, entities_of, formula_of, min_sample
from exporter.kpi.targets import Days, dated_aim, fixed_aim, growth_aim
from exporter.metrics.values import Group


@dataclass(frozen=True, slots=True)
class Plan:
    """One KPI, ready to be evaluated."""

    kpi: Kpi
    formula: Formula
    entities: frozenset[str]
    flow: bool
    pace: Pace
    bands: Bands
    min_sample: float
    calendar: Calendar
    named: frozenset[str]
    _aims: dict[tuple[Span, date, Pace, object], Aim | None] = field(default_factory=dict, repr=False, compare=False)
    """Those of the last day asked for: they change with the date, evaluations come every few seconds."""

    @classmethod
    def of(cls, config: Config, kpi: Kpi, calendar: Calendar) -> Plan:
        """The plan of a KPI of the config."""
        formula = formula_of(config, kpi)
        return cls(
            kpi,
            formula,
            entities_of(config, formula.metrics),
            config.is_flow(kpi),
            config.pace(kpi),
            config.bands(kpi),
            min_sample(config, kpi),
            calendar,
            _named(kpi),
        )

    def reference(self, span: Span) -> Span | None:
        """The period whose final value growth is measured against; None for any other target."""
        target = self.kpi.target
        if not isinstance(target, Growth):
            return None
        shift = periods.before if target.over is Reference.PREVIOUS else periods.year_before
        return shift(self.kpi.period, span)

    def target_key(self, group: Group, final: Reading | None) -> object:
        """Equal for groups with the same target: what a dated entry names of them, or the value they grow from."""
        if isinstance(self.kpi.target, Growth):
            return final
        if not self.named:
            return None
        names = (group.team or "").casefold(), (group.person or "").casefold()
        return tuple(name if name in self.named else None for name in names)

    def yardstick(self, clock: Clock, group: Group, final: Reading | None) -> Yardstick | None:
        """What the group's value is held against at the clock's instant; None where no target holds.

        `final` is the group's reading of the `reference` period, for growth.
        """
        aim = self._aim(clock, group, final)
        if aim is None:
            return None
        target, scale = self.kpi.target, self.kpi.scale
        paced = clock.pace is not Pace.NONE
        if isinstance(target, Goal):
            on_the_way = pace.accrued_towards if self.flow and paced else pace.towards
            return on_the_way(target, aim, scale, clock, self.calendar)
        return pace.accrued(aim, scale, clock.share) if self.flow and paced else pace.constant(aim, scale)

    def _aim(self, clock: Clock, group: Group, final: Reading | None) -> Aim | None:
        target, better = self.kpi.target, self.kpi.better
        if target is None:
            return None
        if isinstance(target, Growth):
            return growth_aim(target, better, final)
        if isinstance(target, tuple):
            return self._dated_aim(target, clock, group)
        return fixed_aim(target, better)

    def _dated_aim(self, entries: tuple[Entry, ...], clock: Clock, group: Group) -> Aim | None:
        today: date = self.calendar.day_of(clock.as_of)
        key = clock.span, today, clock.pace, self.target_key(group, None)
        if key not in self._aims:
            if self._aims and next(iter(self._aims))[:3] != key[:3]:
                self._aims.clear()
            days = Days(clock.span, self.calendar.weights(clock.span, clock.pace), today)
            self._aims[key] = dated_aim(entries, self.kpi.better, days, group, flow=self.flow)
        return self._aims[key]


def _named(kpi: Kpi) -> frozenset[str]:
    entries: tuple[Entry, ...] = kpi.target if isinstance(kpi.target, tuple) else ()
    return frozenset(name.casefold() for entry in entries for name in (entry.team, entry.person) if name)
