"""What to ask about a part of a history."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from exporter.config.fields import Period, Scope, Status
from exporter.kpi.calendar import Calendar
from exporter.kpi.evaluate import KpiEvaluator
from exporter.kpi.plan import KpiPeriod, data_as_of, people_known
from exporter.kpi.sampling import MetricSeries, Sampler
from exporter.kpi.values import Freshness
from exporter.metrics.values import ColumnQuestion, StepWindows, Window


@dataclass(frozen=True, slots=True)
class SampledSeries:
    """A series of a metric with its question, and at how many of the first steps it may be shown."""

    series: MetricSeries
    question: ColumnQuestion
    shown: int


@dataclass(frozen=True, slots=True)
class HistoryPart:
    """Consecutive steps with ascending windows: the KPIs at each step, and the questions about all of them.

    `window_questions` has those of each KPI for each of its windows, by scope and name of the metric.
    """

    instants: Sequence[datetime]
    periods: Sequence[tuple[KpiPeriod, ...]]
    window_questions: Mapping[str, Sequence[Mapping[tuple[str, Scope], ColumnQuestion]]]
    sampled: Sequence[SampledSeries]

    @property
    def questions(self) -> tuple[ColumnQuestion, ...]:
        """Every question once."""
        questions = [
            question
            for windows in self.window_questions.values()
            for by_metric in windows
            for question in by_metric.values()
        ]
        return tuple(dict.fromkeys((*questions, *(sampled.question for sampled in self.sampled))))

    def metrics_at(self, step: int) -> set[str]:
        """The metrics that are asked about at a step."""
        metrics = {name for period in self.periods[step] for name in period.asked_metrics}
        return metrics | {sampled.series.metric for sampled in self.sampled if step < sampled.shown}


def parts_of(
    evaluator: KpiEvaluator, freshness: Mapping[str, Freshness], instants: Sequence[datetime], size: int
) -> Iterator[HistoryPart]:
    """Splits the steps of a history into parts of at most so many. A part ends where windows do not ascend."""
    sampler, calendar = evaluator.sampler, evaluator.calendar
    periods: list[tuple[KpiPeriod, ...]] = []
    first = 0
    for index, instant in enumerate(instants):
        at = tuple(plan.at(freshness, instant) for plan in evaluator.plans)
        if periods and (len(periods) == size or not _ascend(periods[-1], at)):
            yield _part(sampler, calendar, freshness, instants[first:index], periods)
            periods, first = [], index
        periods.append(at)
    if periods:
        yield _part(sampler, calendar, freshness, instants[first:], periods)


def _ascend(before: Sequence[KpiPeriod], after: Sequence[KpiPeriod]) -> bool:
    return all(old.windows[0] <= new.windows[0] for old, new in zip(before, after, strict=True))


def _part(
    sampler: Sampler,
    calendar: Calendar,
    freshness: Mapping[str, Freshness],
    instants: Sequence[datetime],
    periods: Sequence[tuple[KpiPeriod, ...]],
) -> HistoryPart:
    shared = _SharedWindows()
    questions = {steps[0].plan.kpi.name: _asked(steps, shared) for steps in zip(*periods, strict=True)}
    sampled = list(_sampled(sampler, freshness, instants, _PeriodsToDate(calendar, shared)))
    return HistoryPart(instants, periods, questions, sampled)


class _SharedWindows:
    """Step windows, the same object for equal ones."""

    def __init__(self) -> None:
        self._known: dict[Hashable, StepWindows] = {}

    def of(self, windows: Sequence[Window]) -> StepWindows:
        key = tuple(windows)
        return self._known.setdefault(key, StepWindows(key))


def _asked(steps: Sequence[KpiPeriod], shared: _SharedWindows) -> Sequence[Mapping[tuple[str, Scope], ColumnQuestion]]:
    """The questions about one KPI for each of its windows; a formula may change from one step to another."""
    asking = list({id(step.formulas): step for step in steps if step.withheld is not Status.NO_DATA}.values())
    questions = []
    for index in range(len(steps[0].windows)):
        windows = shared.of([step.windows[index] for step in steps])
        keys = dict.fromkeys(
            (name, scope) for step in asking for scope in step.scopes for name in step.formulas[index].metrics
        )
        questions.append({(name, scope): ColumnQuestion(name, windows, scope) for name, scope in keys})
    return questions


class _PeriodsToDate:
    """The windows of the calendar's periods as of many instants."""

    def __init__(self, calendar: Calendar, shared: _SharedWindows) -> None:
        self._calendar = calendar
        self._shared = shared
        self._known: dict[tuple[tuple[datetime, ...], Period], StepWindows] = {}
        self._starts: dict[tuple[date, Period], datetime] = {}

    def of(self, instants: tuple[datetime, ...], period: Period) -> StepWindows:
        key = instants, period
        if key not in self._known:
            self._known[key] = self._shared.of([Window(self._start(at, period), at) for at in instants])
        return self._known[key]

    def _start(self, instant: datetime, period: Period) -> datetime:
        calendar = self._calendar
        key = calendar.day_of(instant), period
        if key not in self._starts:
            self._starts[key] = calendar.start_of(calendar.period_of(period, instant).first)
        return self._starts[key]


def _sampled(
    sampler: Sampler, freshness: Mapping[str, Freshness], instants: Sequence[datetime], periods: _PeriodsToDate
) -> Iterator[SampledSeries]:
    """The series of all metrics whose numbers may be shown at some step: they become stale at a step, or never."""
    scopes = set(Scope) if people_known(freshness) else {Scope.COMPANY}
    for metric, series in sampler.series.items():
        known = [data_as_of((metric,), freshness, instant) or (instant, True) for instant in instants]
        shown = next((step for step, (_, stale) in enumerate(known) if stale), len(known))
        as_of = tuple(instant for instant, _ in known)
        for each in series:
            if shown and each.scope in scopes:
                question = ColumnQuestion(metric, periods.of(as_of, each.period), each.scope, each.by)
                yield SampledSeries(each, question, shown)
