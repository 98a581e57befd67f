"""The rows of a CSV file below its header line, and which of them do not fit it."""

from __future__ import annotations

import csv
import itertools
import re
import sys
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.sources.parsing.column_map import FieldGetter

if TYPE_CHECKING:
    from _csv import Reader

PAGE_ROWS = 1000

UNDECODED = "surrogateescape"
"""How a file is opened so that bytes its encoding does not know stay recognisable in their row."""

Row = list[str]
Numbered = tuple[Row, int]
"""A row and the line of the file on which it ends."""

_UNDECODED = re.compile("[\udc80-\udcff]")


class Table:
    """The rows below a header line."""

    def __init__(self, name: str, reader: Reader) -> None:
        self._name = name
        self._reader = reader
        first = self._next()
        if first is None:
            raise self._refused("is empty: not even a header line")
        self.headers = [header.removeprefix("\ufeff").strip() for header in first]

    def _next(self) -> Row | None:
        try:
            return next(self._reader, None)
        except csv.Error:
            raise self._refused(f"is not readable from line {self._reader.line_num} on: is a quote open?") from None
        except UnicodeError:
            raise self._refused("is not in its encoding: set encoding, such as cp1252") from None

    def _refused(self, what: str) -> SourceRejectedError:
        return SourceRejectedError(Reason.SCHEMA, f"{self._name} {what}")

    def demand(self, fields: Sequence[str]) -> None:
        """Raises SourceRejectedError(SCHEMA) naming the headers that are missing or double, and what is there."""
        named = dict.fromkeys(fields)
        missing = [field for field in named if field not in self.headers]
        double = [field for field in named if self.headers.count(field) > 1]
        if missing:
            there = ", ".join(header[:64] for header in self.headers[:50])
            raise self._refused(f"has no header {', '.join(missing)}; it has: {there}")
        if double:
            raise self._refused(f"has the header {', '.join(double)} more than once")

    def getter(self, field: str, _optional: bool) -> FieldGetter:
        """Access to a field of a row."""
        return itemgetter(self.headers.index(field))

    def fitting(
        self, chunk: Sequence[Numbered], id_fields: Sequence[str]
    ) -> tuple[list[Numbered], list[InvalidRecordError]]:
        """The rows that fit the header, and the rejections of the others, by their id where it is one field."""
        fitting, odd = [], []
        place = self.headers.index(id_fields[0]) if len(id_fields) == 1 else sys.maxsize
        for row, line in chunk:
            fault = self._fault(row)
            if fault is None:
                fitting.append((row, line))
            else:
                record_id = row[place].strip() if place < len(row) else ""
                odd.append(InvalidRecordError(*fault, f"line {line}", record_id or None))
        return fitting, odd

    def _fault(self, row: Row) -> tuple[Reason, str] | None:
        width = len(self.headers)
        if len(row) < width:
            return Reason.MISSING_FIELD, self.headers[len(row)]
        if len(row) > width and any(row[width:]):
            return Reason.SCHEMA, "row"
        whole = "".join(row)
        if not whole.isascii() and _UNDECODED.search(whole):
            return Reason.BAD_TYPE, "row"
        return None

    def chunks(self) -> Iterator[list[Numbered]]:
        """A thousand rows at a time; empty ones are left out."""
        numbered = ((row, self._reader.line_num) for row in iter(self._next, None) if any(row))
        while chunk := list(itertools.islice(numbered, PAGE_ROWS)):
            yield chunk
