"""Draws have the documented distributions."""

from __future__ import annotations

from collections import Counter
from random import Random
from statistics import mean, median

import pytest

from exporter.demo.company.chance import Odds, count_around, size_around


def test_draws_follow_the_weights() -> None:
    odds, rng = Odds({"a": 3, "b": 1, "never": 0}), Random(1)
    draws = Counter(odds.draw(rng) for _ in range(4000))
    assert draws["never"] == 0
    assert 2.5 < draws["a"] / draws["b"] < 3.5


class Highest(Random):
    """Always draws the end of the range, which rounding can reach."""

    def random(self) -> float:
        return 1.0


def test_the_end_of_the_range_is_still_an_option() -> None:
    assert Odds({"a": 1, "b": 2}).draw(Highest()) == "b"


@pytest.mark.parametrize("expected", [0.0, 0.5, 40.0])
def test_counts_are_around_their_mean_and_never_negative(expected: float) -> None:
    rng = Random(1)
    draws = [count_around(rng, expected) for _ in range(3000)]
    assert min(draws) >= 0
    assert mean(draws) == pytest.approx(expected, abs=0.2 + expected / 20)


def test_sizes_are_skewed_around_their_median() -> None:
    rng = Random(1)
    draws = [size_around(rng, 100, 0.8) for _ in range(4000)]
    assert median(draws) == pytest.approx(100, rel=0.1)
    assert mean(draws) > 1.2 * median(draws)
