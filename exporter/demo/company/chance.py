"""Random draws with realistic distributions: weighted choices, counts and log-normal sizes."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


class Odds(Generic[T]):
    """Weighted options; the sums are prepared once because draws number hundreds of thousands."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        self._options = tuple(weights)
        self._bounds = tuple(accumulate(weights.values()))

    def draw(self, rng: Random) -> T:
        """One of the options, by weight."""
        return self._options[bisect(self._bounds, rng.random() * self._bounds[-1], 0, len(self._options) - 1)]


def count_around(rng: Random, mean: float) -> int:
    """A count with this mean (Poisson, by its normal approximation)."""
    return max(0, round(rng.gauss(mean, math.sqrt(mean)))) if mean > 0 else 0


def size_around(rng: Random, median: float, sigma: float) -> float:
    """A log-normal size with this median: many small ones, few large ones."""
    return median * math.exp(rng.gauss(0, sigma))
