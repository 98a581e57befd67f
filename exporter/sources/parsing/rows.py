"""Turns a vendor's rows into records and rejections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.records import Record
from exporter.sources.parsing import convert

MAX_REJECTED = 10_000
"""Rejected rows of one page; the limit bounds the memory that a hostile response costs."""

ParseRow = Callable[[Any], Record | None]

RowLabel = Callable[[int], str]
"""Names a row in its rejection, by its number within the page (from 1)."""


@dataclass(frozen=True, slots=True)
class ParsedRows:
    """The records and the rejections of a page's rows."""

    records: tuple[Record, ...]
    rejected: tuple[InvalidRecordError, ...] = ()


def parse_rows(rows: Iterable[Any], parse_row: ParseRow, label: RowLabel = "row {}".format) -> ParsedRows:
    """The records of the rows; a row for which `parse_row` returns None is skipped.

    Raises SourceRejectedError(TOO_MANY_REJECTED) above `MAX_REJECTED` rejections.
    """
    records: list[Record] = []
    rejected: list[InvalidRecordError] = []
    for number, row in enumerate(rows, 1):
        try:
            record = parse_row(row)
            if record is not None:
                records.append(record)
        except InvalidRecordError as error:
            rejected.append(InvalidRecordError(error.reason, error.field, label(number), _id_of(row)))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            # the row's structure differs from the vendor's documentation
            reason = Reason.MISSING_FIELD if isinstance(error, KeyError) else Reason.BAD_TYPE
            rejected.append(InvalidRecordError(reason, "record", label(number), _id_of(row)))
        limit_rejected(len(rejected))
    return ParsedRows(tuple(records), tuple(rejected))


def limit_rejected(count: int) -> None:
    """Raises SourceRejectedError(TOO_MANY_REJECTED) if a page has more than `MAX_REJECTED` rejections."""
    if count > MAX_REJECTED:
        raise SourceRejectedError(Reason.TOO_MANY_REJECTED, f"more than {MAX_REJECTED} rows of one page were rejected")


def _id_of(row: Any) -> str | None:
    """The row's `id`, so that a record that is rejected now is not treated as deleted."""
    row_id = row.get("id") if isinstance(row, Mapping) else None
    try:
        return convert.identifier(row_id)
    except InvalidRecordError:
        return None
