"""The types that sources return and the store accepts: a pass over one entity, in pages of records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from exporter.errors import InvalidRecordError
from exporter.records import Record


@dataclass(frozen=True, slots=True)
class Pass:
    """A request to read one entity.

    `cursor` comes from the last successful pass and is opaque to the sync; None requests everything, for the first
    pass or a reconcile. `resume` is the token of the last stored page of an interrupted pass. `started_at` is the
    upper bound of the pass, the same for all its resumptions; no cursor may exceed it.
    """

    entity: str
    started_at: datetime
    cursor: str | None = None
    resume: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """States that a pass listed every record whose `column` is at or after `since`, by default every record.

    Stored records of the source in this span that the pass did not contain were deleted at the vendor.
    """

    column: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one response.

    `resume` continues the pass after this page; None means that an interrupted pass starts again. Only the last page
    has a `cursor`, where the next pass starts, and, after a full pass, a `listing` of what it covered. `total` is the
    number of records that the vendor announced for the pass, for progress. `complete_until` of the last page is the
    instant up to which the source itself is complete; None if it is complete up to the start of the pass.
    """

    records: tuple[Record, ...]
    rejected: tuple[InvalidRecordError, ...] = ()
    resume: str | None = None
    cursor: str | None = None
    listing: Listing | None = None
    total: int | None = None
    complete_until: datetime | None = None
