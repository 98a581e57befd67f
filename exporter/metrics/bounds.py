"""The bounds of many windows, numbered in order, and where each window lies among them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from exporter.metrics.values import FIRST, StepWindows, Window


class WindowPosition(NamedTuple):
    """Where a window lies.

    `period` is the number of its start, `number` that of its end, and `first` that of the first end after its start.
    A level is in one period of all time. `era` differs if groups are named otherwise. `step` is the first with it.
    """

    period: int
    first: int
    number: int
    era: int
    window: Window
    step: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """The distinct starts and ends of windows, in order."""

    starts: Sequence[datetime] = ()
    ends: Sequence[datetime] = ()

    @classmethod
    def of(cls, steps: Iterable[StepWindows]) -> Bounds:
        """The bounds of all these windows."""
        windows = {window for each in steps for window in each.windows}
        starts, ends = ({window[side] for window in windows} for side in (0, 1))
        return cls(sorted(starts), sorted(ends))

    def positions(self, steps: StepWindows, era: Callable[[datetime], int], *, level: bool) -> list[WindowPosition]:
        """Where the windows lie, in their order; equal neighbours have one position. `era` is that of an end."""
        periods = {start: (period, bisect_right(self.ends, start)) for period, start in enumerate(self.starts)}
        numbers = {end: number for number, end in enumerate(self.ends)}
        positions: list[WindowPosition] = []
        for step, window in enumerate(steps.windows):
            start, end = (FIRST, window.end) if level else window
            if not positions or positions[-1].window != (start, end):
                period, first = (0, 0) if level else periods[start]
                positions.append(WindowPosition(period, first, numbers[end], era(end), Window(start, end), step))
        return positions


def cover_of(steps: Iterable[StepWindows], *, level: bool) -> Window:
    """The span of all windows, for a level of their ends."""
    windows = [window for each in steps for window in each.windows]
    return Window(min(w.end if level else w.start for w in windows), max(w.end for w in windows))
