"""Posts to sources that are not read: taken apart, kept in one commit, and answered record by record."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from types import MappingProxyType
from typing import Any

from exporter.errors import Reason, StoreDamagedError, StoreError
from exporter.naming import RECORD_RESULTS
from exporter.push.body import Post
from exporter.push.receipts import Receipt, Share, refusals
from exporter.push.source import PushSource
from exporter.store.merge import MergeResult
from exporter.store.state import Outcome
from exporter.store.store import Store
from exporter.sync.observer import Observer, PassReport
from exporter.sync.source_state import source_state

UNKNOWN = "unknown"
"""Stands for the entity of records that do not say what they are."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a post. `vanished` counts records that a complete list left out, None where none was applied."""

    at: datetime
    receipts: tuple[Receipt, ...]
    vanished: int | None = None

    @property
    def taken(self) -> bool:
        """False where there were records and none of them was taken."""
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


class Deliveries:
    """Takes posts for one config's pushed sources, from `start` to `stop`. From any thread; one is kept at a time."""

    def __init__(
        self, sources: Sequence[PushSource], store: Store, observer: Observer, clock: Callable[[], datetime]
    ) -> None:
        self.sources: Mapping[str, PushSource] = MappingProxyType({source.name: source for source in sources})
        self._store = store
        self._observer = observer
        self._clock = clock
        self._turn = Lock()
        self._started = False
        self._told: dict[tuple[str, str, int], bool] = {}

    @property
    def able(self) -> bool:
        """False where a post would be in vain: the store cannot be written, or the config is being changed."""
        return self._started and self._store.up

    def start(self) -> tuple[Outcome, ...]:
        """Begins to take posts; gives how the last ones went, as far as the store can tell."""
        with self._turn:
            self._started = True
            return tuple(outcome for source in self.sources.values() for outcome in self._show(source))

    def stop(self) -> None:
        """Returns when the post that is being written is kept; later ones are put off."""
        with self._turn:
            self._started = False

    def deliver(self, source: PushSource, post: Post) -> Delivery:
        """Keeps what can be taken of a post; once this returns, no kill can undo it.

        Raises PostError where the body cannot be read, StoreError where nothing was kept and a later try may work.
        """
        began, now = time.perf_counter(), self._clock()
        posted = source.take(post, now)
        shares = [Share(entity, batch, complete=post.complete) for entity, batch in posted.batches.items()]
        with self._turn:
            merged = self._write(source.name, shares, now)
            reports = [share.report(source.name, merged[share.entity]) for share in shares]
            if posted.strays:
                strays = Counter(error.reason for error in posted.strays.values())
                reports.append(PassReport(source.name, UNKNOWN, full=False, rejected=dict(strays)))
            self._tell(source, reports, time.perf_counter() - began)
        receipts = [one for share in shares for one in share.receipts(merged[share.entity], source.entities)]
        receipts += refusals(posted.strays, None, source.entities)
        listed = [gone for share in shares if (gone := share.vanished(merged[share.entity])) is not None]
        ordered = sorted(receipts, key=lambda receipt: receipt.row)
        return Delivery(now, tuple(ordered), sum(listed) if listed else None)

    def _write(self, source: str, shares: Iterable[Share], now: datetime) -> Mapping[str, MergeResult]:
        if not self._started:
            raise StoreError("nothing is taken while the config changes")
        pages = {share.entity: share.page for share in shares if share.page is not None}
        spoilt = [share.entity for share in shares if share.page is None]
        try:
            merged = self._store.deliver(source, pages, now) if pages else {}
            for entity in spoilt:
                self._store.fail(source, entity, Reason.TOO_MANY_REJECTED, now)
        except StoreError as error:
            self._observer.store_failed("deliver", "damaged" if isinstance(error, StoreDamagedError) else "error")
            raise
        return {**merged, **dict.fromkeys(spoilt, MergeResult())}

    def _tell(self, source: PushSource, reports: Iterable[PassReport], seconds: float) -> None:
        """Tells of each share; of the source's state, which is asked of the store, only where it may be another."""
        told = dict(self._told)
        for report in reports:
            self._observer.finished(replace(report, seconds=seconds))
            if report.success:
                self._observer.published(source.name, report.entity)
            self._told[source.name, report.entity, self._store.rebuilds] = report.success
        if self._told != told:
            self._show(source)

    def _show(self, source: PushSource) -> list[Outcome]:
        try:
            known = [outcome for outcome in self._store.outcomes() if outcome.source == source.name]
        except StoreError as error:
            _log.warning("its state is not known: %s", error, extra={"source": source.name})
            return []
        self._observer.state_changed(source.name, source_state(source.entities, known))
        return known
