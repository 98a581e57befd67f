"""Evaluates many instants of the past at once, from the changes between them: the same as one after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.kpi.evaluate import KpiEvaluator, objective_kpis, objective_score
from exporter.kpi.group_history import RunsByWindow
from exporter.kpi.guards import Guards
from exporter.kpi.history_columns import HistoryPart, parts_of
from exporter.kpi.judged_history import HistoryJudge, KpiHistory
from exporter.kpi.plan import KpiPeriod
from exporter.kpi.sampling import MetricSeries
from exporter.kpi.sealed_periods import NOTHING_SEALED, SealedPeriods
from exporter.kpi.values import Freshness, ObjectiveScore
from exporter.metrics.runs import Run, Runs, aligned, clipped, runs_of
from exporter.metrics.values import ColumnQuestion, Columns, GroupRuns, RosterAt, nobody_at

MAX_INSTANTS = 3000
"""How many instants are asked about at once: four months by the hour, whose answers fit into memory."""

ColumnAnswerer = Callable[[Sequence[ColumnQuestion]], Columns]
"""Answers questions about metrics at many steps. The result omits the questions about a metric that failed."""


@dataclass(frozen=True, slots=True)
class EvaluationHistory:
    """Everything known at consecutive instants, which are the steps of all runs, numbered from 0.

    `metrics` has the numbers of each series at the steps at which they are shown, `kpis` the values of each KPI by its
    name, and `scores` those of objectives. `unanswered` names the metrics without an answer at some steps.
    """

    instants: Sequence[datetime]
    metrics: Sequence[tuple[MetricSeries, GroupRuns]]
    kpis: Mapping[str, KpiHistory]
    scores: Mapping[str, Runs[ObjectiveScore]]
    unanswered: Mapping[int, Collection[str]]


def histories_of(
    config: Config,
    ask: ColumnAnswerer,
    freshness: Mapping[str, Freshness],
    instants: Sequence[datetime],
    roster_at: RosterAt = nobody_at,
    sealed: SealedPeriods = NOTHING_SEALED,
) -> Iterator[EvaluationHistory]:
    """The evaluations at all instants, in parts, with the same hysteresis as live evaluations.

    Instants ascend. Records count as they are known now, which may be more than was known then, and values are
    compared with `sealed` periods as they were sealed. Raises as `KpiEvaluator.evaluate` does.
    """
    evaluator, judge = KpiEvaluator(config), HistoryJudge(roster_at, sealed)
    for chunk in parts_of(evaluator, freshness, instants, MAX_INSTANTS):
        yield _history(config, chunk, ask(chunk.questions), judge)


def _history(config: Config, chunk: HistoryPart, columns: Columns, judge: HistoryJudge) -> EvaluationHistory:
    unanswered = _unanswered(chunk, columns)
    kpis = {}
    for periods in zip(*chunk.periods, strict=True):
        name = periods[0].plan.kpi.name
        failed = [step for step, metrics in unanswered.items() if metrics & periods[step].metrics]
        kpis[name] = judge.history(periods, lambda period, scope: _answers_of(chunk, columns, period, scope), failed)
    guarded = Guards(config).over_time({name: history.values for name, history in kpis.items()}, len(chunk.instants))
    return EvaluationHistory(
        chunk.instants,
        [
            (each.series, {group: clipped(runs, 0, each.shown) for group, runs in columns[each.question].items()})
            for each in chunk.sampled
            if each.question in columns
        ],
        {name: KpiHistory(each.periods, guarded[name], each.ratios, each.failed) for name, each in kpis.items()},
        {objective.name: _scores(config, objective.name, kpis, len(chunk.instants)) for objective in config.objectives},
        unanswered,
    )


def _unanswered(chunk: HistoryPart, columns: Columns) -> dict[int, set[str]]:
    """The metrics that are asked about and have no answer, by step."""
    metrics = {question.metric for question in chunk.questions if question not in columns}
    by_step = {step: metrics & chunk.metrics_at(step) for step in range(len(chunk.instants) if metrics else 0)}
    return {step: names for step, names in by_step.items() if names}


def _answers_of(chunk: HistoryPart, columns: Columns, period: KpiPeriod, scope: Scope) -> RunsByWindow:
    by_window = chunk.window_questions[period.plan.kpi.name]
    return [
        [columns[questions[metric, scope]] for metric in formula.metrics]
        for questions, formula in zip(by_window, period.formulas, strict=True)
    ]


def _scores(config: Config, objective: str, kpis: Mapping[str, KpiHistory], count: int) -> list[Run[ObjectiveScore]]:
    members = [kpis[kpi.name] for kpi in objective_kpis(config, objective) if kpi.name in kpis]
    weights = [runs_of(period.weight for period in member.periods) for member in members]
    ratios = [member.ratios for member in members]
    size = len(members)
    return [
        (first, until, objective_score(objective, list(zip(numbers[:size], numbers[size:], strict=True))))
        for first, until, *numbers in aligned([*weights, *ratios], 0, count)
    ]
