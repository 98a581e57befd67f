"""How a KPI is evaluated: what the config decides once (`Plan`), and what an instant decides (`KpiPeriod`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from exporter.config.company import Bands
from exporter.config.dated import Dated
from exporter.config.fields import Pace, Scope, Status
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.config.targets import Entry, Goal, Growth, Reference
from exporter.kpi import pace
from exporter.kpi.calendar import Calendar, DateSpan, previous_period, same_period_last_year
from exporter.kpi.pace import PeriodProgress, Yardstick
from exporter.kpi.ratio import Aim
from exporter.kpi.readings import Formula, KpiReading, formula_of, min_sample
from exporter.kpi.targets import (
    COMPANY_ALONE,
    COMPLETE,
    DAY_OFF,
    NOT_SET,
    DatedTarget,
    NoTarget,
    ReferenceCoverage,
    TargetPeriod,
    fixed_aim,
    growth_aim,
)
from exporter.kpi.values import PEOPLE, Freshness
from exporter.metrics.values import NOBODY, Group, Question, Roster, Window

_NEVER_READ = Freshness(None)
_INSTANT = timedelta(microseconds=1)


@dataclass(slots=True)
class _Latest:
    """What was worked out last: consecutive evaluations share most of it.

    `aims` are those of `aims_of`, the period, day and roster: they change daily, while evaluations run every few
    seconds. `period` is of `period_of`, a day and what was known then; at a later instant only its progress differs.
    """

    dated: DatedTarget | None = None
    aims_of: object = None
    aims: dict[object, Aim | NoTarget] = field(default_factory=dict)
    period: KpiPeriod | None = None
    period_of: object = None
    freshness: Mapping[str, Freshness] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """One KPI with everything that the config decides about its evaluation.

    `common` means that the company's target also judges teams and people.
    """

    kpi: Kpi
    formulas: Dated[Formula]
    flow: bool
    pace: Pace
    bands: Dated[Bands]
    min_sample: float
    calendar: Calendar
    common: bool
    _latest: _Latest = field(default_factory=_Latest, repr=False, compare=False)

    @classmethod
    def of(cls, config: Config, kpi: Kpi, calendar: Calendar) -> Plan:
        """The plan of a KPI of the config."""
        formulas = kpi.formulas.map(lambda tree: formula_of(config, tree))
        return cls(
            kpi,
            formulas,
            config.is_flow(kpi),
            config.pace(kpi),
            config.bands(kpi),
            min_sample(config, kpi),
            calendar,
            config.applies_to_all(kpi),
        )

    @property
    def needs_roster(self) -> bool:
        """True if targets may depend on who is in which team."""
        return isinstance(self.kpi.target, tuple) and self.kpi.scopes != (Scope.COMPANY,)

    def accrues(self, progress: PeriodProgress) -> bool:
        """True if more of the target is due as the period goes on."""
        return self.flow and progress.pace is not Pace.NONE

    def at(self, freshness: Mapping[str, Freshness], now: datetime) -> KpiPeriod:
        """The KPI at an instant, as of the oldest of its inputs.

        Team and person values require that the people were read once, if any source reads them.
        """
        calendar = self.calendar
        metrics = self.formulas.on(calendar.day_of(now)).metrics
        known_until = data_as_of(metrics, freshness, now)
        as_of, stale = known_until or (now, False)
        withheld = Status.NO_DATA if known_until is None else Status.STALE if stale else None
        day = calendar.day_of(as_of)
        key = day, as_of == calendar.start_of(day), metrics, withheld
        latest = self._latest
        if latest.period is None or latest.period_of != key or latest.freshness is not freshness:
            span = calendar.period_of(self.kpi.period, as_of)
            progress = PeriodProgress.at(as_of, span, self.pace, calendar)
            unread = (freshness[name].unread for name in metrics if name in freshness)
            latest.period = replace(
                self._period(progress, as_of, freshness, withheld),
                unread=next((reason for reason in unread if reason is not None), None),
            )
            latest.period_of, latest.freshness = key, freshness
        return latest.period.later(as_of)

    def closing(self, span: DateSpan, freshness: Mapping[str, Freshness]) -> KpiPeriod:
        """The KPI over a whole past period, as of its end, judged by the definition and targets of its last day.

        Its numbers are withheld as `no_data` unless all inputs are complete up to the end. Being old, they are never
        stale.
        """
        end = self.calendar.start_of(span.until)
        metrics = self.formulas.on(span.until - timedelta(days=1)).metrics
        known_until = data_as_of(metrics, freshness, end)
        progress = replace(PeriodProgress.at(end - _INSTANT, span, self.pace, self.calendar), share=1.0)
        complete = known_until is not None and known_until[0] >= end
        return self._period(progress, end, freshness, None if complete else Status.NO_DATA)

    def _period(
        self, progress: PeriodProgress, until: datetime, freshness: Mapping[str, Freshness], withheld: Status | None
    ) -> KpiPeriod:
        span = progress.span
        spans, reference = [previous_period(self.kpi.period, span)], COMPLETE
        if isinstance(self.kpi.target, Growth):
            previous = self.kpi.target.over is Reference.PREVIOUS
            spans.append(spans[0] if previous else same_period_last_year(self.kpi.period, span))
            reference = self._reference(spans[1], freshness)
        scopes = self.kpi.scopes if people_known(freshness) else (Scope.COMPANY,)
        windows = (self.calendar.window(span, until), *map(self.calendar.window, spans))
        formulas = tuple(self.formulas.on(self.calendar.last_day(window)) for window in windows)
        return KpiPeriod(
            self,
            progress,
            self.calendar.window(span),
            windows,
            formulas,
            self.bands.on(self.calendar.day_of(progress.as_of)),
            tuple(scope for scope in scopes if scope in self.kpi.scopes),
            withheld,
            reference,
            dated_share(formulas[0].metrics, freshness),
        )

    def _reference(self, span: DateSpan, freshness: Mapping[str, Freshness]) -> ReferenceCoverage:
        """How much of a reference period the records cover: its weight after the latest of the first records."""
        metrics = self.formulas.on(span.until - timedelta(days=1)).metrics
        dated = dated_share(metrics, freshness)
        begins = [freshness[name].known_since for name in metrics if name in freshness]
        since = max((begin for begin in begins if begin is not None), default=None)
        if since is None:
            return ReferenceCoverage(dated=dated)
        return ReferenceCoverage(1 - self.calendar.share(span, self.pace, since), self.calendar.day_of(since), dated)

    def target_key(self, group: Group, final: KpiReading | None, roster: Roster = NOBODY) -> object:
        """Equal for groups of one scope with the same target."""
        if isinstance(self.kpi.target, Growth):
            return final
        return self._dated_target(self.kpi.target, roster).key(group) if isinstance(self.kpi.target, tuple) else None

    def yardstick(
        self, period: KpiPeriod, group: Group, final: KpiReading | None, roster: Roster = NOBODY
    ) -> Yardstick | NoTarget:
        """What the group's value is measured against at an instant, or why there is nothing.

        `final` is the group's reading of the period that growth is measured against.
        """
        progress = period.progress
        aim = DAY_OFF if progress.day_off else self._aim(period, group, final, roster)
        if isinstance(aim, NoTarget):
            return aim
        target, scale = self.kpi.target, self.kpi.scale
        accrues = self.accrues(progress)
        if isinstance(target, Goal):
            towards = pace.accrued_towards if accrues else pace.towards
            return towards(target, aim, scale, progress, self.calendar)
        return pace.accrued(aim, scale, progress.share) if accrues else pace.constant(aim, scale)

    def _aim(self, period: KpiPeriod, group: Group, final: KpiReading | None, roster: Roster) -> Aim | NoTarget:
        target, better = self.kpi.target, self.kpi.better
        if target is None:
            return NOT_SET
        if isinstance(target, tuple):
            return self._dated_aim(self._dated_target(target, roster), period.progress, group)
        if not self.common and (group.team is not None or group.person is not None):
            return COMPANY_ALONE
        return (
            growth_aim(target, better, final, period.reference)
            if isinstance(target, Growth)
            else fixed_aim(target, better)
        )

    def _dated_target(self, entries: tuple[Entry, ...], roster: Roster) -> DatedTarget:
        dated = self._latest.dated
        if dated is None or dated.roster is not roster:
            dated = DatedTarget.of(entries, self.kpi.better, roster, flow=self.flow, common=self.common)
            self._latest.dated = dated
        return dated

    def _dated_aim(self, target: DatedTarget, progress: PeriodProgress, group: Group) -> Aim | NoTarget:
        latest, today = self._latest, self.calendar.day_of(progress.as_of)
        aims_of = target.roster, today, progress.span, progress.pace
        if latest.aims_of != aims_of:
            latest.aims_of, latest.aims = aims_of, {}
        key = target.key(group)
        aim = latest.aims.get(key)
        if aim is None:
            weights = self.calendar.weights(progress.span, progress.pace)
            aim = latest.aims[key] = target.aim(TargetPeriod(progress.span, weights, today), group)
        return aim


@dataclass(frozen=True, slots=True)
class KpiPeriod:
    """One KPI at one instant. `withheld` is the status that withholds its numbers, None if they may be shown.

    `unread` says in words what was never read completely, None if nothing.

    `reference` says how much of the period that growth is measured against is known, and `dated` which share of the
    records has a place in time, for the metric that lacks most of them.

    `window` is the whole period. `windows` are those to ask about: the period until the as-of instant, the whole
    previous period and, if the target is growth, the whole period that growth is measured against. `formulas` are
    those in force on the last day of each, and `bands` those in force on the as-of day.
    """

    plan: Plan
    progress: PeriodProgress
    window: Window
    windows: tuple[Window, ...]
    formulas: tuple[Formula, ...]
    bands: Bands
    scopes: tuple[Scope, ...]
    withheld: Status | None = None
    reference: ReferenceCoverage = COMPLETE
    dated: float = 1.0
    unread: str | None = None
    _questions: dict[Scope, list[list[Question]]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def conditions(self) -> tuple[object, ...]:
        """What its verdicts rest on besides readings and statuses: readings under equal conditions are judged alike."""
        progress, target = self.progress, self.plan.kpi.target
        share = progress.share if target is not None and self.plan.accrues(progress) else None
        on_the_way = isinstance(target, Goal) and progress.as_of
        today = self.plan.calendar.day_of(progress.as_of)
        known = self.withheld, self.reference, self.dated, self.unread
        return progress.span, share, on_the_way, today, self.bands, known

    def later(self, as_of: datetime) -> KpiPeriod:
        """The same KPI at another instant of the same day, at which the same is known."""
        progress = self.progress
        if as_of == progress.as_of:
            return self
        first, *others = self.windows
        return KpiPeriod(
            self.plan,
            progress.later(as_of, self.plan.calendar),
            self.window,
            (Window(first.start, as_of), *others),
            self.formulas,
            self.bands,
            self.scopes,
            self.withheld,
            self.reference,
            self.dated,
            self.unread,
        )

    @property
    def known_until(self) -> datetime | None:
        """The as-of instant; None while something was never read completely."""
        return None if self.withheld is Status.NO_DATA else self.progress.as_of

    @property
    def weight(self) -> float:
        """Its weight in the score of its objective on the as-of day."""
        return self.plan.kpi.weight.on(self.plan.calendar.day_of(self.progress.as_of))

    @property
    def metrics(self) -> frozenset[str]:
        """Names of the metrics that any of its formulas needs."""
        return frozenset(name for formula in self.formulas for name in formula.metrics)

    @property
    def asked_metrics(self) -> frozenset[str]:
        """Names of the metrics that it asks about: none while one of them was never read completely."""
        return frozenset() if self.withheld is Status.NO_DATA else self.metrics

    def questions(self) -> Iterator[Question]:
        """Everything that the KPI needs to know."""
        if self.withheld is not Status.NO_DATA:
            for scope in self.scopes:
                for questions in self.questions_by_window(scope):
                    yield from questions

    def questions_by_window(self, scope: Scope) -> list[list[Question]]:
        """For each window the questions at one scope, one for each metric of the formula."""
        if scope not in self._questions:
            self._questions[scope] = [
                [Question(name, window, scope) for name in formula.metrics]
                for window, formula in zip(self.windows, self.formulas, strict=True)
            ]
        return self._questions[scope]


def data_as_of(
    metrics: Iterable[str], freshness: Mapping[str, Freshness], now: datetime
) -> tuple[datetime, bool] | None:
    """The instant up to which all the metrics are known, at most `now`, and whether that is too old to show.

    None if a source of one of them was never read completely. A metric is stale only if it limits the as-of instant:
    what is known beyond `now` is not stale as of `now`.
    """
    as_of, stale = now, False
    for metric in metrics:
        fresh = freshness.get(metric, _NEVER_READ)
        if fresh.complete_until is None:
            return None
        if fresh.complete_until < now:
            as_of, stale = min(as_of, fresh.complete_until), stale or fresh.stale
    return as_of, stale


def dated_share(metrics: Iterable[str], freshness: Mapping[str, Freshness]) -> float:
    """The share of the records with a place in time, for the metric that lacks most of them."""
    return min((freshness[name].dated_share for name in metrics if name in freshness), default=1.0)


def people_known(freshness: Mapping[str, Freshness]) -> bool:
    """False while a source that lists people has not been read completely: teams would be wrong."""
    people = freshness.get(PEOPLE)
    return people is None or people.complete_until is not None
