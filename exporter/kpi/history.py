"""Replays evaluations of the past, one instant after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from exporter.config.root import Config
from exporter.kpi.evaluate import Answerer, KpiEvaluator
from exporter.kpi.status import StatusMemory
from exporter.kpi.values import Evaluation, Freshness
from exporter.metrics.values import RosterAt, nobody_at


def replay(
    config: Config,
    ask: Answerer,
    freshness: Mapping[str, Freshness],
    instants: Iterable[datetime],
    memory: StatusMemory | None = None,
    roster_at: RosterAt = nobody_at,
) -> Iterator[tuple[Evaluation, StatusMemory]]:
    """The evaluation at each instant and the memory after it, with the same hysteresis as live evaluations.

    Instants ascend. Records count as they are known now, which may be more than was known then. `ask` is called
    once per instant. If it returns the same objects for unchanged answers, as `RecordReplay` does, values that rest
    on them are not computed again. Raises as `KpiEvaluator.evaluate` does.
    """
    evaluator = KpiEvaluator(config)
    for instant in instants:
        evaluation, memory = evaluator.evaluate(ask, freshness, instant, memory, roster_at)
        yield evaluation, memory
