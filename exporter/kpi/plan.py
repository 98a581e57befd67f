"""How a KPI is evaluated: what the config decides once (`Plan`), and what an instant decides (`KpiPeriod`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from exporter.config.company import Bands
from exporter.config.fields import Pace, Scope, Status
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.config.targets import Entry, Goal, Growth, Reference
from exporter.kpi import pace
from exporter.kpi.calendar import Calendar, DateSpan, previous_period, same_period_last_year
from exporter.kpi.pace import PeriodProgress, Yardstick
from exporter.kpi.ratio import Aim
from exporter.kpi.readings import Formula, KpiReading, entities_of, formula_of, min_sample
from exporter.kpi.targets import TargetPeriod, dated_aim, fixed_aim, growth_aim
from exporter.kpi.values import Freshness
from exporter.metrics.values import Group, Question, Window

_NEVER_READ = Freshness(None)


@dataclass(frozen=True, slots=True)
class Plan:
    """One KPI with everything that the config decides about its evaluation.

    `target_names` are the teams and persons, in lower case, that its dated targets name.
    """

    kpi: Kpi
    formula: Formula
    entities: frozenset[str]
    flow: bool
    pace: Pace
    bands: Bands
    min_sample: float
    calendar: Calendar
    target_names: frozenset[str]
    _aims: dict[tuple[DateSpan, date, Pace, object], Aim | None] = field(
        default_factory=dict, repr=False, compare=False
    )
    """Aims of the last day that was evaluated: they change daily, while evaluations run every few seconds."""

    @classmethod
    def of(cls, config: Config, kpi: Kpi, calendar: Calendar) -> Plan:
        """The plan of a KPI of the config."""
        formula = formula_of(config, kpi)
        entries: tuple[Entry, ...] = kpi.target if isinstance(kpi.target, tuple) else ()
        return cls(
            kpi,
            formula,
            entities_of(config, formula.metrics),
            config.is_flow(kpi),
            config.pace(kpi),
            config.bands(kpi),
            min_sample(config, kpi),
            calendar,
            frozenset(name.casefold() for entry in entries for name in (entry.team, entry.person) if name),
        )

    def at(self, freshness: Mapping[str, Freshness], now: datetime) -> KpiPeriod:
        """The KPI at an instant, as of the oldest of its inputs.

        Team and person values require that the people were read once, if any source reads them.
        """
        known_until = data_as_of(self.entities, freshness, now)
        as_of, stale = known_until or (now, False)
        span = self.calendar.period_of(self.kpi.period, as_of)
        spans = [previous_period(self.kpi.period, span)]
        if isinstance(self.kpi.target, Growth):
            previous = self.kpi.target.over is Reference.PREVIOUS
            spans.append(spans[0] if previous else same_period_last_year(self.kpi.period, span))
        scopes = self.kpi.scopes if people_known(freshness) else (Scope.COMPANY,)
        return KpiPeriod(
            self,
            PeriodProgress.at(as_of, span, self.pace, self.calendar),
            self.calendar.window(span),
            (self.calendar.window(span, as_of), *map(self.calendar.window, spans)),
            tuple(scope for scope in scopes if scope in self.kpi.scopes),
            Status.NO_DATA if known_until is None else Status.STALE if stale else None,
        )

    def target_key(self, group: Group, final: KpiReading | None) -> object:
        """Equal for groups with the same target: the names that its entries mention, or the value to grow from."""
        if isinstance(self.kpi.target, Growth):
            return final
        if not self.target_names:
            return None
        names = (group.team or "").casefold(), (group.person or "").casefold()
        return tuple(name if name in self.target_names else None for name in names)

    def yardstick(self, progress: PeriodProgress, group: Group, final: KpiReading | None) -> Yardstick | None:
        """What the group's value is measured against at an instant; None on a day off, or if no target applies.

        `final` is the group's reading of the period that growth is measured against.
        """
        aim = None if progress.day_off else self._aim(progress, group, final)
        if aim is None:
            return None
        target, scale = self.kpi.target, self.kpi.scale
        accrues = self.flow and progress.pace is not Pace.NONE
        if isinstance(target, Goal):
            towards = pace.accrued_towards if accrues else pace.towards
            return towards(target, aim, scale, progress, self.calendar)
        return pace.accrued(aim, scale, progress.share) if accrues else pace.constant(aim, scale)

    def _aim(self, progress: PeriodProgress, group: Group, final: KpiReading | None) -> Aim | None:
        target, better = self.kpi.target, self.kpi.better
        if target is None:
            return None
        if isinstance(target, Growth):
            return growth_aim(target, better, final)
        if not isinstance(target, tuple):
            return fixed_aim(target, better)
        today = self.calendar.day_of(progress.as_of)
        key = progress.span, today, progress.pace, self.target_key(group, None)
        if key not in self._aims:
            if self._aims and next(iter(self._aims))[:3] != key[:3]:
                self._aims.clear()
            period = TargetPeriod(progress.span, self.calendar.weights(progress.span, progress.pace), today)
            self._aims[key] = dated_aim(target, better, period, group, flow=self.flow)
        return self._aims[key]


@dataclass(frozen=True, slots=True)
class KpiPeriod:
    """One KPI at one instant. `withheld` is the status that withholds its numbers, None if they may be shown.

    `window` is the whole period. `windows` are those to ask about: the period until the as-of instant, the whole
    previous period and, if the target is growth, the whole period that growth is measured against.
    """

    plan: Plan
    progress: PeriodProgress
    window: Window
    windows: tuple[Window, ...]
    scopes: tuple[Scope, ...]
    withheld: Status | None = None

    def questions(self) -> Iterator[Question]:
        """Everything that the KPI needs to know."""
        if self.withheld is not Status.NO_DATA:
            for scope in self.scopes:
                for questions in self.questions_by_window(scope):
                    yield from questions

    def questions_by_window(self, scope: Scope) -> list[list[Question]]:
        """For each window the questions at one scope, one for each metric of the formula."""
        return [[Question(name, window, scope) for name in self.plan.formula.metrics] for window in self.windows]


def data_as_of(
    entities: frozenset[str], freshness: Mapping[str, Freshness], now: datetime
) -> tuple[datetime, bool] | None:
    """The instant up to which all the entities are known, at most `now`, and whether that is too old to show.

    None if one of them was never read completely. An entity is stale only if it limits the as-of instant: what is
    known beyond `now` is not stale as of `now`.
    """
    as_of, stale = now, False
    for entity in entities:
        fresh = freshness.get(entity, _NEVER_READ)
        if fresh.complete_until is None:
            return None
        if fresh.complete_until < now:
            as_of, stale = min(as_of, fresh.complete_until), stale or fresh.stale
    return as_of, stale


def people_known(freshness: Mapping[str, Freshness]) -> bool:
    """False while a source that lists people has not been read completely: teams would be wrong."""
    people = freshness.get("people")
    return people is None or people.complete_until is not None
