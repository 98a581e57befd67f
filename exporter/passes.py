"""What sources give and the store takes: a pass over one entity, as pages of records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from exporter.errors import InvalidRecordError
from exporter.records import Record


@dataclass(frozen=True, slots=True)
class Pass:
    """One reading of one entity, as the sync asks for it.

    `cursor` is what the last completed pass left (opaque to the sync); None asks for everything: the first
    pass, or a reconcile. `resume` is the token of the last stored page of a pass that was interrupted.
    `started_at` is the upper bound of the pass, the same over all its resumptions; no cursor may pass it.
    """

    entity: str
    started_at: datetime
    cursor: str | None = None
    resume: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Says that a pass listed every record whose `column` is at or after `since` (all records, by default).

    Records of the source in that span which the pass did not bring were deleted at the vendor.
    """

    column: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one answer.

    `resume` continues the pass after this page (None: an interrupted pass starts again). On the last page,
    and only there, `cursor` is where the next pass starts and `listing`, where the pass was a full one,
    says what it covered. `total` is the number of records the vendor promised for the pass, for progress.
    """

    records: tuple[Record, ...]
    rejected: tuple[InvalidRecordError, ...] = ()
    resume: str | None = None
    cursor: str | None = None
    listing: Listing | None = None
    total: int | None = None
