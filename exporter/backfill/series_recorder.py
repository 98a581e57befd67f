"""Collects the runs of series over a history, which become text at the end."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, compress
from math import isfinite
from operator import ne
from typing import Any, BinaryIO, NamedTuple

from exporter.backfill.spool import Spool, SpooledNumbers
from exporter.exposition.render import MAX_SERIES, series_head
from exporter.exposition.series_tables import Cells, Column, SeriesTable
from exporter.exposition.text_format import escaped, numbers
from exporter.metrics.runs import Run, Runs
from exporter.naming import Family


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
            for number, first, until in bounds:
                line = head + number
                yield line
                yield line.join(self.timestamps[first:until])


class _NewRuns(NamedTuple):
    """Runs of one series that are not in the spool yet. `key` is that of its row."""

    first: int
    family: Family
    head: bytes
    key: Hashable
    numbers: array[float]


class SeriesRecorder:
    """Takes the rows of tables, one part of a history after the other, and spools the runs of their series.

    Runs take a tenth of the room of their text, so most histories need no second file as large as the result.
    """

    def __init__(self, spool: Spool, steps: Sequence[datetime]) -> None:
        self._spool = spool
        self._timestamps = [f" {int(step.timestamp())}".encode() for step in steps]
        self._begin = 0
        self._new: list[_NewRuns] = []
        self._families: dict[str, Family] = {}
        self._keys: dict[str, dict[bytes, Hashable]] = {}

    def take(self, table: SeriesTable[Any], key: Hashable, rows: Runs[Cells]) -> None:
        """Takes the cells of the row with this key at the steps of the current part, which are numbered from 0."""
        if not rows:
            return
        rows = list(_without_gaps(rows, (None,) * len(table.columns)))
        begins, end = [self._begin + first for first, _, _ in rows], self._begin + rows[-1][1]
        for column, values in zip(table.columns, zip(*(cells for _, _, cells in rows), strict=True), strict=True):
            if values.count(values[0]) == len(values):
                self._add(table, column, key, values[:1], (begins[0], end))
            else:
                changes = [0, *compress(range(1, len(values)), map(ne, values[1:], values))]
                steps = *(begins[index] for index in changes), end
                self._add(table, column, key, [values[index] for index in changes], steps)

    def _add(
        self,
        table: SeriesTable[Any],
        column: Column,
        key: Hashable,
        values: Sequence[float | None],
        steps: Sequence[int],
    ) -> None:
        """Adds the runs of one series: each value from its step to the next one; None is no sample, nor is NaN."""
        runs = [
            (value, first, until)
            for value, first, until in zip(values, steps, steps[1:], strict=False)
            if value is not None and isfinite(value)
        ]
        if runs:
            head = series_head(column.family, lambda key: table.labels(key, column), key)
            self._new.append(_NewRuns(runs[0][1], column.family, head, key, array("d", chain.from_iterable(runs))))

    def end_part(self, step_count: int) -> None:
        """Spools what was taken since the last part, which had so many steps. Raises OSError.

        As on a scrape, of two series with the same labels the first one counts, and a family has no more series than
        the limit: those which began first.
        """
        for runs in sorted(self._new, key=lambda runs: runs.first):
            name = runs.family.name
            self._families.setdefault(name, runs.family)
            keys = self._keys.setdefault(name, {})
            if runs.head not in keys and len(keys) < MAX_SERIES:
                keys[runs.head] = runs.key
            if keys.get(runs.head) == runs.key:
                self._spool.append(runs.head, runs.numbers)
        self._new = []
        self._begin += step_count

    def end(self) -> RecordedSeries:
        """The series of all parts. Raises OSError."""
        families = {name: (_header(family), list(self._keys[name])) for name, family in self._families.items()}
        return RecordedSeries(families, self._spool.end(), self._timestamps)


def _without_gaps(rows: Runs[Cells], empty: Cells) -> Iterator[Run[Cells]]:
    """The rows with an empty one wherever there is none in between."""
    end = rows[0][0]
    for row in rows:
        if row[0] > end:
            yield end, row[0], empty
        yield row
        end = row[1]


def _header(family: Family) -> bytes:
    return f"# HELP {family.name} {escaped(family.help)}\n# TYPE {family.name} {family.type}".encode()
