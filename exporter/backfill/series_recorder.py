"""Samples of many instants, series by series: what stays the same is noted once and written as a run."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from exporter.backfill.spool import Places, Spool
from exporter.exposition.families import FamilySamples
from exporter.exposition.render import MAX_SERIES, finite, series_head
from exporter.exposition.text_format import escaped, numbers
from exporter.naming import Family

_NOBODY: Sequence[Hashable] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """Families with samples, each with the beginnings of its series' lines; the lines lie in the spool under those."""

    families: dict[str, tuple[bytes, list[bytes]]]
    places: Places


@dataclass(slots=True)
class _Running:
    """One family: its series, and since which step each of them has its value."""

    family: Family
    keys: Sequence[Hashable] = ()
    values: list[float] = field(default_factory=list)
    since: list[int] = field(default_factory=list)
    heads: dict[Hashable, bytes | None] = field(default_factory=dict)
    known: set[bytes] = field(default_factory=set)

    def head(self, rows: FamilySamples, key: Hashable) -> bytes | None:
        """How the lines of a series begin; None for one that is left out: a second of the same name, or one too many.

        What is left out on a scrape is left out here too.
        """
        if key not in self.heads:
            head = series_head(rows.family, rows.labels_of, key)
            fits = head not in self.known and len(self.known) < MAX_SERIES
            self.heads[key] = head if fits else None
            self.known.add(head)
        return self.heads[key]


class Recorder:
    """Takes the samples of one step after the other, and writes them to a spool by series.

    In OpenMetrics all lines of a series stand together, while evaluations give one sample of each.
    """

    def __init__(self, spool: Spool, steps: Sequence[datetime]) -> None:
        self._spool = spool
        self._stamps = [f" {int(step.timestamp())}".encode() for step in steps]
        self._running: dict[str, _Running] = {}

    def record(self, step: int, families: Iterable[FamilySamples]) -> None:
        """The samples of the step of this number; numbers rise one by one. Raises OSError."""
        met = set()
        for rows in families:
            name = rows.family.name
            if name not in met:
                met.add(name)
                running = self._running.get(name) or self._running.setdefault(name, _Running(rows.family))
                self._take(running, rows, step)
        for name, running in self._running.items():
            if name not in met:
                self._end(running, step)

    def end(self) -> Recorded:
        """Everything recorded, once the last step was. Raises OSError."""
        for running in self._running.values():
            self._end(running, len(self._stamps))
        families = {
            name: (_described(running.family), [head for head in running.heads.values() if head is not None])
            for name, running in self._running.items()
            if running.heads
        }
        return Recorded(families, self._spool.end())

    def _take(self, running: _Running, rows: FamilySamples, step: int) -> None:
        keys, values, _ = finite(rows.keys, rows.values)
        if keys == running.keys:
            if values != running.values:
                self._change(running, values, step)
            return
        keys, values = _once(keys, values)
        before = dict(zip(running.keys, zip(running.values, running.since, strict=True), strict=True))
        since = []
        for key, value in zip(keys, values, strict=True):
            held, began = before.pop(key, (None, step))
            if held is not None and held != value:
                self._write(running.heads[key], held, began, step)
                began = step
            if held is None:
                running.head(rows, key)
            since.append(began)
        for key, (held, began) in before.items():
            self._write(running.heads[key], held, began, step)
        running.keys, running.values, running.since = keys, values, since

    def _change(self, running: _Running, values: list[float], step: int) -> None:
        old, since = running.values, running.since
        for place in [place for place, value in enumerate(values) if value != old[place]]:
            self._write(running.heads[running.keys[place]], old[place], since[place], step)
            since[place] = step
        running.values = values

    def _end(self, running: _Running, step: int) -> None:
        for key, value, began in zip(running.keys, running.values, running.since, strict=True):
            self._write(running.heads[key], value, began, step)
        running.keys, running.values, running.since = _NOBODY, [], []

    def _write(self, head: bytes | None, value: float, began: int, until: int) -> None:
        if head is not None:
            line = head + numbers([value])[0]
            self._spool.append(head, line + line.join(self._stamps[began:until]))


def _once(keys: Sequence[Hashable], values: list[float]) -> tuple[Sequence[Hashable], list[float]]:
    """Without second samples of one key: the first counts, as on a scrape."""
    first = dict(zip(reversed(keys), reversed(values), strict=True))
    if len(first) == len(keys):
        return keys, values
    return list(reversed(first)), list(reversed(first.values()))


def _described(family: Family) -> bytes:
    return f"# HELP {family.name} {escaped(family.help)}\n# TYPE {family.name} {family.type}".encode()
