"""What of a post goes to one entity's table, and what its sender and the self-metrics are told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.errors import InvalidRecordError, Reason
from exporter.passes import Listing, Page
from exporter.push.advice import advice
from exporter.push.body import Refused
from exporter.push.push_rows import Batch
from exporter.records import Record
from exporter.store.merge import MergeResult
from exporter.sync.observer import PassReport


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one record: new, updated, unchanged, deleted, or rejected with a reason and what to change."""

    row: int
    id: str | None
    result: str
    reason: Reason | None = None
    field: str = ""
    message: str = ""

    def as_json(self) -> dict[str, Any]:
        """`{"row", "id", "result"}`, and why where it is rejected."""
        said = {"row": self.row, "id": self.id, "result": self.result}
        if self.reason is not None:
            said |= {"reason": self.reason.value, "field": self.field, "message": self.message}
        return said


def refusals(refused: Refused, entity: str | None, entities: tuple[str, ...]) -> Iterator[Receipt]:
    """The receipts of rows that cannot be taken."""
    for row, error in refused.items():
        message = advice(error, entity, entities)
        yield Receipt(row, error.record_id, "rejected", error.reason, error.field, message)


class Share:
    """One entity's share of a post. `page` is what to store: None where not one of its records can be taken.

    Of records with one id the newest counts, and of equally old ones the last.
    """

    def __init__(self, entity: str, batch: Batch, *, complete: bool) -> None:
        self.entity = entity
        self._batch = batch
        self._newest = _newest(batch)
        self.page = self._page(complete=complete) if batch.records or not batch.refused else None

    def _page(self, *, complete: bool) -> Page:
        refused = tuple(self._batch.refused.values())
        certain = all(error.record_id is not None for error in refused)
        records = tuple(record for _, record in self._newest.values())
        return Page(records, refused, listing=Listing() if complete and certain else None)

    def receipts(self, merged: MergeResult, entities: tuple[str, ...]) -> Iterator[Receipt]:
        """One for each record; `merged` is what the store made of the page, `entities` what the source takes."""
        for row, record in self._batch.records:
            counts = self._newest[record.id][0] == row
            yield Receipt(row, record.id, merged.results[record.id] if counts else "unchanged")
        yield from refusals(self._batch.refused, self.entity, entities)

    def vanished(self, merged: MergeResult) -> int | None:
        """How many records a complete list left out, which deleted them; None where it could not be applied."""
        if self.page is None or self.page.listing is None:
            return None
        return merged.deleted - sum(result == "deleted" for result in merged.results.values())

    def report(self, source: str, merged: MergeResult) -> PassReport:
        """The share as a pass: a failed one where nothing could be taken."""
        rejected = Counter(error.reason for error in self._batch.refused.values())
        return PassReport(
            source,
            self.entity,
            full=self.page is not None and self.page.listing is not None,
            success=self.page is not None,
            reason=None if self.page is not None else Reason.TOO_MANY_REJECTED,
            message="" if self.page is not None else _complaint(self._batch.refused),
            new=merged.new,
            updated=merged.updated,
            unchanged=merged.unchanged + len(self._batch.records) - len(self._newest),
            deleted=merged.deleted,
            rejected=dict(rejected),
            records=len(self._batch.records),
            pages=1,
        )


def _newest(batch: Batch) -> Mapping[str, tuple[int, Record]]:
    found: dict[str, tuple[int, Record]] = {}
    for row, record in batch.records:
        other = found.get(record.id)
        if other is None or not _older(record, other[1]):
            found[record.id] = row, record
    return found


def _older(record: Record, other: Record) -> bool:
    return record.updated_at is not None and other.updated_at is not None and record.updated_at < other.updated_at


def _complaint(refused: Mapping[int, InvalidRecordError]) -> str:
    often = Counter(f"{error.field}: {error.reason.value}" for error in refused.values()).most_common(1)[0][0]
    return f"none of {len(refused)} posted records can be taken, most often {often}"
