"""Aggregates that follow a moving instant: what a row adds, and what it takes away when a level loses it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from operator import itemgetter
from typing import Protocol

from exporter.config.metrics import Metric
from exporter.metrics.aggregates import FINISH
from exporter.metrics.values import Measured


class Aggregate(Protocol):
    """The aggregate of one group. A value of None is an amount that is held out."""

    def change(self, value: float | None, sign: int) -> None:
        """Takes in a row (1) or drops it again (-1)."""
        ...

    def measured(self) -> Measured:
        """The number now, as a query would give it."""
        ...


class Total:
    """Counts, sums and means. Values are whole numbers of `scale` to the unit: sums of them are exact."""

    def __init__(self, name: str, scale: int) -> None:
        self._finish = FINISH[name]
        self._adds = name != "count"
        self._scale = scale
        self._total = 0
        self._rows = 0
        self._held_out = 0

    def change(self, value: float | None, sign: int) -> None:
        """Takes in a row (1) or drops it again (-1)."""
        if value is None:
            self._held_out += sign
        else:
            self._rows += sign
            self._total += int(value) * sign

    def measured(self) -> Measured:
        """The number now."""
        value = self._total / self._scale if self._adds else self._rows
        return Measured(self._finish(value, self._rows, self._held_out), self._rows, self._held_out)


class Ordered:
    """Minimum, maximum and percentiles: keeps the values in order."""

    def __init__(self, name: str, pick: Callable[[list[float]], float]) -> None:
        self._finish = FINISH[name]
        self._pick = pick
        self._values: list[float] = []
        self._held_out = 0

    def change(self, value: float | None, sign: int) -> None:
        """Takes in a row (1) or drops it again (-1)."""
        if value is None:
            self._held_out += sign
        elif sign > 0:
            insort(self._values, value)
        else:
            del self._values[bisect_left(self._values, value)]

    def measured(self) -> Measured:
        """The number now."""
        rows = len(self._values)
        value = self._pick(self._values) if rows else None
        return Measured(self._finish(value, rows, self._held_out), rows, self._held_out)


class Distinct:
    """Different values, and how many rows have each."""

    def __init__(self) -> None:
        self._values: Counter[float] = Counter()

    def change(self, value: float | None, sign: int) -> None:
        """Takes in a row (1) or drops it again (-1)."""
        if value is None:
            raise AssertionError("nothing is converted to be told apart")
        self._values[value] += sign
        if not self._values[value]:
            del self._values[value]

    def measured(self) -> Measured:
        """The number now."""
        return Measured(float(len(self._values)), self._values.total())


def aggregate_of(metric: Metric, scale: int) -> Callable[[], Aggregate]:
    """Makes the aggregate of a metric for a further group; `scale` is that of its values.

    No closures: what is loaded goes to other processes.
    """
    name = metric.aggregate
    if name in _PICKS:
        return partial(Ordered, name, _PICKS[name])
    if metric.percentile is not None:
        return partial(Ordered, name, partial(interpolated, share=float(metric.percentile.at)))
    return Distinct if name == "distinct" else partial(Total, name, scale)


def interpolated(values: list[float], share: float) -> float:
    """The continuous percentile of values in order, between the two that it falls between."""
    place = (len(values) - 1) * share
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


_PICKS: Mapping[str, Callable[[list[float]], float]] = {"min": itemgetter(0), "max": itemgetter(-1)}
