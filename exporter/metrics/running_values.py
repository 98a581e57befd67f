"""The numbers of one metric by group over many windows, added up from what changes between them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby, repeat
from operator import attrgetter
from typing import Any, NamedTuple

from exporter.config.metrics import Metric
from exporter.metrics.aggregates import FINISH, ResultLayout
from exporter.metrics.bounds import WindowPosition
from exporter.metrics.runs import Run
from exporter.metrics.values import MeasuredValue

GroupKey = tuple[Any, ...]
"""What identifies a group in a row of a result: the number of a team or a person, or the values of labels."""


class Changes(NamedTuple):
    """What groups gain, or lose if negative, one change after the other in the order of `numbers`; all equally long.

    `numbers` are those of the first end that includes the change, and `periods` tell when the changed rows opened.
    `present` counts rows of any kind, `rows` those that the metric rests on, which have `values` in sum or, if it is
    not additive, each.
    """

    numbers: Sequence[int]
    periods: Sequence[int]
    keys: Sequence[GroupKey]
    present: Sequence[int]
    values: Sequence[Any]
    rows: Sequence[int]
    held_out: Sequence[int]


def changes_of(rows: Sequence[tuple[Any, ...]], layouts: Sequence[ResultLayout], width: int) -> Iterator[Changes]:
    """The changes of each metric, from the rows of a query whose groups have `width` columns."""
    if not rows:
        yield from repeat(Changes((), (), (), (), (), (), ()), len(layouts))
        return
    until = 2 + width
    columns = tuple(zip(*rows, strict=True))
    keys = tuple(zip(*columns[2:until], strict=True)) if width else ((),) * len(rows)
    for layout in layouts:
        held_out = (0,) * len(rows) if layout.held_out is None else columns[layout.held_out]
        present, values, counted = (columns[index] for index in (until, layout.value, layout.rows))
        yield Changes(columns[0], columns[1], keys, present, values, counted, held_out)


class _Total:
    """Adds up the changes of a group."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: Any = 0

    def add(self, value: Any, rows: int) -> None:  # noqa: ARG002 - others need the number of rows
        self.value += value

    def result(self) -> Any:
        return self.value


class _Distinct(_Total):
    """Counts the distinct values of a group."""

    __slots__ = ("_occurrences",)

    def __init__(self) -> None:
        super().__init__()
        self._occurrences: Counter[Any] = Counter()

    def add(self, value: Any, rows: int) -> None:
        if rows:
            self._occurrences[value] += rows
            if not self._occurrences[value]:
                del self._occurrences[value]

    def result(self) -> Any:
        return len(self._occurrences)


class _Ordered(_Total):
    """Keeps the values of a group in order; `at` is the quantile to read, between neighbours if necessary."""

    __slots__ = ("_at", "_values")

    def __init__(self, at: float) -> None:
        super().__init__()
        self._at = at
        self._values: list[float] = []

    def add(self, value: Any, rows: int) -> None:
        if rows > 0:
            for _ in range(rows):
                insort(self._values, value)
        elif rows:
            first = bisect_left(self._values, value)
            del self._values[first : first - rows]

    def result(self) -> Any:
        if not self._values:
            return None
        position = (len(self._values) - 1) * self._at
        below, share = int(position), position % 1
        if not share:
            return self._values[below]
        return float(self._values[below]) * (1 - share) + float(self._values[below + 1]) * share


_QUANTILES: Mapping[str, float] = {"min": 0.0, "max": 1.0}


class _RunningGroup:
    """The runs of one group in a period, up to `step`, whose changes are being added."""

    __slots__ = ("_current", "_first", "_new", "held_out", "present", "rows", "runs", "step", "total")

    def __init__(self, new: Callable[[], _Total], step: int) -> None:
        self._new = new
        self._first = step
        self._current: MeasuredValue | None = None
        self.step = step
        self.total = new()
        self.present = self.rows = self.held_out = 0
        self.runs: list[Run[MeasuredValue]] = []

    def measure(self, finish: Callable[[Any, int, int], float | None], *, grouped: bool) -> None:
        """Begins a run at the step if its value is another one. A group is gone with its last row."""
        value: MeasuredValue | None = None
        if self.present or not grouped:
            value = MeasuredValue(finish(self.total.result(), self.rows, self.held_out), self.rows, self.held_out)
        if value != self._current:
            self.end(self.step)
            self._first, self._current = self.step, value
        if not self.present:
            self.total = self._new()

    def end(self, step: int) -> None:
        """Ends the current run before a step."""
        if self._current is not None and self._first < step:
            self.runs.append((self._first, step, self._current))


class RunningValues:
    """The values of each group of a metric at the positions of windows.

    Without groups there is always a value; a group without any row has none.
    """

    def __init__(self, metric: Metric, changes: Changes, *, grouped: bool) -> None:
        self._metric = metric
        self._finish = FINISH[metric.aggregate]
        self._changes = changes
        self._grouped = grouped

    def runs(self, positions: Sequence[WindowPosition], step_count: int) -> dict[GroupKey, list[Run[MeasuredValue]]]:
        """The runs of each group. In each period nothing has been counted at first."""
        runs: dict[GroupKey, list[Run[MeasuredValue]]] = {}
        periods = [list(members) for _, members in groupby(positions, key=attrgetter("period"))]
        period_ends = [period[0].step for period in periods[1:]]
        for period, until in zip(periods, [*period_ends, step_count], strict=True):
            for key, group in self._period(period).items():
                group.measure(self._finish, grouped=self._grouped)
                group.end(until)
                runs.setdefault(key, []).extend(group.runs)
        return runs

    def _period(self, positions: Sequence[WindowPosition]) -> dict[GroupKey, _RunningGroup]:
        """The groups of one period, whose last changes are not measured yet."""
        finish, grouped, new, first = self._finish, self._grouped, self._new, positions[0]
        groups = {} if grouped else {(): _RunningGroup(new, first.step)}
        upcoming = iter(positions)
        number, step = -1, first.step
        for end, period, key, present, value, rows, held_out in self._between(first.first, positions[-1].number):
            if period < first.period:
                continue
            while number < end:
                position = next(upcoming)
                number, step = position.number, position.step
            group = groups.get(key)
            if group is None:
                group = groups[key] = _RunningGroup(new, step)
            elif group.step != step:
                group.measure(finish, grouped=grouped)
                group.step = step
            group.present += present
            group.rows += rows
            group.held_out += held_out
            group.total.add(value, rows)
        return groups

    def _between(self, first: int, last: int) -> Iterator[tuple[Any, ...]]:
        """The changes whose number is from `first` to `last`."""
        numbers = self._changes.numbers
        begin, end = bisect_left(numbers, first), bisect_right(numbers, last)
        return zip(*(column[begin:end] for column in self._changes), strict=True)

    def _new(self) -> _Total:
        metric = self._metric
        if metric.percentile is not None:
            return _Ordered(metric.percentile.at)
        if metric.aggregate in _QUANTILES:
            return _Ordered(_QUANTILES[metric.aggregate])
        return _Distinct() if metric.aggregate == "distinct" else _Total()
