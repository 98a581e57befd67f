"""The csv provider: one file is one entity. The whole file is read whenever its content changes.

A file cannot say how far it is complete. It is complete up to the instant at which it was last modified, up to its
newest row, or up to each pass, as the config declares.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import BinaryIO

from exporter.config.sources.csv import CsvOptions
from exporter.errors import Reason, SourceRejectedError, SourceUnavailableError
from exporter.passes import Listing, Page, Pass
from exporter.sources.base import Access, SourceContext
from exporter.sources.blocking import Cancellation, call_in_thread, in_thread
from exporter.sources.cursor import StoredPosition
from exporter.sources.parsing.column_map import RecordMap
from exporter.sources.parsing.newest_event import newest_event
from exporter.sources.parsing.unique_ids import UniqueIds
from exporter.sources.provider import ProviderSource
from exporter.sources.providers.csv_table import UNDECODED, CsvTable

_JUST_AFTER = timedelta(microseconds=1)
"""From an instant to the end of a window that includes it."""


@dataclass(frozen=True, slots=True)
class FilePosition(StoredPosition):
    """The cursor: a digest of the file's content, and the newest event in it if the config asks for that."""

    digest: str
    newest: datetime | None


def create(options: CsvOptions, context: SourceContext) -> CsvSource:
    """The source that the options describe."""
    return CsvSource(options, context)


class CsvSource(ProviderSource[CsvOptions]):
    """Reads the file in a thread. An unchanged file is not read again."""

    def __init__(self, options: CsvOptions, context: SourceContext) -> None:
        super().__init__(options, context)
        self._path = context.base / options.path

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """All rows in pages; if the file has not changed since the last pass, a page that says how far it reaches."""
        async with aclosing(in_thread(partial(self._pages, sync_pass))) as pages:
            async for page in pages:
                yield page

    def _pages(self, sync_pass: Pass, _: Cancellation) -> Generator[Page, None, None]:
        """The pages, in a thread. The last one waits until the file proved to be readable and unchanged to its end."""
        now = sync_pass.started_at
        with self._open() as file:
            before = os.fstat(file.fileno())
            written_at = _written_at(before, now)
            digest, lines = _digest(file)
            last = _position(sync_pass.cursor)
            if last is not None and last.digest == digest:
                yield self._reaching(Page(()), last, written_at)
                return
            pending, newest = Page((), total=lines), None
            with self._table(file) as table:
                for number, page in enumerate(self._parsed(table, lines)):
                    if number:
                        yield pending
                    pending, newest = page, self._newest(page, newest, now, written_at)
                after = os.fstat(file.fileno())
            if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
                raise SourceUnavailableError(Reason.PROTOCOL, f"{self._options.path} changed while it was read")
            yield self._reaching(replace(pending, listing=Listing()), FilePosition(digest, newest), written_at)

    def _newest(self, page: Page, newest: datetime | None, now: datetime, written_at: datetime) -> datetime | None:
        """The newest event so far, if the config asks for it."""
        if self._options.complete_until != "newest":
            return None
        return max(filter(None, (newest, newest_event(page.records, now, written_at))), default=None)

    def _reaching(self, page: Page, position: FilePosition, written_at: datetime) -> Page:
        """The last page of a pass, with its cursor and the instant up to which the file is complete."""
        complete_until: datetime | None = written_at
        if self._options.complete_until == "now":
            complete_until = None
        elif position.newest is not None:
            complete_until = position.newest + _JUST_AFTER
        return replace(page, cursor=position.to_text(), complete_until=complete_until)

    def _open(self) -> BinaryIO:
        path = self._options.path
        try:
            return self._path.open("rb")
        except PermissionError:
            raise SourceRejectedError(Reason.FORBIDDEN, f"{path} may not be read: grant read permission") from None
        except OSError:
            raise SourceRejectedError(Reason.NOT_FOUND, f"there is no file {path} beside the config") from None

    @contextmanager
    def _table(self, file: BinaryIO) -> Iterator[CsvTable]:
        options = self._options
        with io.TextIOWrapper(file, encoding=options.encoding, errors=UNDECODED, newline="") as text:
            table = CsvTable(str(options.path), csv.reader(text, delimiter=options.delimiter))
            table.require([field for spec in options.columns.values() for field in spec.fields])
            yield table

    def _parsed(self, table: CsvTable, total: int) -> Iterator[Page]:
        """The file in pages; of several rows with one id the first one, and the others as rejections."""
        columns = self._options.columns
        ids = UniqueIds()
        record_map = RecordMap(self._options.entity, columns, self._context.zone, table.getter)
        for chunk in table.chunks():
            fitting, misfits = table.split(chunk, columns["id"].fields)
            lines = [line for _, line in fitting]
            label = partial(_line_label, lines)
            parsed = record_map.parse([row for row, _ in fitting], label)
            faulty = {error.where for error in parsed.rejected}
            unique = ids.check(parsed.records, [line for n, line in enumerate(lines, 1) if label(n) not in faulty])
            yield Page(unique.records, (*misfits, *parsed.rejected, *unique.rejected), total=total)

    async def check(self) -> tuple[Access, ...]:
        """Whether the file can be read and has the headers that the config names."""
        try:
            written_at = await call_in_thread(self._read_header)
        except SourceRejectedError as error:
            if error.reason not in (Reason.FORBIDDEN, Reason.NOT_FOUND):
                raise
            return (Access(self._options.entity, allowed=False, missing=str(error)),)
        return (Access(self._options.entity, allowed=True, note=self._note(written_at)),)

    def _read_header(self, _: Cancellation) -> datetime:
        """When the file was last modified; raises SourceRejectedError if it cannot be read."""
        with self._open() as file, self._table(file):
            return _written_at(os.fstat(file.fileno()), self._context.clock())

    def _note(self, written_at: datetime) -> str:
        """What to do about a file that is too old for its numbers to be shown; empty if it is not.

        Teams are as they were last listed, however long ago.
        """
        options = self._options
        is_dated = options.complete_until == "file" and options.entity != "people"
        if not is_dated or self._context.clock() - written_at <= options.withheld_after:
            return ""
        day = written_at.astimezone(self._context.zone).date()
        return f"last modified on {day}: renew it, or its numbers stay withheld"


def _written_at(status: os.stat_result, now: datetime) -> datetime:
    """When the file was last modified, at most `now`."""
    return datetime.fromtimestamp(min(status.st_mtime, now.timestamp()), UTC)


def _position(cursor: str | None) -> FilePosition | None:
    """The position that the last pass reached; None if the cursor is not one of this version."""
    try:
        return None if cursor is None else FilePosition.from_text(cursor)
    except ValueError:
        return None


def _digest(file: BinaryIO) -> tuple[str, int]:
    """A digest of the content, and the approximate number of rows."""
    digest = hashlib.sha256()
    lines = 0
    while block := file.read(1 << 20):
        digest.update(block)
        lines += block.count(b"\n")
    file.seek(0)
    return digest.hexdigest(), max(0, lines - 1)


def _line_label(lines: Sequence[int], number: int) -> str:
    return f"line {lines[number - 1]}"
