"""The csv provider: one file is one entity, read whole again whenever its content changes."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import itertools
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from operator import itemgetter
from typing import BinaryIO

from exporter.config.sources.csv import CsvOptions
from exporter.errors import InvalidRecordError, Reason, SourceRejectedError, SourceUnavailableError
from exporter.records import Record
from exporter.sources.base import Access, Listing, Page, Pass, Surroundings
from exporter.sources.mapping import Get, RecordMap
from exporter.sources.rows import Drift, Taken

PAGE_ROWS = 1000

Row = list[str]

_UNDECODED = re.compile("[\udc80-\udcff]")


def create(options: CsvOptions, around: Surroundings) -> CsvSource:
    """The source that the options describe."""
    return CsvSource(options, around)


class CsvSource:
    """Reads the file in a thread. Its cursor is the fingerprint of its content."""

    lag = timedelta(0)

    def __init__(self, options: CsvOptions, around: Surroundings) -> None:
        self.name = options.name
        self.entities = options.reads
        self._options = options
        self._around = around
        self._path = around.base / options.path

    async def read(self, asked: Pass) -> AsyncIterator[Page]:
        """All rows in pages; no page where the file is what it was at the last pass."""
        pages = self._pages(asked.cursor)
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            yield page

    def _pages(self, known: str | None) -> Iterator[Page]:
        """Runs in a thread. The last page is held back until the whole file has proved readable and unchanged."""
        with self._open() as file:
            before = os.fstat(file.fileno())
            fingerprint, lines = self._fingerprint(file)
            if fingerprint == known:
                return
            held: Page | None = None
            drift = Drift()
            table = self._table(file)
            for taken in self._taken(table):
                if held is not None:
                    yield held
                drift.add(taken)
                held = Page(_last_of_each_id(taken.records), taken.rejected, total=lines)
            after = os.fstat(file.fileno())
            if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
                raise SourceUnavailableError(Reason.PROTOCOL, f"{self._options.path} changed while it was read")
            drift.refuse()
            yield replace(held or Page(()), cursor=fingerprint, listing=Listing())

    def _open(self) -> BinaryIO:
        path = self._options.path
        try:
            return self._path.open("rb")
        except PermissionError:
            raise SourceRejectedError(Reason.FORBIDDEN, f"{path} may not be read: grant read permission") from None
        except OSError:
            raise SourceRejectedError(Reason.NOT_FOUND, f"there is no file {path} beside the config") from None

    def _fingerprint(self, file: BinaryIO) -> tuple[str, int]:
        """A digest of the content, and about how many rows there are."""
        digest = hashlib.sha256()
        lines = 0
        while block := file.read(1 << 20):
            digest.update(block)
            lines += block.count(b"\n")
        file.seek(0)
        return digest.hexdigest(), max(0, lines - 1)

    def _taken(self, table: _Table) -> Iterator[Taken]:
        record_map = RecordMap(self._options.entity, self._options.columns, self._around.zone, table.getter)
        for rows, lines in table.chunks():
            yield record_map.take(rows, self._around.clock(), partial(_line, lines))

    def _table(self, file: BinaryIO) -> _Table:
        options = self._options
        text = io.TextIOWrapper(file, encoding=options.encoding, errors="surrogateescape", newline="")
        table = _Table(str(options.path), csv.reader(text, delimiter=options.delimiter))
        table.demand(dict.fromkeys(field for spec in options.columns.values() for field in spec.fields))
        return table

    async def check(self) -> tuple[Access, ...]:
        """Whether the file can be read and has the headers that the config names."""
        try:
            await asyncio.to_thread(self._look)
        except SourceRejectedError as error:
            if error.reason not in (Reason.FORBIDDEN, Reason.NOT_FOUND):
                raise
            return (Access(self._options.entity, allowed=False, missing=str(error)),)
        return (Access(self._options.entity, allowed=True),)

    def _look(self) -> None:
        with self._open() as file:
            self._table(file)

    async def close(self) -> None:
        """Nothing is held open between passes."""
        return


def _line(lines: Sequence[int], place: int) -> str:
    return f"line {lines[place - 1]}"


def _last_of_each_id(records: Sequence[Record]) -> tuple[Record, ...]:
    return tuple({record.id: record for record in records}.values())


class _Table:
    """The rows below a header line."""

    def __init__(self, name: str, reader: csv._reader) -> None:  # type: ignore[name-defined]
        self._name = name
        self._reader = reader
        first = self._next()
        if first is None:
            raise self._refused("is empty: not even a header line")
        self.headers = [header.strip().removeprefix("\ufeff") for header in first]

    def _next(self) -> Row | None:
        try:
            return next(self._reader, None)
        except csv.Error:
            raise self._refused(f"is not readable from line {self._reader.line_num} on: is a quote open?") from None
        except UnicodeError:
            raise self._refused("is not in its encoding: set encoding, such as cp1252") from None

    def _refused(self, what: str) -> SourceRejectedError:
        return SourceRejectedError(Reason.SCHEMA, f"{self._name} {what}")

    def demand(self, fields: Sequence[str] | dict[str, None]) -> None:
        """Raises SourceRejectedError(SCHEMA) naming the headers that are missing or double, and what is there."""
        missing = [field for field in fields if field not in self.headers]
        double = [field for field in fields if self.headers.count(field) > 1]
        if missing:
            there = ", ".join(header[:64] for header in self.headers[:50])
            raise self._refused(f"has no header {', '.join(missing)}; it has: {there}")
        if double:
            raise self._refused(f"has the header {', '.join(double)} more than once")

    def getter(self, field: str, _optional: bool) -> Get:
        """Access to a field of a row."""
        return itemgetter(self.headers.index(field))

    def checked(self, row: Row) -> Row:
        """The row; raises InvalidRecordError where it does not fit the header or its bytes not the encoding."""
        width = len(self.headers)
        if len(row) < width:
            raise InvalidRecordError(Reason.MISSING_FIELD, self.headers[len(row)])
        if len(row) > width and any(row[width:]):
            raise InvalidRecordError(Reason.SCHEMA, "row")
        whole = "".join(row)
        if not whole.isascii() and _UNDECODED.search(whole):
            raise InvalidRecordError(Reason.BAD_TYPE, "row")
        return row

    def chunks(self) -> Iterator[tuple[list[Row], list[int]]]:
        """A thousand rows at a time with the lines on which they end; blank lines are left out."""
        numbered = ((row, self._reader.line_num) for row in iter(self._next, None) if row)
        while chunk := list(itertools.islice(numbered, PAGE_ROWS)):
            yield [row for row, _ in chunk], [line for _, line in chunk]
