"""Page validation: the one check that every page of every source passes before it is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.passes import Page
from exporter.records import ENTITIES
from exporter.sources.parsing.plausibility import find_implausible

MAX_REJECTED_SHARE = 0.05
"""Above this share of rejected rows the vendor's format has probably changed, and nothing may be published."""

MIN_PAGE_ROWS = 20
"""Smaller pages are judged only as part of their pass."""

MAX_EXAMPLES = 3
"""Rejections of a pass that are kept in words."""


@dataclass(slots=True)
class PageValidator:
    """Validates the pages of one pass and counts their records and rejections, of which it keeps a few examples."""

    entity: str
    records: int = 0
    pages: int = 0
    rejected: Counter[Reason] = field(default_factory=Counter)
    examples: tuple[str, ...] = ()
    _faults: Counter[str] = field(default_factory=Counter)

    def check(self, page: Page, now: datetime) -> Page:
        """The page with implausible records moved to `rejected`.

        Raises SourceRejectedError: SCHEMA for a record of another entity or without an id, TOO_MANY_REJECTED for
        more than 5 % and more than one rejection in a page of at least 20 rows.
        """
        record_class = ENTITIES[self.entity]
        if any(type(record) is not record_class or not record.id for record in page.records):
            raise SourceRejectedError(Reason.SCHEMA, f"a record of {self.entity} has another type or no id")
        implausible = find_implausible(page.records, now)
        if implausible:
            records = tuple(record for index, record in enumerate(page.records) if index not in implausible)
            page = replace(page, records=records, rejected=(*page.rejected, *implausible.values()))
        faults = _count_faults(page.rejected)
        self.pages += 1
        self.records += len(page.records)
        self.rejected.update(error.reason for error in page.rejected)
        self.examples = (*self.examples, *map(str, page.rejected[:MAX_EXAMPLES]))[:MAX_EXAMPLES]
        self._faults += faults
        if len(page.records) + len(page.rejected) >= MIN_PAGE_ROWS:
            _refuse_changed_format(len(page.records), faults)
        return page

    def finish(self) -> None:
        """Applies the same limit to all pages together; raises SourceRejectedError(TOO_MANY_REJECTED)."""
        _refuse_changed_format(self.records, self._faults)


def _count_faults(rejected: Iterable[InvalidRecordError]) -> Counter[str]:
    return Counter(f"{error.field}: {error.reason.value}" for error in rejected)


def _refuse_changed_format(records: int, faults: Counter[str]) -> None:
    rejected = faults.total()
    rows = records + rejected
    if rejected > max(1, MAX_REJECTED_SHARE * rows):
        fault = faults.most_common(1)[0][0]
        raise SourceRejectedError(
            Reason.TOO_MANY_REJECTED,
            f"{rejected} of {rows} rows were rejected, most often {fault}: the format may have changed",
        )
