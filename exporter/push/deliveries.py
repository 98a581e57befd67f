"""Stores posts in one transaction each, and writes a receipt for every record."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from types import MappingProxyType
from typing import Any

from exporter.errors import InvalidRecordError, Reason, StoreDamagedError, StoreError
from exporter.naming import RECORD_RESULTS
from exporter.passes import Listing, Page
from exporter.push.body import EntityRecords, Post, RejectedRows
from exporter.push.inbox import ParsedPost, PushInbox
from exporter.records import ColumnKind, Record, column
from exporter.store.merge import MergeResult
from exporter.store.state import Outcome
from exporter.store.store import Store
from exporter.sync.observer import Observer, PassReport
from exporter.sync.source_state import source_state

UNKNOWN_ENTITY = "unknown"
"""The entity label of records whose entity is unknown."""

_HINTS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.MISSING_FIELD: "is required, but is missing or empty",
        Reason.BAD_TYPE: "is an object, a list or invalid text: send text, a number or a boolean",
        Reason.NOT_A_NUMBER: "is not a number: send digits with a decimal point, such as 1234.50",
        Reason.OUT_OF_RANGE: "is too large: the limit is 10^15 for numbers, 31 days for calls and waits",
        Reason.BAD_TIME: "is not a time: send ISO 8601, such as 2026-03-31T18:00:00+02:00, or Unix seconds",
        Reason.FUTURE_TIMESTAMP: "is more than 24 hours in the future",
        Reason.NEGATIVE_DURATION: "is negative, or an end before its start",
        Reason.UNKNOWN_VALUE: "is not one of the accepted values",
        Reason.UNKNOWN_CURRENCY: "is not an ISO 4217 code, such as EUR",
        Reason.DUPLICATE_ID: "belongs to another record of the post too",
    }
)

_LINE_HINTS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.MISSING_FIELD: "the line has fewer cells than the header",
        Reason.SCHEMA: "the line has more cells than the header",
        Reason.BAD_TYPE: "the line is not in UTF-8",
    }
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result for one record: new, updated, unchanged, deleted, or rejected with a reason and a hint."""

    row: int
    id: str | None
    result: str
    reason: Reason | None = None
    field: str = ""
    message: str = ""

    def as_json(self) -> dict[str, Any]:
        """`{"row", "id", "result"}`, and if it is rejected `{"reason", "field", "message"}`."""
        content = {"row": self.row, "id": self.id, "result": self.result}
        if self.reason is not None:
            content |= {"reason": self.reason.value, "field": self.field, "message": self.message}
        return content


@dataclass(frozen=True, slots=True)
class Delivery:
    """The result of a post. `vanished` counts records that a complete list omits; None if no complete list applied."""

    at: datetime
    receipts: tuple[Receipt, ...]
    vanished: int | None = None

    @property
    def accepted(self) -> bool:
        """False if every record was rejected; an empty post is accepted."""
        return not self.receipts or any(receipt.reason is None for receipt in self.receipts)

    def as_json(self) -> dict[str, Any]:
        """`{"at", "new", "updated", "unchanged", "deleted", "rejected", "vanished", "records": [...]}`."""
        counts = Counter(receipt.result for receipt in self.receipts)
        return {
            "at": self.at.isoformat(timespec="milliseconds"),
            **{result: counts[result] for result in RECORD_RESULTS},
            **({} if self.vanished is None else {"vanished": self.vanished}),
            "records": [receipt.as_json() for receipt in self.receipts],
        }


class EntityBatch:
    """One entity's records of a post. `page` is what to store: None if every record is rejected.

    Of several records with one id the newest counts; of equally new ones, the last.
    """

    def __init__(self, entity: str, content: EntityRecords, *, complete: bool) -> None:
        self.entity = entity
        self._content = content
        self._newest: dict[str, tuple[int, Record]] = {}
        for row, record in content.records:
            previous = self._newest.get(record.id)
            if previous is None or not _is_older(record, previous[1]):
                self._newest[record.id] = row, record
        self.page: Page | None = None
        if content.records or not content.rejected:
            rejected = tuple(content.rejected.values())
            ids_known = all(error.record_id is not None for error in rejected)
            records = tuple(record for _, record in self._newest.values())
            self.page = Page(records, rejected, listing=Listing() if complete and ids_known else None)

    def receipts(self, merged: MergeResult, entities: tuple[str, ...]) -> Iterator[Receipt]:
        """A receipt for each record; `merged` is the result of storing the page, `entities` those of the inbox."""
        for row, record in self._content.records:
            stored = self._newest[record.id][0] == row
            yield Receipt(row, record.id, merged.results[record.id] if stored else "unchanged")
        yield from rejections(self._content.rejected, self.entity, entities)

    def vanished(self, merged: MergeResult) -> int | None:
        """The number of records deleted because a complete list omits them; None if no complete list applied."""
        if self.page is None or self.page.listing is None:
            return None
        return merged.deleted - sum(result == "deleted" for result in merged.results.values())

    def report(self, source: str, merged: MergeResult) -> PassReport:
        """The batch as a pass, which failed if every record is rejected."""
        rejected, success = self._content.rejected, self.page is not None
        message = ""
        if not success:
            causes = Counter(f"{error.field}: {error.reason.value}" for error in rejected.values())
            message = f"all {len(rejected)} posted records are rejected, most often {causes.most_common(1)[0][0]}"
        return PassReport(
            source,
            self.entity,
            full=self.page is not None and self.page.listing is not None,
            success=success,
            reason=None if success else Reason.TOO_MANY_REJECTED,
            message=message,
            new=merged.new,
            updated=merged.updated,
            unchanged=merged.unchanged + len(self._content.records) - len(self._newest),
            deleted=merged.deleted,
            rejected=dict(Counter(error.reason for error in rejected.values())),
            records=len(self._content.records),
            pages=1,
        )


class Deliveries:
    """Takes posts for the inboxes of one config, from `start` to `stop`. Thread-safe; it stores one post at a time."""

    def __init__(
        self, inboxes: Sequence[PushInbox], store: Store, observer: Observer, clock: Callable[[], datetime]
    ) -> None:
        self.inboxes: Mapping[str, PushInbox] = MappingProxyType({inbox.name: inbox for inbox in inboxes})
        self._store = store
        self._observer = observer
        self._clock = clock
        self._lock = Lock()
        self._started = False
        self._successes: dict[tuple[str, str, int], bool] = {}

    @property
    def available(self) -> bool:
        """False if a post cannot be stored now: the store is not writable, or the config is being replaced."""
        return self._started and self._store.up

    def start(self) -> tuple[Outcome, ...]:
        """Starts taking posts and returns the outcomes of earlier ones, as far as the store can be read."""
        with self._lock:
            self._started = True
            return tuple(outcome for inbox in self.inboxes.values() for outcome in self._report_state(inbox))

    def stop(self) -> None:
        """Returns once the current post is stored; later posts raise StoreError."""
        with self._lock:
            self._started = False

    def deliver(self, inbox: PushInbox, post: Post) -> Delivery:
        """Stores the valid records of a post; when it returns, they survive any kill.

        Raises PostError if the body cannot be read, StoreError if nothing was stored and a retry may succeed.
        """
        began, now = time.perf_counter(), self._clock()
        parsed = inbox.parse(post, now)
        batches = [EntityBatch(entity, content, complete=post.complete) for entity, content in parsed.entities.items()]
        with self._lock:
            merged = self._store_batches(inbox.name, batches, now)
            self._report(inbox, parsed, batches, merged, time.perf_counter() - began)
        receipts = [receipt for batch in batches for receipt in batch.receipts(merged[batch.entity], inbox.entities)]
        receipts += rejections(parsed.unassigned, None, inbox.entities)
        vanished = [count for batch in batches if (count := batch.vanished(merged[batch.entity])) is not None]
        ordered = sorted(receipts, key=lambda receipt: receipt.row)
        return Delivery(now, tuple(ordered), sum(vanished) if vanished else None)

    def _store_batches(self, source: str, batches: Iterable[EntityBatch], now: datetime) -> Mapping[str, MergeResult]:
        if not self._started:
            raise StoreError("posts are rejected while the config is replaced")
        pages = {batch.entity: batch.page for batch in batches if batch.page is not None}
        rejected = [batch.entity for batch in batches if batch.page is None]
        try:
            merged = self._store.deliver(source, pages, now) if pages else {}
            for entity in rejected:
                self._store.fail(source, entity, Reason.TOO_MANY_REJECTED, now)
        except StoreError as error:
            self._observer.store_failed("deliver", "damaged" if isinstance(error, StoreDamagedError) else "error")
            raise
        return {**merged, **dict.fromkeys(rejected, MergeResult())}

    def _report(
        self,
        inbox: PushInbox,
        parsed: ParsedPost,
        batches: Iterable[EntityBatch],
        merged: Mapping[str, MergeResult],
        seconds: float,
    ) -> None:
        """Reports each batch, and the source's state, which costs a query, only if it may have changed."""
        reports = [batch.report(inbox.name, merged[batch.entity]) for batch in batches]
        if parsed.unassigned:
            reasons = Counter(error.reason for error in parsed.unassigned.values())
            reports.append(PassReport(inbox.name, UNKNOWN_ENTITY, full=False, rejected=dict(reasons)))
        previous = dict(self._successes)
        for report in reports:
            self._observer.finished(replace(report, seconds=seconds))
            if report.success:
                self._observer.published(inbox.name, report.entity)
            self._successes[inbox.name, report.entity, self._store.rebuilds] = report.success
        if self._successes != previous:
            self._report_state(inbox)

    def _report_state(self, inbox: PushInbox) -> list[Outcome]:
        try:
            outcomes = [outcome for outcome in self._store.outcomes() if outcome.source == inbox.name]
        except StoreError as error:
            _log.warning("the source's state cannot be read: %s", error, extra={"source": inbox.name})
            return []
        self._observer.state_changed(inbox.name, source_state(inbox.entities, outcomes))
        return outcomes


def rejections(rejected: RejectedRows, entity: str | None, entities: tuple[str, ...]) -> Iterator[Receipt]:
    """The receipts of rejected rows."""
    for row, error in rejected.items():
        yield Receipt(row, error.record_id, "rejected", error.reason, error.field, hint(error, entity, entities))


def hint(error: InvalidRecordError, entity: str | None, entities: tuple[str, ...]) -> str:
    """A sentence that tells the sender how to fix the field, without quoting it; `entities` are those of the inbox."""
    if error.field == "record":
        return "a record must be an object of text, numbers and booleans, in UTF-8"
    if error.field == "entity":
        return f"entity must be one of {', '.join(entities)}: send it with the record, or post to /push/SOURCE/ENTITY"
    if error.field == "line":
        return _LINE_HINTS[error.reason]
    definition = column(entity, error.field) if entity else None
    if error.field == "deleted" or (definition and definition.kind is ColumnKind.FLAG):
        return f"{error.field} must be true or false"
    if error.reason is Reason.UNKNOWN_VALUE and definition and definition.choices:
        return f"{error.field} must be one of {', '.join(definition.choices)}"
    return f"{error.field} {_HINTS.get(error.reason, 'is not valid')}"


def _is_older(record: Record, other: Record) -> bool:
    return record.updated_at is not None and other.updated_at is not None and record.updated_at < other.updated_at
