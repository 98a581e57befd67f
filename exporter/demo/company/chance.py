"""Draws from distributions that businesses show: weighted choices, counts, log-normal sizes."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


class Odds(Generic[T]):
    """Options with weights, prepared once because they are drawn from hundreds of thousands of times."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        self._options = tuple(weights)
        self._bounds = tuple(accumulate(weights.values()))

    def draw(self, rng: Random) -> T:
        """One of the options, by weight."""
        return self._options[bisect(self._bounds, rng.random() * self._bounds[-1], 0, len(self._options) - 1)]


def about(rng: Random, mean: float) -> int:
    """How many of something happen where `mean` are expected (Poisson, by its normal approximation)."""
    return max(0, round(rng.gauss(mean, math.sqrt(mean)))) if mean > 0 else 0


def spread(rng: Random, median: float, sigma: float) -> float:
    """A log-normal draw: many small ones, few large ones."""
    return median * math.exp(rng.gauss(0, sigma))
