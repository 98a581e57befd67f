"""A metric over a window whose end moves forward: each step counts only what happened since the last one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from exporter.metrics.running import Aggregate
from exporter.metrics.tracks import Track
from exporter.metrics.values import Group, MeasuredValue

_NEVER = 2**63
_NO_GROUPS: Set[int] = frozenset()


@dataclass(frozen=True, slots=True)
class MetricTrack:
    """A metric at one scope: its changes, those of all rows regardless of its conditions, and its aggregate.

    `presence` is None if there is only one group, which is always present.
    """

    track: Track
    presence: Track | None
    level: bool
    make: Callable[[], Aggregate]

    def first(self, track: Track, start: int) -> int:
        """The first change within a window: for a level the very first."""
        return 0 if self.level else bisect_left(track.times, start)

    def last(self, track: Track, end: int) -> int:
        """The first change after a window: a level includes its end, a flow excludes it."""
        return bisect_right(track.times, end) if self.level else bisect_left(track.times, end)


class MovingWindow:
    """The groups of a metric in [start, end), in microseconds since 1970; the end can move forward."""

    def __init__(self, metric: MetricTrack, start: int) -> None:
        self.end = start
        self._metric = metric
        self._next = metric.first(metric.track, start)
        self._aggregates: dict[int, Aggregate] = {}
        self._next_present = metric.first(metric.presence, start) if metric.presence else 0
        self._present: Counter[int] = Counter() if metric.presence else Counter([0])
        self._absent = metric.make().measured()
        self._until = start
        self._groups: Sequence[Group] = ()
        self._view: Mapping[Group, MeasuredValue] = {}

    def read(self, end: int, groups: Sequence[Group]) -> Mapping[Group, MeasuredValue]:
        """The answer at `end`, which must not precede the last one; `groups` names the group of each code.

        If nothing changed, the answer is the same object.
        """
        self.end = max(self.end, end)
        renamed = groups is not self._groups
        changed = self._advance(self.end) if self.end >= self._until else _NO_GROUPS
        if not (changed or renamed):
            return self._view
        view = {} if renamed else dict(self._view)
        for code in self._present if renamed else changed:
            if self._present[code]:
                view[groups[code]] = self._measured(code)
            else:
                view.pop(groups[code], None)
        self._groups, self._view = groups, view
        return view

    def _measured(self, code: int) -> MeasuredValue:
        aggregate = self._aggregates.get(code)
        return aggregate.measured() if aggregate else self._absent

    def _advance(self, end: int) -> Set[int]:
        """Counts what happened until `end`; returns the groups that changed."""
        metric = self._metric
        changed: set[int] = set()
        if metric.presence:
            first, self._next_present = self._next_present, metric.last(metric.presence, end)
            for code, _, sign in metric.presence.changes(first, self._next_present):
                self._present[code] += sign
                changed.add(code)
        first, self._next = self._next, metric.last(metric.track, end)
        aggregates = self._aggregates
        for code, value, sign in metric.track.changes(first, self._next):
            if code not in aggregates:
                aggregates[code] = metric.make()
            aggregates[code].change(value, sign)
            changed.add(code)
        self._until = min(_next(metric.track, self._next), _next(metric.presence, self._next_present))
        return changed


def _next(track: Track | None, index: int) -> int:
    """The time of the next change of a track."""
    return track.times[index] if track is not None and index < len(track.times) else _NEVER
