"""One pass over every source, for `sync --once` and for commands that need current records."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from exporter.errors import Reason
from exporter.sources.access_check import SOURCE_WIDE
from exporter.store.store import Store
from exporter.sync.observer import Observer, PassReport
from exporter.sync.page_writer import StoreThread
from exporter.sync.pass_runner import PassRequest, PassRunner
from exporter.sync.schedule import Job

MAX_WAIT = 120.0
"""Seconds in total for which a pass waits because the vendor asks for it, before it counts as failed."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The reports of all passes, in the order of sources and entities."""

    passes: tuple[PassReport, ...]

    @property
    def success(self) -> bool:
        """True if no pass failed."""
        return all(report.success for report in self.passes)

    def as_json(self) -> dict[str, Any]:
        """`{"success": ..., "passes": [{"source": ..., "entity": ..., ...}]}`."""
        passes = []
        for report in self.passes:
            by_reason = {reason.value: count for reason, count in report.rejected.items()}
            content = {**asdict(report), "rejected": report.rejected_total, "rejected_by": by_reason}
            del content["paused"], content["retry_after"]
            passes.append(content)
        return {"success": self.success, "passes": passes}


async def sync_once(
    jobs: Sequence[Job],
    store: Store,
    observer: Observer,
    clock: Callable[[], datetime],
    *,
    full: bool = False,
    only: Collection[tuple[str, str]] | None = None,
) -> Summary:
    """Reads all sources concurrently, each one's entities in order. Failures of a source are in the summary.

    `full` reads everything again; `only` selects (source, entity) pairs. Interrupted passes resume.
    """
    thread = StoreThread()
    runner = PassRunner(store, thread, observer, clock)
    try:
        outcomes = await thread.call(store.outcomes)
        began = asyncio.get_running_loop().time()
        allowed = {(outcome.source, outcome.entity): began + outcome.wait(clock()) for outcome in outcomes}
        reports = await asyncio.gather(*(_read(job, runner, full, only, allowed) for job in jobs))
    finally:
        thread.close()
    return Summary(tuple(report for source_reports in reports for report in source_reports))


async def _read(
    job: Job,
    runner: PassRunner,
    full: bool,
    only: Collection[tuple[str, str]] | None,
    allowed: Mapping[tuple[str, str], float],
) -> list[PassReport]:
    """Makes a pass over each entity, except those whose vendor asked for a wait that is too long to wait here.

    `allowed` has the times on the loop's clock from which on the vendors accept requests.
    """
    reports: list[PassReport] = []
    failure: PassReport | None = None
    for entity in job.source.entities:
        if only is not None and (job.source.name, entity) not in only:
            continue
        now = asyncio.get_running_loop().time()
        wait = max(allowed.get((job.source.name, entity), now) - now, 0.0)
        if wait > MAX_WAIT:
            reports.append(_held(job.source.name, entity, wait))
            continue
        await asyncio.sleep(0 if failure else wait)
        report = await (runner.skip(failure, entity) if failure else _run(job, entity, runner, full))
        reports.append(report)
        failure = report if report.reason in SOURCE_WIDE else None
    return reports


def _held(source: str, entity: str, wait: float) -> PassReport:
    """A pass that is not attempted, because an earlier wait has not ended. The store keeps that wait."""
    hours, minutes = divmod(math.ceil(wait / 60), 60)
    message = f"the vendor accepts no request for another {f'{hours} h ' if hours else ''}{minutes} min"
    return PassReport(source, entity, full=False, reason=Reason.RATE_LIMITED, message=message, retry_after=wait)


async def _run(job: Job, entity: str, runner: PassRunner, full: bool) -> PassReport:
    """Makes a pass, which resumes after the waits that the vendor asks for, up to MAX_WAIT."""
    remaining = MAX_WAIT
    while True:
        report = await runner.run(PassRequest(job.source, entity, full, job.fingerprints.get(entity, "")))
        if report.retry_after is None or report.retry_after > remaining:
            return report
        remaining -= max(report.retry_after, 1.0)
        await asyncio.sleep(report.retry_after)
