"""One pass over sources for the commands that need it, with a progress bar."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path

from rich.table import Table

from exporter.clock import system_clock
from exporter.commands.progress import shown
from exporter.config.root import Config
from exporter.evaluation.freshness import never_sent
from exporter.runtime.source_jobs import sync_jobs
from exporter.store.store import Store
from exporter.sync.once import Summary, sync_once

_log = logging.getLogger(__name__)


class Untold:
    """Telemetry of a single pass, which nobody scrapes."""

    def request(self, source: str, outcome: str) -> None:
        """Nothing."""

    def clock_skew(self, source: str, seconds: float) -> None:
        """Nothing."""

    def next_attempt(self, source: str, at: datetime) -> None:
        """Nothing."""


def read_sources(
    config: Config, store: Store, environ: Mapping[str, str], data_dir: Path, only: Collection[str] | None = None
) -> Summary:
    """Reads all sources once, or those named in `only`. Raises ConfigError; a source's failure is in the summary."""
    made = sync_jobs(config, environ, data_dir, system_clock, Untold())
    chosen = [job for job in made if only is None or job.source.name in only]

    async def read() -> Summary:
        with shown() as observer:
            try:
                return await sync_once(chosen, store, observer, system_clock)
            finally:
                await asyncio.gather(*(job.source.close() for job in made))

    summary = asyncio.run(read())
    for report in summary.passes:
        if not report.success:
            reason = report.reason.value if report.reason else "not finished"
            _log.error("%s of %s: %s: %s", report.entity, report.source, reason, report.message)
    return summary


def tell_of_unsent(config: Config, store: Store) -> None:
    """Warns of what nobody can read: records that are to be posted, and never were."""
    for name, entities in never_sent(config, store.outcomes()).items():
        _log.warning("%s waits for posts while serve runs, and none of %s ever came", name, ", ".join(entities))


def as_table(summary: Summary) -> Table:
    """What each pass did."""
    table = Table("Source", "Entity", "Result")
    for name in ("New", "Updated", "Unchanged", "Deleted", "Rejected", "Seconds"):
        table.add_column(name, justify="right")
    for report in summary.passes:
        result = "done" if report.success else f"failed: {report.reason.value if report.reason else 'not finished'}"
        counts = (report.new, report.updated, report.unchanged, report.deleted, sum(report.rejected.values()))
        table.add_row(report.source, report.entity, result, *map(str, counts), f"{report.seconds:.1f}")
    return table
