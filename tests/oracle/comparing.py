"""Holds evaluations against the oracle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from exporter.kpi.values import Evaluation
from tests.oracle.business import SampleKey, samples
from tests.oracle.judging import Judged
from tests.oracle.kpis import Key, KpiOracle
from tests.oracle.life import World


def assert_same(world: World, evaluation: Evaluation, now: datetime, known_at: datetime | None = None) -> None:
    """Every KPI, score and business metric of the evaluation is what the oracle says, and none is missing."""
    freshness = world.freshness(now, known_at)
    oracle = KpiOracle(world.plain, world.records)
    said = oracle.values(freshness, now, known_at)
    about = f"at {now}, known at {known_at}"
    assert not evaluation.failed
    differences(kpis_of(evaluation), {key: (each.at, *each.judged) for key, each in said.items()}, about)
    scores = {objective.objective: (objective.score, objective.coverage) for objective in evaluation.objectives}
    differences(scores, oracle.scores(said), about)
    differences(samples_of(evaluation), samples(world.plain, world.records, freshness, now, known_at), about)


def kpis_of(evaluation: Evaluation) -> dict[Key, tuple[Any, ...]]:
    """The KPIs in the oracle's terms."""
    return {
        (value.kpi, value.scope.value, value.team, value.person): (
            value.as_of,
            *Judged(
                value.status.value,
                value.value,
                value.target,
                value.target_ratio,
                value.expected,
                value.pace_ratio,
                value.progress_ratio,
                value.previous_value,
                value.coverage,
            ),
        )
        for value in evaluation.kpis
    }


def samples_of(evaluation: Evaluation) -> dict[SampleKey, float]:
    """The samples of business metrics in the oracle's terms."""
    return {
        (v.metric, v.scope.value, v.period.value if v.period else None, v.team, v.person, v.labels): v.value
        for v in evaluation.metrics
    }


def differences(actual: Mapping[Any, Any], expected: Mapping[Any, Any], about: str = "") -> None:
    """Fails with what differs, each with the product's and the oracle's answer."""
    different = {
        key: (actual.get(key, "missing"), expected.get(key, "not expected"))
        for key in actual.keys() | expected.keys()
        if key not in actual or key not in expected or not _same(actual[key], expected[key])
    }
    lines = [f"{key}:\n    product {a}\n    oracle  {b}" for key, (a, b) in sorted(different.items(), key=str)]
    assert not different, "\n".join([about, *lines])


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, float | int) and isinstance(right, float | int):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return bool(left == right)
