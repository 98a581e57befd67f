"""Collects samples of many instants by series: equal consecutive values are one run, which becomes text at the end."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from exporter.backfill.spool import Spool, SpooledNumbers
from exporter.exposition.families import FamilySamples
from exporter.exposition.render import MAX_SERIES, finite, series_head
from exporter.exposition.text_format import escaped, numbers
from exporter.naming import Family

_NO_KEYS: Sequence[Hashable] = ()


@dataclass(frozen=True, slots=True)
class RecordedSeries:
    """The runs of all series, and the timestamp of each step as written.

    For each family `families` has its header and the heads of its series' lines. Under a head, `runs` has three
    numbers for each run of the series: the value, its first step, and the step after its last one.
    """

    families: dict[str, tuple[bytes, list[bytes]]]
    runs: SpooledNumbers
    timestamps: Sequence[bytes]

    def lines(self, file: BinaryIO, head: bytes) -> Iterator[bytes]:
        """The lines of one series in pieces, from the open file of the runs."""
        for runs in self.runs.read(file, head):
            bounds = zip(numbers(runs[::3].tolist()), map(int, runs[1::3]), map(int, runs[2::3]), strict=True)
            yield b"".join([_lines(head + number, self.timestamps[first:until]) for number, first, until in bounds])


def _lines(line: bytes, timestamps: Sequence[bytes]) -> bytes:
    return line + line.join(timestamps)


@dataclass(slots=True)
class _OpenFamily:
    """One family, or a part of it: its series, with the current value of each and since which step it has that value.

    `rows` are the samples that were taken last, and `keys` those of them that are finite and unique. `heads_seen` are
    those of the whole family.
    """

    family: Family
    heads_seen: set[bytes]
    rows: FamilySamples | None = None
    keys: Sequence[Hashable] = ()
    values: list[float] = field(default_factory=list)
    since: list[int] = field(default_factory=list)
    heads: dict[Hashable, bytes | None] = field(default_factory=dict)

    def head(self, rows: FamilySamples, key: Hashable) -> bytes | None:
        """The text before the value in a series' lines; None for a series that is left out, as it is on a scrape.

        A second series with the same labels is left out, and everything beyond the limit of series.
        """
        if key not in self.heads:
            head = series_head(rows.family, rows.labels_of, key)
            fits = head not in self.heads_seen and len(self.heads_seen) < MAX_SERIES
            self.heads[key] = head if fits else None
            self.heads_seen.add(head)
        return self.heads[key]


class SeriesRecorder:
    """Takes the samples of one step after the other and spools their runs by series.

    In OpenMetrics all lines of a series are adjacent, whereas an evaluation gives one sample of each. Runs take a
    tenth of the room of their text, so most histories need no second file as large as the result.
    """

    def __init__(self, spool: Spool, steps: Sequence[datetime]) -> None:
        self._spool = spool
        self._timestamps = [f" {int(step.timestamp())}".encode() for step in steps]
        self._open: dict[tuple[str, str], _OpenFamily] = {}
        self._heads_seen: dict[str, set[bytes]] = {}

    def record(self, step: int, families: Iterable[FamilySamples]) -> None:
        """Takes the samples of one step; steps are numbered consecutively. Raises OSError."""
        taken = set()
        for rows in families:
            key = rows.family.name, rows.part
            if key not in taken:
                taken.add(key)
                self._take(self._open.get(key) or self._new(key, rows.family), rows, step)
        if len(taken) < len(self._open):
            for key in self._open.keys() - taken:
                self._end(self._open[key], step)

    def _new(self, key: tuple[str, str], family: Family) -> _OpenFamily:
        heads_seen = self._heads_seen.setdefault(family.name, set())
        return self._open.setdefault(key, _OpenFamily(family, heads_seen))

    def end(self) -> RecordedSeries:
        """Closes all series after the last step. Raises OSError."""
        for family in self._open.values():
            self._end(family, len(self._timestamps))
        families: dict[str, tuple[bytes, list[bytes]]] = {}
        for (name, _), family in self._open.items():
            if family.heads:
                heads = families.setdefault(name, (_header(family.family), []))[1]
                heads += [head for head in family.heads.values() if head is not None]
        return RecordedSeries(families, self._spool.end(), self._timestamps)

    def _take(self, family: _OpenFamily, rows: FamilySamples, step: int) -> None:
        if rows is family.rows:
            return
        family.rows = rows
        keys, values, _ = finite(rows.keys, rows.values)
        if keys == family.keys:
            if values != family.values:
                self._change(family, values, step)
            return
        keys, values = _unique(keys, values)
        previous = dict(zip(family.keys, zip(family.values, family.since, strict=True), strict=True))
        since = []
        for key, value in zip(keys, values, strict=True):
            old_value, first_step = previous.pop(key, (None, step))
            if old_value is not None and old_value != value:
                self._write(family.heads[key], old_value, first_step, step)
                first_step = step
            if old_value is None:
                family.head(rows, key)
            since.append(first_step)
        for key, (old_value, first_step) in previous.items():
            self._write(family.heads[key], old_value, first_step, step)
        family.keys, family.values, family.since = keys, values, since

    def _change(self, family: _OpenFamily, values: list[float], step: int) -> None:
        old, since = family.values, family.since
        for index in [index for index, value in enumerate(values) if value != old[index]]:
            self._write(family.heads[family.keys[index]], old[index], since[index], step)
            since[index] = step
        family.values = values

    def _end(self, family: _OpenFamily, step: int) -> None:
        for key, value, first_step in zip(family.keys, family.values, family.since, strict=True):
            self._write(family.heads[key], value, first_step, step)
        family.rows, family.keys, family.values, family.since = None, _NO_KEYS, [], []

    def _write(self, head: bytes | None, value: float, first_step: int, until: int) -> None:
        if head is not None:
            self._spool.append(head, (value, first_step, until))


def _unique(keys: Sequence[Hashable], values: list[float]) -> tuple[Sequence[Hashable], list[float]]:
    """Removes duplicate keys: the first sample counts, as on a scrape."""
    first = dict(zip(reversed(keys), reversed(values), strict=True))
    if len(first) == len(keys):
        return keys, values
    return list(reversed(first)), list(reversed(first.values()))


def _header(family: Family) -> bytes:
    return f"# HELP {family.name} {escaped(family.help)}\n# TYPE {family.name} {family.type}".encode()
