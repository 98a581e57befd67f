"""A metric over a window whose end moves forward: only what happened in between is counted."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from exporter.metrics.running import Aggregate
from exporter.metrics.tracks import Track
from exporter.metrics.values import Group, Measured

_NEVER = 2**63
_NOTHING: Set[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Line:
    """A metric at one scope: its changes, those of all rows whatever it asks of them, and how it adds up.

    `presence` is None where there is one group only, which is always there.
    """

    track: Track
    presence: Track | None
    level: bool
    make: Callable[[], Aggregate]

    def first(self, track: Track, start: int) -> int:
        """The first change that a window takes in: a level takes in all."""
        return 0 if self.level else bisect_left(track.times, start)

    def last(self, track: Track, end: int) -> int:
        """The first change that it does not take in: a level is read at its end, a flow until before it."""
        return bisect_right(track.times, end) if self.level else bisect_left(track.times, end)


class Moving:
    """The groups of a line from a start until an end that may be moved forward, in microseconds since 1970."""

    def __init__(self, line: Line, start: int) -> None:
        self.end = start
        self._line = line
        self._next = line.first(line.track, start)
        self._aggregates: dict[int, Aggregate] = {}
        self._next_present = line.first(line.presence, start) if line.presence else 0
        self._present: Counter[int] = Counter() if line.presence else Counter([0])
        self._nothing = line.make().measured()
        self._until = start
        self._groups: Sequence[Group] = ()
        self._view: Mapping[Group, Measured] = {}

    def read(self, end: int, groups: Sequence[Group]) -> Mapping[Group, Measured]:
        """The answer at `end`, which is not before the one asked last; `groups` names the group of each code.

        What did not change is the same object.
        """
        self.end = max(self.end, end)
        renamed = groups is not self._groups
        changed = self._advance(self.end) if self.end >= self._until else _NOTHING
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

    def _measured(self, code: int) -> Measured:
        aggregate = self._aggregates.get(code)
        return aggregate.measured() if aggregate else self._nothing

    def _advance(self, end: int) -> Set[int]:
        """Counts what happened until `end`; gives the groups to which something happened."""
        line = self._line
        changed: set[int] = set()
        if line.presence:
            first, self._next_present = self._next_present, line.last(line.presence, end)
            for code, _, sign in line.presence.changes(first, self._next_present):
                self._present[code] += sign
                changed.add(code)
        first, self._next = self._next, line.last(line.track, end)
        aggregates = self._aggregates
        for code, value, sign in line.track.changes(first, self._next):
            if code not in aggregates:
                aggregates[code] = line.make()
            aggregates[code].change(value, sign)
            changed.add(code)
        self._until = min(_next(line.track, self._next), _next(line.presence, self._next_present))
        return changed


def _next(track: Track | None, place: int) -> int:
    """When the next change of a track comes: until then nothing happens."""
    return track.times[place] if track is not None and place < len(track.times) else _NEVER
