"""How an objective does: the weighted score of its KPIs (maths 8.7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.kpi.values import ObjectiveScore

_CAP = 1.0
_ENOUGH = 0.5


@dataclass(frozen=True, slots=True)
class Child:
    """One KPI of an objective: its weight, and the ratio behind its verdict, None where it has none."""

    weight: float
    ratio: float | None


def score(objective: str, children: Iterable[Child]) -> ObjectiveScore:
    """The mean of the ratios by weight, each between 0 and 1, so that a runaway KPI cannot hide a failing one.

    KPIs without a verdict are left out, and the coverage says how much of the weight remains; below half of it
    there is no score.
    """
    family = tuple(children)
    total = sum(child.weight for child in family)
    judged = sum(child.weight for child in family if child.ratio is not None)
    reached = sum(child.weight * min(max(child.ratio, 0.0), _CAP) for child in family if child.ratio is not None)
    coverage = judged / total if total else 0.0
    return ObjectiveScore(objective, reached / judged if judged and coverage >= _ENOUGH else None, coverage)
