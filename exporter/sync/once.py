"""One pass over every source: `sync --once`, and what `values` needs before it can answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from exporter.sources.access_check import SOURCE_WIDE
from exporter.store.store import Store
from exporter.sync.observer import Observer, PassReport
from exporter.sync.page_writer import StoreThread
from exporter.sync.pass_runner import PassRequest, PassRunner
from exporter.sync.schedule import Job

PATIENCE = 120.0
"""Seconds that a source may ask to be left alone, in all, before its pass counts as failed."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What every pass did, in the order of sources and entities."""

    passes: tuple[PassReport, ...]

    @property
    def success(self) -> bool:
        """True where no pass failed."""
        return all(report.success for report in self.passes)

    def as_json(self) -> dict[str, Any]:
        """The summary as JSON takes it: `{"success": ..., "passes": [{"source": ..., "entity": ..., ...}]}`."""
        return {"success": self.success, "passes": [_as_json(report) for report in self.passes]}


async def sync_once(
    jobs: Sequence[Job],
    store: Store,
    observer: Observer,
    clock: Callable[[], datetime],
    *,
    full: bool = False,
    only: Collection[tuple[str, str]] | None = None,
) -> Summary:
    """Reads all sources beside each other, each one's entities in order, and never raises for a source's failure.

    `full` reads everything, `only` names the (source, entity) pairs to read. A pass that was interrupted goes on.
    """
    thread = StoreThread()
    runner = PassRunner(store, thread, observer, clock)
    try:
        reports = await asyncio.gather(*(_read(job, runner, full, only) for job in jobs))
    finally:
        thread.close()
    return Summary(tuple(report for source in reports for report in source))


async def _read(job: Job, runner: PassRunner, full: bool, only: Collection[tuple[str, str]] | None) -> list[PassReport]:
    reports: list[PassReport] = []
    failed: PassReport | None = None
    for entity in job.source.entities:
        if only is not None and (job.source.name, entity) not in only:
            continue
        report = await runner.refuse(failed, entity) if failed else await _patiently(job, entity, runner, full)
        reports.append(report)
        failed = report if report.reason in SOURCE_WIDE else None
    return reports


async def _patiently(job: Job, entity: str, runner: PassRunner, full: bool) -> PassReport:
    """A pass that goes on after the waits the vendor asks for, within reason."""
    patience = PATIENCE
    while True:
        report = await runner.run(PassRequest(job.source, entity, full, job.fingerprints.get(entity, "")))
        if report.retry_after is None or report.retry_after > patience:
            return report
        patience -= max(report.retry_after, 1.0)
        await asyncio.sleep(report.retry_after)


def _as_json(report: PassReport) -> dict[str, Any]:
    content = asdict(report)
    del content["paused"], content["retry_after"]
    return {**content, "rejected": report.rejected_total, "rejected_by": dict(report.rejected)}
