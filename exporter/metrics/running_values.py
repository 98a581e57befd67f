"""The numbers of one metric by group, from one window to the next."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from exporter.config.metrics import Metric
from exporter.metrics.aggregates import FINISH, ResultLayout
from exporter.metrics.values import MeasuredValue

GroupKey = tuple[Any, ...]
"""What identifies a group in a row of a result: the number of a team or a person, or the values of labels."""


class WindowChange(NamedTuple):
    """What a group gains, or loses if negative, at the end with a number; `period` is when the changed rows opened.

    `present` counts rows of any kind, `rows` those that the metric rests on, which have `value` in sum or, if it is
    not additive, each.
    """

    number: int
    period: int
    key: GroupKey
    present: int
    value: Any
    rows: int
    held_out: int


def changes_of(rows: Sequence[tuple[Any, ...]], layout: ResultLayout, width: int) -> list[WindowChange]:
    """The changes of one metric, from the rows of a query whose groups have `width` columns."""
    until = 2 + width
    present, value, count, held_out = until, layout.value, layout.rows, layout.held_out
    return [
        WindowChange(
            row[0],
            row[1],
            row[2:until],
            int(row[present]),
            row[value],
            int(row[count]),
            0 if held_out is None else int(row[held_out]),
        )
        for row in rows
    ]


class _Total:
    """Adds up the changes of a group."""

    __slots__ = ("held_out", "present", "rows", "value")

    def __init__(self) -> None:
        self.present = self.rows = self.held_out = 0
        self.value: Any = 0

    def add(self, change: WindowChange) -> None:
        self.count(change)
        self.value += change.value

    def count(self, change: WindowChange) -> None:
        self.present += change.present
        self.rows += change.rows
        self.held_out += change.held_out

    def result(self) -> Any:
        return self.value


class _Distinct(_Total):
    """Counts the distinct values of a group."""

    __slots__ = ("_occurrences",)

    def __init__(self) -> None:
        super().__init__()
        self._occurrences: Counter[Any] = Counter()

    def add(self, change: WindowChange) -> None:
        self.count(change)
        if change.rows:
            self._occurrences[change.value] += change.rows
            if not self._occurrences[change.value]:
                del self._occurrences[change.value]

    def result(self) -> Any:
        return len(self._occurrences)


class _Ordered(_Total):
    """Keeps the values of a group in order; `at` is the quantile to read, between neighbours if necessary."""

    __slots__ = ("_at", "_values")

    def __init__(self, at: float) -> None:
        super().__init__()
        self._at = at
        self._values: list[float] = []

    def add(self, change: WindowChange) -> None:
        self.count(change)
        if change.rows > 0:
            for _ in range(change.rows):
                insort(self._values, change.value)
        elif change.rows:
            first = bisect_left(self._values, change.value)
            del self._values[first : first - change.rows]

    def result(self) -> Any:
        if not self._values:
            return None
        place = (len(self._values) - 1) * self._at
        below, share = int(place), place % 1
        if not share:
            return self._values[below]
        return float(self._values[below]) * (1 - share) + float(self._values[below + 1]) * share


_QUANTILES: Mapping[str, float] = {"min": 0.0, "max": 1.0}


class RunningValues:
    """The values of each group of a metric, one end of a window after the other, from changes in that order.

    Without groups there is always a value; a group without any row has none.
    """

    def __init__(self, metric: Metric, changes: Sequence[WindowChange], *, grouped: bool) -> None:
        self._metric = metric
        self._finish = FINISH[metric.aggregate]
        self._changes = changes
        self._grouped = grouped
        self._next = self._period = 0
        self._last = len(changes)
        self._totals: dict[GroupKey, _Total] = {}
        self.values: dict[GroupKey, MeasuredValue] = {}
        """The current value of each group."""

    def restart(self, period: int, number: int) -> None:
        """Begins a new period, in which nothing has been counted; `number` is that of the first end inside."""
        self._next, self._period = bisect_left(self._changes, number, key=itemgetter(0)), period
        self._totals, self.values = {}, {}
        if not self._grouped:
            self._totals[()] = self._new()
            self._measure(())

    def advance(self, number: int) -> Collection[GroupKey]:
        """Counts what changed by the end with this number; returns the groups whose values are different or gone."""
        changes, index, last = self._changes, self._next, self._last
        if index == last or changes[index][0] > number:
            return ()
        period, totals = self._period, self._totals
        touched: dict[GroupKey, None] = {}
        while index < last and (change := changes[index])[0] <= number:
            index += 1
            if change[1] >= period:
                key = change[2]
                total = totals.get(key)
                if total is None:
                    total = totals[key] = self._new()
                total.add(change)
                touched[key] = None
        self._next = index
        return [key for key in touched if self._measure(key)] if touched else ()

    def _measure(self, key: GroupKey) -> bool:
        """Updates the value of a group; True if it is another one."""
        total, before = self._totals[key], self.values.get(key)
        if self._grouped and not total.present:
            del self._totals[key]
            return self.values.pop(key, None) is not None
        value = MeasuredValue(self._finish(total.result(), total.rows, total.held_out), total.rows, total.held_out)
        if value == before:
            return False
        self.values[key] = value
        return True

    def _new(self) -> _Total:
        metric = self._metric
        if metric.percentile is not None:
            return _Ordered(metric.percentile.at)
        if metric.aggregate in _QUANTILES:
            return _Ordered(_QUANTILES[metric.aggregate])
        return _Distinct() if metric.aggregate == "distinct" else _Total()
