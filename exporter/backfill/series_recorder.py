"""Collects samples of many instants by series: equal consecutive values are one run, which becomes text at the end."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any, BinaryIO

from exporter.backfill.spool import Spool, SpooledNumbers
from exporter.exposition.render import MAX_SERIES, series_head
from exporter.exposition.series_tables import Cells, R, SeriesTable
from exporter.exposition.text_format import escaped, numbers
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
            yield b"".join([_lines(head + number, self.timestamps[first:until]) for number, first, until in bounds])


def _lines(line: bytes, timestamps: Sequence[bytes]) -> bytes:
    return line + line.join(timestamps)


class _OpenRow:
    """One row of a table: its cells, and since which step each of its series has its number, None without one."""

    __slots__ = ("cells", "heads", "key", "numbers", "since")

    def __init__(self, key: Hashable, width: int) -> None:
        self.key = key
        self.cells: Cells = ()
        self.numbers: list[float | None] = [None] * width
        self.since = [0] * width
        self.heads: list[bytes | None] = [None] * width


@dataclass(slots=True)
class _OpenTable:
    """A table: its rows as they were taken last, the series behind them, and those of all rows so far by key."""

    table: SeriesTable[Any]
    heads_seen: Sequence[set[bytes]]
    rows: Sequence[object] = ()
    open: list[_OpenRow] = field(default_factory=list)
    by_key: dict[Hashable, _OpenRow] = field(default_factory=dict)

    def head(self, key: Hashable, index: int) -> bytes | None:
        """The text before the number in a series' lines; None for a series that is left out, as it is on a scrape.

        A second series with the same labels is left out, and everything beyond the limit of series.
        """
        column, seen = self.table.columns[index], self.heads_seen[index]
        head = series_head(column.family, lambda key: self.table.labels(key, column), key)
        fits = head not in seen and len(seen) < MAX_SERIES
        seen.add(head)
        return head if fits else None


class SeriesRecorder:
    """Takes the rows of one step after the other and spools the runs of their series.

    In OpenMetrics all lines of a series are adjacent, whereas an evaluation gives one sample of each. Runs take a
    tenth of the room of their text, so most histories need no second file as large as the result.
    """

    def __init__(self, spool: Spool, steps: Sequence[datetime]) -> None:
        self._spool = spool
        self._timestamps = [f" {int(step.timestamp())}".encode() for step in steps]
        self._open: dict[Hashable, _OpenTable] = {}
        self._heads_seen: dict[str, set[bytes]] = {}
        self._families: dict[str, Family] = {}
        self._heads: dict[str, list[bytes]] = {}

    def take(self, name: Hashable, table: SeriesTable[R], rows: Sequence[R], step: int) -> None:
        """Takes the rows of a table at a step; it keeps them until it is taken again. Steps ascend. Raises OSError.

        The same object in the same place is the same row; so name a table by what all its rows have in common.
        """
        taken = self._open.get(name) or self._new(name, table)
        before, taken.rows = taken.rows, rows
        if rows and len(rows) == len(before) and self._change(taken, rows, before, step):
            return
        key_of = table.key_of
        current = {key_of(row): row for row in reversed(rows)}
        if len(current) < len(rows):
            taken.rows = ()  # of rows with the same key the first one counts, as on a scrape
        for opened in taken.open:
            if opened.key not in current:
                self._set(taken, opened, (None,) * len(table.columns), step)
        taken.open = []
        for row in rows:
            key = key_of(row)
            opened = taken.by_key.get(key) or taken.by_key.setdefault(key, _OpenRow(key, len(table.columns)))
            if current[key] is row:
                self._set(taken, opened, table.cells_of(row), step)
            taken.open.append(opened)

    def _new(self, name: Hashable, table: SeriesTable[Any]) -> _OpenTable:
        seen = [self._heads_seen.setdefault(column.family.name, set()) for column in table.columns]
        return self._open.setdefault(name, _OpenTable(table, seen))

    def _change(self, taken: _OpenTable, rows: Sequence[Any], before: Sequence[Any], step: int) -> bool:
        """Takes the rows that are other objects; False if one of them has another key."""
        table, opened = taken.table, taken.open
        key_of, cells_of = table.key_of, table.cells_of
        for index, row in enumerate(rows):
            if row is not before[index]:
                current = opened[index]
                if key_of(row) != current.key:
                    return False
                self._set(taken, current, cells_of(row), step)
        return True

    def _set(self, taken: _OpenTable, row: _OpenRow, cells: Cells, step: int) -> None:
        if cells == row.cells:
            return
        numbers, since = row.numbers, row.since
        for index, number in enumerate(cells):
            old = numbers[index]
            if number == old:
                continue
            new = number if number is not None and -inf < number < inf else None
            if old is not None:
                head = row.heads[index]
                if head is not None:
                    self._spool.append(head, (old, since[index], step))
            elif new is not None and row.heads[index] is None:
                self._begin(taken, row, index)
            numbers[index], since[index] = new, step
        row.cells = cells

    def _begin(self, taken: _OpenTable, row: _OpenRow, index: int) -> None:
        """Names a series at its first sample."""
        family = taken.table.columns[index].family
        heads = self._heads.setdefault(family.name, [])
        self._families.setdefault(family.name, family)
        head = row.heads[index] = taken.head(row.key, index)
        if head is not None:
            heads.append(head)

    def end(self) -> RecordedSeries:
        """Closes all series after the last step. Raises OSError."""
        for name, taken in self._open.items():
            self.take(name, taken.table, (), len(self._timestamps))
        families = {name: (_header(family), self._heads[name]) for name, family in self._families.items()}
        return RecordedSeries(families, self._spool.end(), self._timestamps)


def _header(family: Family) -> bytes:
    return f"# HELP {family.name} {escaped(family.help)}\n# TYPE {family.name} {family.type}".encode()
