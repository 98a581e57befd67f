"""Evaluations of the past, one instant after the other, as they would have been at the time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from exporter.config.root import Config
from exporter.kpi.evaluate import Ask, Evaluator
from exporter.kpi.memory import Memory
from exporter.kpi.values import Evaluation, Freshness


def history(
    config: Config,
    ask: Ask,
    freshness: Mapping[str, Freshness],
    instants: Iterable[datetime],
    memory: Memory | None = None,
) -> Iterator[tuple[Evaluation, Memory]]:
    """Each instant's evaluation, with the memory after it: statuses hold on to what they were, as they would live.

    `instants` rise. Records count as they are known now, which may be more than was known then. `ask` is asked once
    an instant and best keeps its answers as objects while they do not change, as `metrics.history.History` does:
    what rests on the same answers is not worked out again. Raises as `evaluate` does.
    """
    evaluator = Evaluator(config)
    for instant in instants:
        evaluation, memory = evaluator.evaluate(ask, freshness, instant, memory)
        yield evaluation, memory
