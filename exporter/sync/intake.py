"""What of a page is taken: records of the right kind that can be true, and not a format that has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.passes import Page
from exporter.records import ENTITIES
from exporter.sources.parsing.plausibility import implausible

REJECTED_SHARE = 0.05
"""A page with more rejected records than this is of another format than the provider knows."""

SMALLEST_PAGE = 20
"""Below so many records a share says nothing."""


@dataclass(slots=True)
class Intake:
    """Counts what a pass brought; raises SourceRejectedError where too much of it is rejected."""

    entity: str
    records: int = 0
    pages: int = 0
    rejected: Counter[Reason] = field(default_factory=Counter)

    def check(self, page: Page, now: datetime) -> Page:
        """The page with only what can be taken; the rest is counted by reason."""
        kind = ENTITIES[self.entity]
        if any(type(record) is not kind or not record.id for record in page.records):
            raise SourceRejectedError(Reason.SCHEMA, f"a record of {self.entity} has another kind or no id")
        faults = implausible(page.records, now)
        if not faults:
            self._count(len(page.records), page.rejected)
            return page
        kept = tuple(record for place, record in enumerate(page.records) if place not in faults)
        refused = (*page.rejected, *faults.values())
        self._count(len(kept), refused)
        return replace(page, records=kept, rejected=refused)

    def conclude(self) -> None:
        """Judges the pass as a whole, whose pages may have been too small to tell."""
        _judge(self.records, self.rejected.total())

    def _count(self, kept: int, refused: Sequence[InvalidRecordError]) -> None:
        self.pages += 1
        self.records += kept
        self.rejected.update(error.reason for error in refused)
        _judge(kept, len(refused))


def _judge(kept: int, refused: int) -> None:
    total = kept + refused
    if total >= SMALLEST_PAGE and refused > REJECTED_SHARE * total:
        raise SourceRejectedError(
            Reason.TOO_MANY_REJECTED, f"{refused} of {total} records cannot be taken: the format may have changed"
        )
