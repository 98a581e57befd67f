"""Aggregates that are updated as rows are added, and removed when a level loses them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from operator import itemgetter
from typing import Protocol

from exporter.config.metrics import Metric
from exporter.metrics.aggregates import FINISH
from exporter.metrics.values import MeasuredValue


class Aggregate(Protocol):
    """The aggregate of one group. A value of None is a held-out amount."""

    def change(self, value: float | None, sign: int) -> None:
        """Adds a row (1) or removes it (-1)."""
        ...

    def measured(self) -> MeasuredValue:
        """The current number, as a query would return it."""
        ...


class Total:
    """Counts, sums and means. Values are integers, `scale` to the unit, so that sums are exact."""

    def __init__(self, name: str, scale: int) -> None:
        self._finish = FINISH[name]
        self._adds = name != "count"
        self._scale = scale
        self._total = 0
        self._rows = 0
        self._held_out = 0

    def change(self, value: float | None, sign: int) -> None:
        """Adds a row (1) or removes it (-1)."""
        if value is None:
            self._held_out += sign
        else:
            self._rows += sign
            self._total += int(value) * sign

    def measured(self) -> MeasuredValue:
        """The current number."""
        value = self._total / self._scale if self._adds else self._rows
        return MeasuredValue(self._finish(value, self._rows, self._held_out), self._rows, self._held_out)


class Ordered:
    """Minimum, maximum and percentiles, from a sorted list of values."""

    def __init__(self, name: str, pick: Callable[[list[float]], float]) -> None:
        self._finish = FINISH[name]
        self._pick = pick
        self._values: list[float] = []
        self._held_out = 0

    def change(self, value: float | None, sign: int) -> None:
        """Adds a row (1) or removes it (-1)."""
        if value is None:
            self._held_out += sign
        elif sign > 0:
            insort(self._values, value)
        else:
            del self._values[bisect_left(self._values, value)]

    def measured(self) -> MeasuredValue:
        """The current number."""
        rows = len(self._values)
        value = self._pick(self._values) if rows else None
        return MeasuredValue(self._finish(value, rows, self._held_out), rows, self._held_out)


class Distinct:
    """Distinct values with the number of rows of each."""

    def __init__(self) -> None:
        self._values: Counter[float] = Counter()

    def change(self, value: float | None, sign: int) -> None:
        """Adds a row (1) or removes it (-1)."""
        if value is None:
            raise AssertionError("distinct values are never converted")
        self._values[value] += sign
        if not self._values[value]:
            del self._values[value]

    def measured(self) -> MeasuredValue:
        """The current number."""
        return MeasuredValue(float(len(self._values)), self._values.total())


def aggregate_of(metric: Metric, scale: int) -> Callable[[], Aggregate]:
    """Returns a factory for the aggregate of a metric; `scale` is that of its values.

    It is not a closure, because it is sent to other processes.
    """
    name = metric.aggregate
    if name in _PICKS:
        return partial(Ordered, name, _PICKS[name])
    if metric.percentile is not None:
        return partial(Ordered, name, partial(interpolated, share=float(metric.percentile.at)))
    return Distinct if name == "distinct" else partial(Total, name, scale)


def interpolated(values: list[float], share: float) -> float:
    """The continuous percentile of sorted values, interpolated between its two neighbours."""
    position = (len(values) - 1) * share
    low = int(position)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (position - low)


_PICKS: Mapping[str, Callable[[list[float]], float]] = {"min": itemgetter(0), "max": itemgetter(-1)}
