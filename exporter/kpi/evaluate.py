"""Evaluates all KPIs of a config as of one instant: which questions to ask, and what the answers mean."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from exporter.config.fields import Scope
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.kpi.calendar import Calendar, DateSpan
from exporter.kpi.group_readings import AnswersByWindow
from exporter.kpi.guards import Guards
from exporter.kpi.judging import Judge, JudgedRun
from exporter.kpi.plan import KpiPeriod, Plan
from exporter.kpi.sampling import Sampler, Sampling
from exporter.kpi.sealed_periods import NOTHING_SEALED, SealedPeriods
from exporter.kpi.status import HeldStatus, StatusKey, StatusMemory, Verdict
from exporter.kpi.values import Evaluation, Freshness, KpiRun, MetricRun, ObjectiveScore
from exporter.metrics.values import Answers, Question, RosterAt, nobody_at

Answerer = Callable[[Sequence[Question]], Answers]
"""Answers questions about metrics. The result omits the questions about a metric that failed."""

_MAX_RATIO = 1.0
_MIN_COVERAGE = 0.5


@dataclass(frozen=True, slots=True)
class PreparedEvaluation:
    """An evaluation before its questions are answered."""

    at: datetime
    periods: tuple[KpiPeriod, ...]
    samplings: tuple[Sampling, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class EvaluationInputs:
    """What an evaluation rests on: periods with their answers, the samples of metrics, and the metrics that failed."""

    at: datetime
    periods: Sequence[KpiPeriod]
    failed: Collection[str]
    answers_of: Callable[[KpiPeriod, Scope], AnswersByWindow]
    metric_runs: tuple[MetricRun, ...]


class KpiEvaluator:
    """Evaluates the metrics and KPIs of one config, at any number of instants.

    It caches what depends on the config and the calendar alone. Results depend on earlier evaluations only through
    the memory that the caller passes on. Raises EvaluationError if no holidays are known for the company's country.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        calendar = self.calendar = Calendar.of(config.company)
        self.plans = tuple(Plan.of(config, kpi, calendar) for kpi in config.kpis)
        self._guards = Guards(config)
        self._judge = Judge()
        self.sampler = Sampler(config, calendar)
        self._memory: StatusMemory | None = None
        self._starts: dict[str, datetime] = {}

    def evaluate(
        self,
        ask: Answerer,
        freshness: Mapping[str, Freshness],
        now: datetime,
        memory: StatusMemory | None,
        roster_at: RosterAt = nobody_at,
    ) -> tuple[Evaluation, StatusMemory]:
        """Metrics and KPIs as of `now`, or as of the oldest input if that is older.

        `freshness` says for each metric how far it is known. `memory` is what the previous evaluation returned; with
        None statuses follow thresholds alone, as for a past instant. `roster_at` says who is in which team. A metric
        without an answer affects only itself and the KPIs that use it: their names are in `failed`. Raises whatever
        `ask` raises.
        """
        prepared = self.prepare(freshness, now)
        return self.conclude(prepared, ask(prepared.questions), memory, roster_at)

    def prepare(self, freshness: Mapping[str, Freshness], now: datetime) -> PreparedEvaluation:
        """The periods to evaluate, and the questions they require."""
        periods = tuple(plan.at(freshness, now) for plan in self.plans)
        samplings = tuple(self.sampler.samplings(freshness, now))
        questions = chain.from_iterable(item.questions() for item in chain[KpiPeriod | Sampling](periods, samplings))
        return PreparedEvaluation(now, periods, samplings, tuple(dict.fromkeys(questions)))

    def prepare_closing(
        self, kpis: Collection[str], span: DateSpan, freshness: Mapping[str, Freshness]
    ) -> PreparedEvaluation:
        """The final values of KPIs in one past period, which is one of theirs, and the questions they require.

        Their guards are included if they have the same length of period: others have no final status of their own.
        """
        guards = (self._config.final_guard(self._config.kpi_by_name[name]) for name in kpis)
        names = {*kpis, *(guard.name for guard in guards if guard is not None)}
        periods = tuple(plan.closing(span, freshness) for plan in self.plans if plan.kpi.name in names)
        questions = chain.from_iterable(item.questions() for item in periods)
        end = self.calendar.start_of(span.until)
        return PreparedEvaluation(end, periods, (), tuple(dict.fromkeys(questions)))

    def conclude(
        self,
        prepared: PreparedEvaluation,
        answers: Answers,
        memory: StatusMemory | None,
        roster_at: RosterAt = nobody_at,
        sealed: SealedPeriods = NOTHING_SEALED,
    ) -> tuple[Evaluation, StatusMemory]:
        """The evaluation that follows from the answers, and the memory for the next one.

        Values are compared with `sealed` periods as they were sealed.
        """
        runs = chain.from_iterable(self.sampler.runs(sampling, answers) for sampling in prepared.samplings)
        inputs = EvaluationInputs(
            prepared.at,
            prepared.periods,
            {question.metric for question in prepared.questions if question not in answers},
            lambda period, scope: [
                [answers[question] for question in questions] for questions in period.questions_by_window(scope)
            ],
            tuple(runs),
        )
        return self.evaluation_of(inputs, memory, roster_at, sealed)

    def evaluation_of(
        self,
        inputs: EvaluationInputs,
        memory: StatusMemory | None,
        roster_at: RosterAt = nobody_at,
        sealed: SealedPeriods = NOTHING_SEALED,
    ) -> tuple[Evaluation, StatusMemory]:
        """The evaluation that follows from the inputs, and the memory for the next one."""
        memory = memory or StatusMemory()
        failed, runs = set(inputs.failed), inputs.metric_runs
        tally = _Tally()
        for period in inputs.periods:
            if failed and failed.intersection(period.metrics):
                failed.add(period.plan.kpi.name)
                continue
            try:
                tally.add(period, list(self._judge.runs(period, inputs.answers_of, memory, roster_at, sealed)))
            except ArithmeticError:  # a date at the end of the calendar, or a number too large for a float
                failed.add(period.plan.kpi.name)
        kpi_runs = self._guards.applied(tally.runs)
        evaluation = Evaluation(
            inputs.at,
            tuple(chain.from_iterable(run.values for run in kpi_runs)),
            tuple(chain.from_iterable(run.samples for run in runs)),
            tally.scores(self._config, {period.plan.kpi.name: period.weight for period in inputs.periods}),
            failed=tuple(sorted(failed)),
            metric_runs=runs,
            kpi_runs=kpi_runs,
        )
        return evaluation, self._updated(memory, tally)

    def _updated(self, memory: StatusMemory, tally: _Tally) -> StatusMemory:
        """The memory for the next evaluation; the same object if nothing about it changed."""
        continues = memory is self._memory and tally.starts == self._starts
        if not continues or tally.statuses:
            memory = StatusMemory({**memory.entries, **tally.statuses}) if continues else tally.updated(memory)
        self._memory, self._starts = memory, tally.starts
        return memory


@dataclass(slots=True)
class _Tally:
    """Values and verdicts of an evaluation in progress."""

    runs: list[KpiRun] = field(default_factory=list)
    company: dict[str, Verdict] = field(default_factory=dict)
    statuses: dict[StatusKey, tuple[datetime, HeldStatus]] = field(default_factory=dict)
    starts: dict[str, datetime] = field(default_factory=dict)

    def add(self, period: KpiPeriod, judged: Iterable[JudgedRun]) -> None:
        for each in judged:
            self.runs.append(each.run)
            if each.news:
                self.statuses |= each.held_statuses
            if each.verdicts:
                self.starts[each.run.kpi] = period.window.start
            if each.run.scope is Scope.COMPANY and each.verdicts:
                self.company[each.run.kpi] = each.verdicts[-1]

    def updated(self, memory: StatusMemory) -> StatusMemory:
        """The memory with the new statuses, and without those of periods that have ended."""
        starts = self.starts
        current = {key: entry for key, entry in memory.entries.items() if starts.get(key[0], entry[0]) == entry[0]}
        return StatusMemory(current | self.statuses)

    def scores(self, config: Config, weights: Mapping[str, float]) -> tuple[ObjectiveScore, ...]:
        """The score of each objective, from the company's values of its evaluated KPIs and their current weights."""
        return tuple(
            objective_score(
                objective.name,
                [
                    (weights[kpi.name], self.company[kpi.name].ratio if kpi.name in self.company else None)
                    for kpi in objective_kpis(config, objective.name)
                    if kpi.name in weights
                ],
            )
            for objective in config.objectives
        )


def objective_kpis(config: Config, objective: str) -> list[Kpi]:
    """The KPIs whose company value counts towards an objective."""
    return [kpi for kpi in config.kpis if kpi.objective == objective and Scope.COMPANY in kpi.scopes]


def objective_score(objective: str, weighted_ratios: Sequence[tuple[float, float | None]]) -> ObjectiveScore:
    """The weighted mean of the KPIs' ratios, each clamped to [0, 1], so that no KPI can mask a failing one.

    Each pair is a KPI's weight and the ratio behind its verdict, None if it has no verdict. Such KPIs are left out,
    and the coverage says how much of the weight remains; below one half there is no score.
    """
    total = sum(weight for weight, _ in weighted_ratios)
    judged = [(weight, ratio) for weight, ratio in weighted_ratios if ratio is not None]
    judged_weight = sum(weight for weight, _ in judged)
    points = sum(weight * min(max(ratio, 0.0), _MAX_RATIO) for weight, ratio in judged)
    coverage = judged_weight / total if total else 0.0
    score = points / judged_weight if judged_weight and coverage >= _MIN_COVERAGE else None
    return ObjectiveScore(objective, score, coverage)
