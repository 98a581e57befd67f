"""Evaluations at many instants of the past, from answers for many instants at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import repeat

from exporter.config.root import Config
from exporter.kpi.evaluate import EvaluationInputs, KpiEvaluator
from exporter.kpi.history_columns import HistoryPart, parts_of
from exporter.kpi.sealed_periods import NOTHING_SEALED, SealedPeriods
from exporter.kpi.status import StatusMemory
from exporter.kpi.values import Evaluation, Freshness
from exporter.metrics.values import ColumnQuestion, Columns, GroupValues, RosterAt, nobody_at

MAX_INSTANTS = 3000
"""How many instants are asked about at once: four months by the hour, whose answers fit into memory."""

ColumnAnswerer = Callable[[Sequence[ColumnQuestion]], Columns]
"""Answers questions about metrics at many steps. The result omits the questions about a metric that failed."""


def evaluations_at(
    config: Config,
    ask: ColumnAnswerer,
    freshness: Mapping[str, Freshness],
    instants: Sequence[datetime],
    roster_at: RosterAt = nobody_at,
    sealed: SealedPeriods = NOTHING_SEALED,
) -> Iterator[Evaluation]:
    """The evaluation at each instant, with the same hysteresis as live evaluations.

    Instants ascend. Records count as they are known now, which may be more than was known then, and values are
    compared with `sealed` periods as they were sealed. If `ask` gives the same objects for unchanged answers, as
    `HistoryQueries` does, values that rest on them are not computed again. Raises as `KpiEvaluator.evaluate` does.
    """
    evaluator, memory = KpiEvaluator(config), StatusMemory()
    for part in parts_of(evaluator, freshness, instants, MAX_INSTANTS):
        for inputs in _inputs(part, ask):
            evaluation, memory = evaluator.evaluation_of(inputs, memory, roster_at, sealed)
            yield evaluation


def _inputs(part: HistoryPart, ask: ColumnAnswerer) -> Iterator[EvaluationInputs]:
    questions = part.questions
    columns = ask(questions)
    answered = [question for question in questions if question in columns]
    inputs = part.inputs(answered)
    by_step: Iterator[tuple[GroupValues, ...]] = zip(*(columns[question] for question in answered), strict=True)
    for step, answers in enumerate(by_step if answered else repeat((), len(part.instants))):
        yield inputs.at(step, answers)
