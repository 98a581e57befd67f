"""The rows of a CSV file below its header line, and those that do not fit it."""

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
"""Error handler of the decoder that keeps invalid bytes recognizable in their row."""

CsvRow = list[str]
CsvLine = tuple[CsvRow, int]
"""A row and the line of the file on which it ends."""

_UNDECODED = re.compile("[\udc80-\udcff]")


class CsvTable:
    """The rows below a header line."""

    def __init__(self, name: str, reader: Reader) -> None:
        self._name = name
        self._reader = reader
        first = self._next()
        if first is None:
            raise self._error("is empty: not even a header line")
        self.headers = [header.removeprefix("\ufeff").strip() for header in first]

    def _next(self) -> CsvRow | None:
        try:
            return next(self._reader, None)
        except csv.Error:
            raise self._error(f"is not readable from line {self._reader.line_num} on: is a quote open?") from None
        except UnicodeError:
            raise self._error("is not in its encoding: set encoding, such as cp1252") from None

    def _error(self, problem: str) -> SourceRejectedError:
        return SourceRejectedError(Reason.SCHEMA, f"{self._name} {problem}")

    def require(self, fields: Sequence[str]) -> None:
        """Raises SourceRejectedError(SCHEMA) with the headers that are missing or not unique, and those that exist."""
        unique = dict.fromkeys(fields)
        missing = [field for field in unique if field not in self.headers]
        repeated = [field for field in unique if self.headers.count(field) > 1]
        if missing:
            headers = ", ".join(header[:64] for header in self.headers[:50])
            raise self._error(f"has no header {', '.join(missing)}; it has: {headers}")
        if repeated:
            raise self._error(f"has the header {', '.join(repeated)} more than once")

    def getter(self, field: str, _optional: bool) -> FieldGetter:
        """Access to a field of a row."""
        return itemgetter(self.headers.index(field))

    def split(
        self, chunk: Sequence[CsvLine], id_fields: Sequence[str]
    ) -> tuple[list[CsvLine], list[InvalidRecordError]]:
        """The rows that fit the header, and the rejections of the others, with their id if it is a single field."""
        fitting: list[CsvLine] = []
        rejected: list[InvalidRecordError] = []
        index = self.headers.index(id_fields[0]) if len(id_fields) == 1 else sys.maxsize
        for row, line in chunk:
            fault = self._fault(row)
            if fault is None:
                fitting.append((row, line))
            else:
                record_id = row[index].strip() if index < len(row) else ""
                rejected.append(InvalidRecordError(*fault, f"line {line}", record_id or None))
        return fitting, rejected

    def _fault(self, row: CsvRow) -> tuple[Reason, str] | None:
        width = len(self.headers)
        if len(row) < width:
            return Reason.MISSING_FIELD, self.headers[len(row)]
        if len(row) > width and any(row[width:]):
            return Reason.SCHEMA, "row"
        text = "".join(row)
        if not text.isascii() and _UNDECODED.search(text):
            return Reason.BAD_TYPE, "row"
        return None

    def chunks(self) -> Iterator[list[CsvLine]]:
        """A thousand rows at a time, without empty ones."""
        numbered = ((row, self._reader.line_num) for row in iter(self._next, None) if any(row))
        while chunk := list(itertools.islice(numbered, PAGE_ROWS)):
            yield chunk
