"""What to ask about a part of a history, and what the answers at one of its steps mean."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from operator import is_

from exporter.config.fields import Period, Scope, Status
from exporter.kpi.calendar import Calendar
from exporter.kpi.evaluate import EvaluationInputs, KpiEvaluator
from exporter.kpi.group_readings import AnswersByWindow
from exporter.kpi.plan import KpiPeriod, data_as_of, people_known
from exporter.kpi.readings import Formula
from exporter.kpi.sampling import MetricSeries, Sampler
from exporter.kpi.values import Freshness, MetricRun
from exporter.metrics.values import ColumnQuestion, GroupValues, StepWindows, Window

StepAnswers = tuple[GroupValues, ...]
"""The answers at one step, one for each question that has any."""


@dataclass(frozen=True, slots=True)
class SampledSeries:
    """A series of a metric with its question, and at how many of the first steps it may be shown."""

    series: MetricSeries
    question: ColumnQuestion
    shown: int


@dataclass(frozen=True, slots=True)
class HistoryPart:
    """Consecutive steps with ascending windows: the KPIs at each step, and the questions about all of them.

    `asked` has the questions of each KPI for each of its windows, by scope and name of the metric.
    """

    instants: Sequence[datetime]
    periods: Sequence[tuple[KpiPeriod, ...]]
    asked: Mapping[str, Sequence[Mapping[tuple[str, Scope], ColumnQuestion]]]
    sampled: Sequence[SampledSeries]
    sampler: Sampler

    @property
    def questions(self) -> tuple[ColumnQuestion, ...]:
        """Every question once."""
        questions = [question for windows in self.asked.values() for asked in windows for question in asked.values()]
        return tuple(dict.fromkeys((*questions, *(sampled.question for sampled in self.sampled))))

    def metrics_at(self, step: int) -> set[str]:
        """The metrics that are asked about at a step."""
        asked = {name for period in self.periods[step] for name in period.asked_metrics}
        return asked | {sampled.series.metric for sampled in self.sampled if step < sampled.shown}

    def inputs(self, answered: Sequence[ColumnQuestion]) -> StepInputs:
        """The inputs of evaluations, from the answers to these questions."""
        return StepInputs(self, answered)


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
    asked = {steps[0].plan.kpi.name: _asked(steps, shared) for steps in zip(*periods, strict=True)}
    sampled = list(_sampled(sampler, freshness, instants, _PeriodsToDate(calendar, shared)))
    return HistoryPart(instants, periods, asked, sampled, sampler)


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


class StepInputs:
    """Turns the answers at each step, one step after the other, into inputs of an evaluation.

    What rests on the same answers as at the step before is the same object.
    """

    def __init__(self, part: HistoryPart, answered: Sequence[ColumnQuestion]) -> None:
        self._part = part
        self._positions = {question: position for position, question in enumerate(answered)}
        self._unanswered = {question.metric for question in part.questions if question not in self._positions}
        self._kpis: dict[tuple[str, Scope], _KpiAnswers] = {}
        self._sampled = [sampled for sampled in part.sampled if sampled.question in self._positions]
        self._sampled_at = [self._positions[sampled.question] for sampled in self._sampled]
        self._all_shown = min((sampled.shown for sampled in self._sampled), default=0)
        self._answers: list[GroupValues] = []
        self._runs: list[MetricRun] = []

    def at(self, step: int, answers: StepAnswers) -> EvaluationInputs:
        """The inputs at a step."""
        part = self._part
        return EvaluationInputs(
            part.instants[step],
            part.periods[step],
            self._unanswered & part.metrics_at(step) if self._unanswered else (),
            lambda period, scope: self._by_window(period, scope, answers),
            self._metric_runs(step, answers),
        )

    def _by_window(self, period: KpiPeriod, scope: Scope, answers: StepAnswers) -> AnswersByWindow:
        name = period.plan.kpi.name
        known = self._kpis.get((name, scope))
        if known is None or known.formulas != period.formulas:
            asked = self._part.asked[name]
            known = self._kpis[name, scope] = _KpiAnswers(
                period.formulas,
                [
                    [self._positions[questions[metric, scope]] for metric in formula.metrics]
                    for questions, formula in zip(asked, period.formulas, strict=True)
                ],
            )
        return known.at(answers)

    def _metric_runs(self, step: int, answers: StepAnswers) -> tuple[MetricRun, ...]:
        current = [answers[position] for position in self._sampled_at]
        if not self._runs:
            self._runs = [self._run(index, answer) for index, answer in enumerate(current)]
        else:
            for index, (new, old) in enumerate(zip(current, self._answers, strict=True)):
                if new is not old:
                    self._runs[index] = self._run(index, new)
        self._answers = current
        if step < self._all_shown:
            return tuple(self._runs)
        return tuple(run for run, each in zip(self._runs, self._sampled, strict=True) if step < each.shown)

    def _run(self, index: int, answer: GroupValues) -> MetricRun:
        return self._part.sampler.run(self._sampled[index].series, answer)


class _KpiAnswers:
    """The answers of one KPI at one scope, the same object as long as they are."""

    def __init__(self, formulas: Sequence[Formula], positions: Sequence[Sequence[int]]) -> None:
        self.formulas = formulas
        self._positions = positions
        self._flat_positions = list(chain.from_iterable(positions))
        self._flat: Sequence[GroupValues] = ()
        self._by_window: AnswersByWindow = ()

    def at(self, answers: StepAnswers) -> AnswersByWindow:
        flat = [answers[position] for position in self._flat_positions]
        if not self._by_window or not all(map(is_, flat, self._flat)):
            self._flat = flat
            self._by_window = [[answers[position] for position in positions] for positions in self._positions]
        return self._by_window
