"""What a sender should change about a record that cannot be taken."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from exporter.errors import InvalidRecordError, Reason
from exporter.records import Kind, column

_ADVICE: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.MISSING_FIELD: "is missing or empty, and is needed",
        Reason.BAD_TYPE: "holds an object, a list or broken text: send text, a number or a flag",
        Reason.NOT_A_NUMBER: "is not a number: send digits with a decimal point, such as 1234.50",
        Reason.OUT_OF_RANGE: "is too large: numbers go up to 10^15, calls and waits up to 31 days",
        Reason.BAD_TIME: "is not a time: send ISO 8601, such as 2026-03-31T18:00:00+02:00, or Unix seconds",
        Reason.FUTURE_TIMESTAMP: "lies more than 24 hours ahead",
        Reason.NEGATIVE_DURATION: "is negative, or an end before its beginning",
        Reason.UNKNOWN_VALUE: "is not a value that is known",
        Reason.UNKNOWN_CURRENCY: "is not an ISO 4217 code, such as EUR",
    }
)

_OF_LINES: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.MISSING_FIELD: "the line has fewer cells than the header",
        Reason.SCHEMA: "the line has more cells than the header",
        Reason.BAD_TYPE: "the line is not in UTF-8",
    }
)


def advice(error: InvalidRecordError, entity: str | None, entities: tuple[str, ...]) -> str:
    """A sentence about the field, free of what was sent. `entities` are those that the source takes."""
    if error.field == "record":
        return "a record is an object of text, numbers and flags, in UTF-8"
    if error.field == "entity":
        return f"entity is one of {', '.join(entities)}: send it with the record, or post to /push/SOURCE/ENTITY"
    if error.field == "line":
        return _OF_LINES[error.reason]
    ours = column(entity, error.field) if entity else None
    if error.field == "deleted" or (ours and ours.kind is Kind.FLAG):
        return f"{error.field} is true or false"
    if error.reason is Reason.UNKNOWN_VALUE and ours and ours.choices:
        return f"{error.field} is one of {', '.join(ours.choices)}"
    return f"{error.field} {_ADVICE.get(error.reason, 'cannot be taken')}"
