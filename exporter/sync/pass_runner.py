"""Runs one pass over one entity: read, validate, stage, publish. Every failure ends up in the pass's report."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
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

STALL_TIMEOUT = 900.0
"""Seconds without a page after which a pass fails."""

MAX_RESUME_FAILURES = 10
"""A pass that fails to resume from the same page this often starts again: its token may be the reason."""

_RESPONDED = frozenset({Reason.SERVER_ERROR, Reason.PROTOCOL})

StoreArguments = ParamSpec("StoreArguments")
StoreResult = TypeVar("StoreResult")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PassRequest:
    """A pass to run. A full one pauses after `pause_after` seconds, at the next page that it can resume from."""

    source: Source
    entity: str
    full: bool = False
    fingerprint: str = ""
    pause_after: float | None = None


@dataclass(frozen=True, slots=True)
class _ReadResult:
    last_page: Page | None
    paused: bool = False


class PassRunner:
    """Runs passes. Only cancellation raises; pages staged by then stay for the next pass."""

    def __init__(
        self,
        store: Store,
        thread: StoreThread,
        observer: Observer,
        clock: Callable[[], datetime],
        stall_timeout: float = STALL_TIMEOUT,
    ) -> None:
        self._store = store
        self._thread = thread
        self._observer = observer
        self._clock = clock
        self._stall_timeout = stall_timeout
        self._resume_failures: Counter[tuple[str, str]] = Counter()

    async def run(self, request: PassRequest) -> PassReport:
        """Runs the pass and reports its result."""
        began = _now()
        name, entity = request.source.name, request.entity
        validator = PageValidator(entity)
        report = PassReport(name, entity, request.full)
        sync_pass: Pass | None = None
        try:
            sync_pass = await self._stored(
                "begin",
                self._store.begin,
                name,
                entity,
                self._clock(),
                full=request.full,
                fingerprint=request.fingerprint,
            )
            report = replace(report, full=sync_pass.cursor is None)
            result = await self._read(request, sync_pass, validator)
            if result.paused:
                report = replace(report, paused=True)
            else:
                report = await self._publish(request, sync_pass, result.last_page, report, began)
        except Exception as error:  # noqa: BLE001 - the edge of a pass: nothing may stop the other sources
            report = _failed(report, error)
            unusable = sync_pass is not None and self._is_unusable(error, sync_pass, validator)
            await self._record_failure(report, sync_pass if unusable else None)
        report = replace(
            report,
            records=validator.records,
            pages=validator.pages,
            rejected=dict(validator.rejected),
            examples=validator.examples,
            seconds=_now() - began,
        )
        self._observer.finished(report)
        if report.success:
            self._observer.published(name, entity)
        return report

    async def skip(self, failure: PassReport, entity: str) -> PassReport:
        """Reports a pass that is not attempted, because the source has just failed as a whole."""
        report = PassReport(
            failure.source,
            entity,
            full=False,
            reason=failure.reason,
            message="skipped: the source failed before",
            retry_after=failure.retry_after,
        )
        await self._record_failure(report, None)
        self._observer.finished(report)
        return report

    async def _read(self, request: PassRequest, sync_pass: Pass, validator: PageValidator) -> _ReadResult:
        source, full = request.source, sync_pass.cursor is None

        async def stage(page: Page) -> None:
            await self._stored("stage", self._store.stage, sync_pass, source.name, page)

        writer = PageWriter(stage)
        began = _now()
        last: Page | None = None
        pages = source.read(sync_pass)
        try:
            async with asyncio.timeout(self._stall_timeout) as deadline:
                async for page in pages:
                    deadline.reschedule(_now() + self._stall_timeout)
                    last = validator.check(page, self._clock())
                    if last.records or last.rejected or last.resume is not None:
                        await writer.add(last)
                    seconds = _now() - began
                    counts = validator.pages, validator.records
                    self._observer.progressed(Progress(source.name, request.entity, full, *counts, seconds, last.total))
                    must_pause = full and request.pause_after is not None and seconds >= request.pause_after
                    if must_pause and last.resume is not None:
                        validator.finish()
                        await writer.flush()
                        return _ReadResult(last, paused=True)
            validator.finish()
            await writer.flush()
            return _ReadResult(last)
        except (SourceUnavailableError, TimeoutError):
            validator.finish()
            await writer.flush()
            raise
        finally:
            await writer.settle()
            await _close(pages)

    async def _publish(
        self, request: PassRequest, sync_pass: Pass, last_page: Page | None, report: PassReport, began: float
    ) -> PassReport:
        merged: MergeResult = await self._stored(
            "publish",
            self._store.publish,
            request.source.name,
            sync_pass.entity,
            full=sync_pass.cursor is None,
            cursor=last_page.cursor if last_page else None,
            listing=last_page.listing if last_page else None,
            at=self._clock(),
            lag=request.source.lag,
            complete_until=last_page.complete_until if last_page else None,
            seconds=_now() - began,
        )
        return replace(
            report,
            success=True,
            new=merged.new,
            updated=merged.updated,
            unchanged=merged.unchanged,
            deleted=merged.deleted,
        )

    async def _record_failure(self, report: PassReport, abandon: Pass | None) -> None:
        """Records the failure in the store, if the store is writable."""
        now = self._clock()
        retry_at = None if report.retry_after is None else now + timedelta(seconds=report.retry_after)
        reason = report.reason or Reason.INTERNAL
        with suppress(StoreError):
            await self._stored(
                "fail", self._store.fail, report.source, report.entity, reason, now, retry_at=retry_at, abandon=abandon
            )

    async def _stored(
        self,
        operation: str,
        function: Callable[StoreArguments, StoreResult],
        *args: StoreArguments.args,
        **kwargs: StoreArguments.kwargs,
    ) -> StoreResult:
        try:
            return await self._thread.call(function, *args, **kwargs)
        except StoreError as error:
            self._observer.store_failed(operation, "damaged" if isinstance(error, StoreDamagedError) else "error")
            raise

    def _is_unusable(self, error: Exception, sync_pass: Pass, validator: PageValidator) -> bool:
        """True if the next pass must not build on the staged pages."""
        if isinstance(error, StoreError):
            return self._store.up  # the content could not be stored, and the disk is fine
        if not isinstance(error, SourceUnavailableError | TimeoutError):
            return True
        key = (sync_pass.entity, str(sync_pass.resume))
        responded = isinstance(error, SourceError) and error.reason in _RESPONDED
        if validator.pages or sync_pass.resume is None or not responded:
            self._resume_failures.pop(key, None)
            return False
        self._resume_failures[key] += 1
        return self._resume_failures[key] >= MAX_RESUME_FAILURES


async def _close(pages: object) -> None:
    """Ends a read. An error in doing so is logged only, because it would replace a cancellation, which must go on."""
    try:
        await getattr(pages, "aclose", _nothing)()
    except Exception:
        log.exception("a source did not end a read")


async def _nothing() -> None:
    """Closes an iterator that has nothing to close."""


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


def _now() -> float:
    return asyncio.get_running_loop().time()
