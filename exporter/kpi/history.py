"""Evaluations at many instants of the past, from answers for many instants at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain

from exporter.config.root import Config
from exporter.kpi.evaluate import Answerer, KpiEvaluator
from exporter.kpi.sealed_periods import NOTHING_SEALED, SealedPeriods
from exporter.kpi.status import StatusMemory
from exporter.kpi.values import Evaluation, Freshness
from exporter.metrics.values import RosterAt, nobody_at

MAX_INSTANTS = 750
"""How many instants are asked about at once: a month by the hour, whose answers fit into memory."""


def evaluations_at(
    config: Config,
    ask: Answerer,
    freshness: Mapping[str, Freshness],
    instants: Sequence[datetime],
    roster_at: RosterAt = nobody_at,
    sealed: SealedPeriods = NOTHING_SEALED,
) -> Iterator[Evaluation]:
    """The evaluation at each instant, with the same hysteresis as live evaluations.

    Instants ascend. Records count as they are known now, which may be more than was known then, and values are
    compared with `sealed` periods as they were sealed. If `ask` returns the same objects for unchanged answers, as
    `HistoryQueries` does, values that rest on them are not computed again. Raises as `KpiEvaluator.evaluate` does.
    """
    evaluator, memory = KpiEvaluator(config), StatusMemory()
    for first in range(0, len(instants), MAX_INSTANTS):
        steps = [evaluator.prepare(freshness, instant) for instant in instants[first : first + MAX_INSTANTS]]
        answers = ask(tuple(dict.fromkeys(chain.from_iterable(prepared.questions for prepared in steps))))
        for prepared in steps:
            evaluation, memory = evaluator.conclude(prepared, answers, memory, roster_at, sealed)
            yield evaluation
