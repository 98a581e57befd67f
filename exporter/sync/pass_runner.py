"""One pass of one entity: read, check, stage, publish; whatever goes wrong stays inside its report."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from exporter.errors import (
    RateLimitedError,
    Reason,
    SourceError,
    SourceUnavailableError,
    StoreDamagedError,
    StoreError,
)
from exporter.passes import Page, Pass
from exporter.sources.base import Source
from exporter.store.merge import MergeResult
from exporter.store.store import Store
from exporter.sync.observer import Observer, PassReport, Progress
from exporter.sync.page_validation import PageValidator
from exporter.sync.page_writer import PageWriter, StoreThread

STALLED = 900.0
"""Seconds without a page after which a pass is given up."""

STUCK = 10
"""A pass that so often could not go on from the same page starts again: its token may be the reason."""

_ANSWERED = frozenset({Reason.SERVER_ERROR, Reason.PROTOCOL})

P = ParamSpec("P")
Result = TypeVar("Result")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PassRequest:
    """A pass to make. A full one that can wait makes way after `pause_after` seconds, at a page it can resume."""

    source: Source
    entity: str
    full: bool = False
    fingerprint: str = ""
    pause_after: float | None = None


@dataclass(frozen=True, slots=True)
class _Ending:
    last: Page | None
    paused: bool = False


class PassRunner:
    """Makes passes. Only cancelling it raises; what had been written by then stays for the next pass."""

    def __init__(
        self,
        store: Store,
        thread: StoreThread,
        observer: Observer,
        clock: Callable[[], datetime],
        stalled: float = STALLED,
    ) -> None:
        self._store = store
        self._thread = thread
        self._observer = observer
        self._clock = clock
        self._stalled = stalled
        self._stuck: Counter[tuple[str, str]] = Counter()

    async def run(self, errand: PassRequest) -> PassReport:
        """Makes the pass and says how it ended."""
        began = _now()
        name, entity = errand.source.name, errand.entity
        intake = PageValidator(entity)
        report = PassReport(name, entity, errand.full)
        sync_pass: Pass | None = None
        try:
            sync_pass = await self._stored(
                "begin",
                self._store.begin,
                name,
                entity,
                self._clock(),
                full=errand.full,
                fingerprint=errand.fingerprint,
            )
            report = replace(report, full=sync_pass.cursor is None)
            ending = await self._read(errand, sync_pass, intake)
            if ending.paused:
                report = replace(report, paused=True)
            else:
                merged = await self._publish(errand, sync_pass, ending.last, _now() - began)
                report = _published(report, merged)
        except Exception as error:  # noqa: BLE001 - the edge of a pass: nothing may stop the other sources
            report = _failed(report, error)
            await self._note(report, sync_pass if self._is_spoilt(error, sync_pass, intake) else None)
        report = replace(
            report, records=intake.records, pages=intake.pages, rejected=dict(intake.rejected), seconds=_now() - began
        )
        self._observer.finished(report)
        if report.success:
            self._observer.published(name, entity)
        return report

    async def refuse(self, failed: PassReport, entity: str) -> PassReport:
        """The report of a pass that is not even tried, because the source just failed as a whole."""
        report = PassReport(
            failed.source,
            entity,
            full=False,
            reason=failed.reason,
            message="not tried: the source failed before",
            retry_after=failed.retry_after,
        )
        await self._note(report, None)
        self._observer.finished(report)
        return report

    async def _read(self, errand: PassRequest, sync_pass: Pass, intake: PageValidator) -> _Ending:
        writer = PageWriter(lambda page: self._stage(sync_pass, errand.source.name, page))
        began = _now()
        last: Page | None = None
        pages = errand.source.read(sync_pass)
        try:
            async with asyncio.timeout(self._stalled) as deadline:
                async for found in pages:
                    deadline.reschedule(_now() + self._stalled)
                    last = intake.check(found, self._clock())
                    if last.records or last.rejected or last.resume is not None:
                        await writer.add(last)
                    self._progress(errand, sync_pass, intake, last, _now() - began)
                    if _makes_way(errand, sync_pass, last, _now() - began):
                        intake.finish()
                        await writer.flush()
                        return _Ending(last, paused=True)
            intake.finish()
            await writer.flush()
            return _Ending(last)
        except (SourceUnavailableError, TimeoutError):
            intake.finish()
            await writer.flush()
            raise
        finally:
            await writer.settle()
            await _close(pages)

    async def _stage(self, sync_pass: Pass, source: str, page: Page) -> None:
        await self._stored("stage", self._store.stage, sync_pass, source, page)

    async def _publish(self, errand: PassRequest, sync_pass: Pass, last: Page | None, seconds: float) -> MergeResult:
        return await self._stored(
            "publish",
            self._store.publish,
            errand.source.name,
            sync_pass.entity,
            full=sync_pass.cursor is None,
            cursor=last.cursor if last else None,
            listing=last.listing if last else None,
            at=self._clock(),
            lag=errand.source.lag,
            seconds=seconds,
        )

    async def _note(self, report: PassReport, abandon: Pass | None) -> None:
        """Keeps the failure, where the store is able to."""
        now = self._clock()
        retry_at = None if report.retry_after is None else now + timedelta(seconds=report.retry_after)
        reason = report.reason or Reason.INTERNAL
        with suppress(StoreError):
            await self._stored(
                "fail", self._store.fail, report.source, report.entity, reason, now, retry_at=retry_at, abandon=abandon
            )

    async def _stored(self, operation: str, function: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        try:
            return await self._thread.call(function, *args, **kwargs)
        except StoreError as error:
            self._observer.store_failed(operation, "damaged" if isinstance(error, StoreDamagedError) else "error")
            raise

    def _progress(
        self, errand: PassRequest, sync_pass: Pass, intake: PageValidator, page: Page, seconds: float
    ) -> None:
        full = sync_pass.cursor is None
        self._observer.progressed(
            Progress(errand.source.name, errand.entity, full, intake.pages, intake.records, seconds, page.total)
        )

    def _is_spoilt(self, error: Exception, sync_pass: Pass | None, intake: PageValidator) -> bool:
        """True where what was staged must not be built upon."""
        if sync_pass is None:
            return False
        if isinstance(error, StoreError):
            return self._store.up  # not the disk but the content could not be stored
        if not isinstance(error, SourceUnavailableError | TimeoutError):
            return True
        key = (sync_pass.entity, str(sync_pass.resume))
        answered = isinstance(error, SourceError) and error.reason in _ANSWERED
        if intake.pages or sync_pass.resume is None or not answered:
            self._stuck.pop(key, None)
            return False
        self._stuck[key] += 1
        return self._stuck[key] >= STUCK


def _failed(report: PassReport, error: Exception) -> PassReport:
    if isinstance(error, SourceError):
        wait = error.retry_after if isinstance(error, RateLimitedError) else None
        return replace(report, reason=error.reason, message=str(error), retry_after=wait)
    if isinstance(error, StoreError):
        return replace(report, reason=Reason.STORE, message=str(error))
    if isinstance(error, TimeoutError):
        return replace(report, reason=Reason.TIMEOUT, message="the pass made no progress")
    log.error("a pass failed unexpectedly", exc_info=error, extra={"source": report.source, "entity": report.entity})
    return replace(report, reason=Reason.INTERNAL, message=f"unexpected {type(error).__name__}")


def _published(report: PassReport, merged: MergeResult) -> PassReport:
    return replace(
        report,
        success=True,
        new=merged.new,
        updated=merged.updated,
        unchanged=merged.unchanged,
        deleted=merged.deleted,
    )


def _makes_way(errand: PassRequest, sync_pass: Pass, page: Page, seconds: float) -> bool:
    due = errand.pause_after is not None and sync_pass.cursor is None and seconds >= errand.pause_after
    return due and page.resume is not None


async def _close(pages: AsyncIterator[Page]) -> None:
    close = getattr(pages, "aclose", None)
    if close is not None:
        await close()


def _now() -> float:
    return asyncio.get_running_loop().time()
