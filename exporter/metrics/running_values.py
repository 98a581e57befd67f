"""The numbers of one metric by group, from one window to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from exporter.metrics.aggregates import FINISH, ResultLayout
from exporter.metrics.values import MeasuredValue

GroupKey = tuple[Any, ...]
"""What identifies a group in a row of a result: the number of a team or a person, or the values of labels."""

_Numbers = tuple[Any, int, int]
"""An aggregate, the rows it rests on and those held out."""


class RunningValues:
    """Takes the rows of a result window by window; each holds until the next one of its group.

    A row is the key of a group, then its columns. If `counts_rows`, the column after the key says how many rows the
    group has in a window: without any it has no value. With an empty key there is always a value.
    """

    def __init__(self, layout: ResultLayout, width: int, *, counts_rows: bool) -> None:
        self._layout = layout
        self._finish = FINISH[layout.aggregate]
        self._width = width
        self._counts_rows = counts_rows and width > 0
        self._numbers: dict[GroupKey, _Numbers] = {}
        self._values: dict[GroupKey, MeasuredValue] = {}
        self.restart()

    @property
    def values(self) -> Mapping[GroupKey, MeasuredValue]:
        """The current value of each group."""
        return self._values

    def restart(self) -> None:
        """Begins a new period, in which nothing has been counted yet."""
        self._numbers, self._values = {}, {}
        if not self._width:
            self._set((), (0, 0, 0))

    def take(self, rows: Iterable[Sequence[Any]]) -> bool:
        """Takes the rows of the next window; True if a value changed."""
        width, layout, changed = self._width, self._layout, False
        for row in rows:
            key = tuple(row[:width])
            if self._counts_rows and not row[width]:
                self._numbers.pop(key, None)
                changed |= self._values.pop(key, None) is not None
                continue
            numbers = row[layout.value], row[layout.rows], 0 if layout.held_out is None else row[layout.held_out]
            if self._numbers.get(key) != numbers:
                self._set(key, numbers)
                changed = True
        return changed

    def _set(self, key: GroupKey, numbers: _Numbers) -> None:
        value, rows, held_out = numbers
        self._numbers[key] = numbers
        self._values[key] = MeasuredValue(self._finish(value, int(rows), int(held_out)), int(rows), int(held_out))
