"""Rows of one file that claim the same id."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Record
from exporter.sources.parsing.rows import ParsedRows


class UniqueIds:
    """Keeps the first row of each id of a file, and rejects the others.

    Nobody can know which of them is right. To add them up would count money twice, and to replace one by the other
    would lose one without a trace. It remembers the line of every id, about 150 bytes each.
    """

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}

    def check(self, records: Sequence[Record], lines: Sequence[int]) -> ParsedRows:
        """The records of the next rows, in order, with the line of each; a repeated id is rejected with both lines."""
        ids = {record.id: line for record, line in zip(records, lines, strict=True)}
        if len(ids) == len(records) and self._lines.keys().isdisjoint(ids):
            self._lines |= ids
            return ParsedRows(tuple(records))
        unique, rejected = [], []
        for record, line in zip(records, lines, strict=True):
            first = self._lines.setdefault(record.id, line)
            if first == line:
                unique.append(record)
            else:
                rejected.append(_repeated(first, line))
        return ParsedRows(tuple(unique), tuple(rejected))


def _repeated(first: int, line: int) -> InvalidRecordError:
    # without the id, which would say that the record itself is missing
    return InvalidRecordError(Reason.DUPLICATE_ID, "id", f"line {line}, whose id is already on line {first}")
