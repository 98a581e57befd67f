"""Values over the steps of a history as runs: each from one step to another, so that only changes take time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Run: TypeAlias = tuple[int, int, T]
"""The first step, the step after the last one, and the value in between. A plain tuple: a history has millions."""

Runs: TypeAlias = Sequence[Run[T]]
"""The runs of one value in order. They do not overlap; between them there is no value."""


def runs_of(values: Iterable[T | None]) -> list[Run[T]]:
    """The value at each step as runs; None where there is none."""
    runs: list[Run[T]] = []
    first, current, step = 0, None, 0
    for step, value in enumerate(values):
        if value is not current and value != current:
            if current is not None:
                runs.append((first, step, current))
            first, current = step, value
    if current is not None:
        runs.append((first, step + 1, current))
    return runs


def clipped(runs: Runs[T], first: int, until: int) -> Runs[T]:
    """The parts of the runs in the steps from `first` to before `until`."""
    if not runs or (runs[0][0] >= first and runs[-1][1] <= until):
        return runs
    return [(max(a, first), min(b, until), value) for a, b, value in runs if a < until and b > first]


def aligned(columns: Sequence[Runs[Any]], first: int, until: int) -> Iterator[tuple[Any, ...]]:
    """From `first` to before `until`, the spans in which no column changes: first step, step after, and the values.

    A value is None where its column has no run.
    """
    columns = [clipped(column, first, until) for column in columns]
    cuts = {first, until}
    for column in columns:
        cuts.update([run[0] for run in column], [run[1] for run in column])
    bounds = sorted(cuts)
    position = {bound: index for index, bound in enumerate(bounds)}
    values = [_spread(column, position, len(bounds) - 1) for column in columns]
    return zip(bounds, bounds[1:], *values, strict=False)


def _spread(runs: Runs[T], position: dict[int, int], width: int) -> list[T | None]:
    spread: list[T | None] = [None] * width
    for first, until, value in runs:
        begin, end = position[first], position[until]
        if end - begin == 1:
            spread[begin] = value
        else:
            spread[begin:end] = [value] * (end - begin)
    return spread
