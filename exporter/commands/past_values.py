"""Final values of past periods, to compare growth targets with what history has shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from exporter.config import practice
from exporter.config.expression import metrics_of
from exporter.config.fields import Scope
from exporter.config.kpis import Kpi
from exporter.config.root import Config
from exporter.config.targets import Growth
from exporter.errors import Problem
from exporter.evaluation.evaluator import Evaluator
from exporter.evaluation.freshness import freshness
from exporter.store.store import Store

MAX_STEPS = 24
"""Steps between past periods to compare with."""

_INSTANT = timedelta(microseconds=1)


def step_problems(config: Config, store: Store, now: datetime) -> Iterator[Problem]:
    """A warning for each growth target that asks for a larger step than past periods made. Raises EvaluationError."""
    for kpi in config.kpis:
        if isinstance(kpi.target, Growth):
            finals = final_values(config, store, kpi, practice.step_distance(kpi) + MAX_STEPS, now)
            problem = practice.step_problem(config, kpi, finals)
            if problem is not None:
                yield problem


def final_values(config: Config, store: Store, kpi: Kpi, count: int, now: datetime) -> list[float | None]:
    """The company's final values in the last `count` complete periods before `now`, oldest first.

    The values are None for periods in which the KPI is unknown. Periods before the first record are omitted, and so
    is the period of the first record, which may be incomplete.
    """
    fresh = freshness(config, store.outcomes(), now)
    horizons = [fresh[name].complete_until for name in metrics_of(kpi.value)]
    if None in horizons:
        return []
    reduced = Config.model_validate(
        {
            "company": config.company,
            "sources": config.sources,
            "teams": config.teams,
            "metrics": [config.metric_by_name[name] for name in kpi.metrics],
            "kpis": [kpi.model_copy(update={"scopes": (Scope.COMPANY,), "guard": None})],
        }
    ).located_in(config.base)
    evaluations = Evaluator(reduced, store)
    at = min([now, *(horizon for horizon in horizons if horizon is not None)])
    finals: list[float | None] = []
    for _ in range(count + 1):
        values = evaluations.evaluate(at, None).evaluation.kpis
        if not values:
            break
        finals.insert(0, values[0].previous_value)
        at = values[0].period_start - _INSTANT
    first = next((index for index, final in enumerate(finals) if final), len(finals))
    return finals[first + 1 :]
