"""The csv provider: one file is one entity, read whole again whenever its content changes."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import BinaryIO

from exporter.config.sources.csv import CsvOptions
from exporter.errors import Reason, SourceRejectedError, SourceUnavailableError
from exporter.passes import Listing, Page, Pass
from exporter.records import Record
from exporter.sources.base import Access, SourceContext
from exporter.sources.parsing.column_map import RecordMap
from exporter.sources.parsing.rows import ParsedRows
from exporter.sources.provider import ProviderSource
from exporter.sources.providers.csv_table import UNDECODED, Table


def create(options: CsvOptions, context: SourceContext) -> CsvSource:
    """The source that the options describe."""
    return CsvSource(options, context)


class CsvSource(ProviderSource[CsvOptions]):
    """Reads the file in a thread. Its cursor is the fingerprint of its content."""

    def __init__(self, options: CsvOptions, context: SourceContext) -> None:
        super().__init__(options, context)
        self._path = context.base / options.path

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """All rows in pages; no page where the file is what it was at the last pass."""
        pages = self._pages(sync_pass.cursor)
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            yield page

    def _pages(self, known: str | None) -> Iterator[Page]:
        """Runs in a thread. The last page is held back until the whole file has proved readable and unchanged."""
        with self._open() as file:
            before = os.fstat(file.fileno())
            fingerprint, lines = _fingerprint(file)
            if fingerprint == known:
                return
            held = Page((), total=lines)
            with self._table(file) as table:
                for place, taken in enumerate(self._taken(table)):
                    if place:
                        yield held
                    held = Page(_last_of_each_id(taken.records), taken.rejected, total=lines)
                after = os.fstat(file.fileno())
            if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
                raise SourceUnavailableError(Reason.PROTOCOL, f"{self._options.path} changed while it was read")
            yield replace(held, cursor=fingerprint, listing=Listing())

    def _open(self) -> BinaryIO:
        path = self._options.path
        try:
            return self._path.open("rb")
        except PermissionError:
            raise SourceRejectedError(Reason.FORBIDDEN, f"{path} may not be read: grant read permission") from None
        except OSError:
            raise SourceRejectedError(Reason.NOT_FOUND, f"there is no file {path} beside the config") from None

    @contextmanager
    def _table(self, file: BinaryIO) -> Iterator[Table]:
        options = self._options
        with io.TextIOWrapper(file, encoding=options.encoding, errors=UNDECODED, newline="") as text:
            table = Table(str(options.path), csv.reader(text, delimiter=options.delimiter))
            table.demand([field for spec in options.columns.values() for field in spec.fields])
            yield table

    def _taken(self, table: Table) -> Iterator[ParsedRows]:
        columns = self._options.columns
        record_map = RecordMap(self._options.entity, columns, self._context.zone, table.getter)
        for chunk in table.chunks():
            fitting, odd = table.fitting(chunk, columns["id"].fields)
            lines = [line for _, line in fitting]
            taken = record_map.parse([row for row, _ in fitting], partial(_line, lines))
            yield ParsedRows(taken.records, (*odd, *taken.rejected))

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
        with self._open() as file, self._table(file):
            pass


def _fingerprint(file: BinaryIO) -> tuple[str, int]:
    """A digest of the content, and about how many rows there are."""
    digest = hashlib.sha256()
    lines = 0
    while block := file.read(1 << 20):
        digest.update(block)
        lines += block.count(b"\n")
    file.seek(0)
    return digest.hexdigest(), max(0, lines - 1)


def _line(lines: Sequence[int], place: int) -> str:
    return f"line {lines[place - 1]}"


def _last_of_each_id(records: Sequence[Record]) -> tuple[Record, ...]:
    return tuple({record.id: record for record in records}.values())
