"""When something last happened, according to the records of a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import attrgetter

from exporter.records import ENTITY_OF, STATUS_STEPS, Record, event_columns
from exporter.sources.parsing.plausibility import MAY_BE_AHEAD


def newest_event(records: Sequence[Record], now: datetime, written_at: datetime) -> datetime | None:
    """The newest instant up to `now` at which something happened; None if the records have no such instant.

    A plan (a due date, an expected close, the agreed end of a contract) is not an event. An instant that may be one
    counts if the record's status says that it has happened, or if it lies before `written_at`: a file does not know
    what happens after it is written.
    """
    if not records:
        return None
    entity = ENTITY_OF[type(records[0])]
    newest: datetime | None = None
    for name in event_columns(entity):
        certain, doubtful = _split(records, entity, name)
        instants = (*_until(certain, name, now), *_until(doubtful, name, min(now, written_at)))
        newest = max(filter(None, (newest, *instants)), default=None)
    return newest


def _split(records: Sequence[Record], entity: str, name: str) -> tuple[Sequence[Record], Sequence[Record]]:
    """The records in which the instant is certainly an event, and those in which it may be a plan."""
    if name not in MAY_BE_AHEAD.get(entity, ()):
        return records, ()
    reached = {status for step in STATUS_STEPS.get(entity, ()) if step.event == name for status in step.reached}
    certain = [record for record in records if getattr(record, "status", None) in reached]
    return certain, [record for record in records if getattr(record, "status", None) not in reached]


def _until(records: Sequence[Record], name: str, limit: datetime) -> Iterator[datetime]:
    return (at for at in map(attrgetter(name), records) if at is not None and at <= limit)
