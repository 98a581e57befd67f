"""Turns the events of sources and sync into self-metrics and log lines."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from platform import python_version

from exporter import __version__, naming
from exporter.config.root import Config
from exporter.errors import Reason
from exporter.exposition.self_metrics import Labels, SelfMetrics
from exporter.naming import SourceState
from exporter.store.set_aside import RemovedRecords
from exporter.store.state import Outcome
from exporter.sync.observer import Observer, PassReport, Progress

_log = logging.getLogger(__name__)


class Reporter(Observer):
    """The observer of the sync and the telemetry of the sources. Safe to call from any thread.

    `wake` is called when a pass was published. `observer` receives pages and passes, too.
    """

    def __init__(
        self, self_metrics: SelfMetrics, config: Config, wake: Callable[[], None], observer: Observer | None = None
    ) -> None:
        self._self_metrics = self_metrics
        self._wake = wake
        self._observer = observer or Observer()
        self._reads = {source.name: source.reads for source in config.sources}
        self._succeeded: dict[tuple[str, str], bool] = {}
        self._failures: dict[tuple[str, str], Reason | None] = {}
        self._rejections: dict[tuple[str, str], str] = {}

    def restore_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        """Takes over how passes ended before this process started, for sources whose next pass may be far off."""
        for outcome in outcomes:
            self._succeeded[outcome.source, outcome.entity] = outcome.last_success is not None and not outcome.failures
            self._set_up(outcome.source)

    def request(self, source: str, outcome: str) -> None:
        """An HTTP request was made; `outcome` is its status class or the kind of failure."""
        self._self_metrics.count(naming.REQUESTS, source, outcome)

    def clock_skew(self, source: str, seconds: float) -> None:
        """Seconds by which the vendor's clock is ahead of this machine's."""
        self._self_metrics.set(naming.CLOCK_SKEW, round(seconds), source)

    def next_attempt(self, source: str, at: datetime) -> None:
        """The vendor allows no request for any entity of the source before `at`."""
        for entity in self._reads.get(source, ()):
            planned = self._self_metrics.value(naming.NEXT_ATTEMPT, source, entity) or 0.0
            self._self_metrics.set(naming.NEXT_ATTEMPT, max(planned, at.timestamp()), source, entity)

    def progressed(self, progress: Progress) -> None:
        """A page was read; no metric counts pages."""
        self._observer.progressed(progress)

    def finished(self, report: PassReport) -> None:
        """A pass ended."""
        self._observer.finished(report)
        self_metrics, source, entity = self._self_metrics, report.source, report.entity
        for result in ("new", "updated", "unchanged", "deleted"):
            self_metrics.count(naming.RECORDS, source, entity, result, by=getattr(report, result))
        self_metrics.count(naming.RECORDS, source, entity, "rejected", by=sum(report.rejected.values()))
        for reason, count in report.rejected.items():
            self_metrics.count(naming.REJECTED, source, entity, reason.value, by=count)
        if report.paused or entity not in self._reads.get(source, ()):
            return
        self._log(report)
        self_metrics.set(naming.CAPPED, float(report.reason is Reason.CAPPED), source, entity)
        if report.reason is not None:
            self_metrics.count(naming.ERRORS, source, entity, report.reason.value)
        self._succeeded[source, entity] = report.success
        self._set_up(source)

    def _set_up(self, source: str) -> None:
        up = all(self._succeeded.get((source, entity)) for entity in self._reads.get(source, ()))
        self._self_metrics.set(naming.SOURCE_UP, float(up), source)

    def _log(self, report: PassReport) -> None:
        """Logs the first full pass, each failure for a new reason, the recovery, and newly rejected rows."""
        key = report.source, report.entity
        last_reason, fields = self._failures.get(key), {"source": report.source, "entity": report.entity}
        if report.reason is not None and report.reason is not last_reason:
            _log.warning("sync failed, %s: %s", report.reason.value, report.message, extra=fields)
        elif report.reason is None and last_reason is not None:
            _log.info("sync recovered", extra=fields)
        elif report.full and key not in self._failures:
            count = "1 record" if report.records == 1 else f"{report.records} records"
            _log.info("first full sync: %s in %.1f s", count, report.seconds, extra=fields)
        self._failures[key] = report.reason
        if report.rejections and report.rejections != self._rejections.get(key):
            _log.warning("%s", report.rejections, extra=fields)
        if report.full or report.rejections:
            self._rejections[key] = report.rejections

    def published(self, source: str, entity: str) -> None:  # noqa: ARG002 - the observer's signature
        """Rows or the watermark changed: wakes the evaluator."""
        self._wake()

    def scheduled(self, source: str, entity: str, at: datetime) -> None:
        """The next pass over the entity starts at `at`."""
        self._self_metrics.set(naming.NEXT_ATTEMPT, at.timestamp(), source, entity)

    def state_changed(self, source: str, state: SourceState) -> None:
        """The source entered a state."""
        _set_state(self._self_metrics, source, state)

    def store_failed(self, operation: str, reason: str) -> None:
        """An operation of the store failed."""
        self._self_metrics.count(naming.STORE_ERRORS, operation, reason)
        self._self_metrics.set(naming.STORE_UP, 0)

    def store_rebuilt(self) -> None:
        """A damaged store was moved aside."""
        self._self_metrics.count(naming.STORE_REBUILDS)

    def clock_jumped(self, seconds: float) -> None:  # noqa: ARG002 - the observer's signature
        """The wall clock jumped."""
        self._self_metrics.count(naming.CLOCK_JUMPS)


def _set_state(self_metrics: SelfMetrics, source: str, state: SourceState) -> None:
    """One-hot: 1 for the state, 0 for the others."""
    for other in SourceState:
        self_metrics.set(naming.SOURCE_STATE, float(other is state), source, other.value)


def initialise(self_metrics: SelfMetrics) -> None:
    """Sets what is known at startup, so that counters start at 0 instead of appearing late."""
    for family in (naming.STORE_REBUILDS, naming.CLOCK_JUMPS, naming.LOG_LINES_DROPPED):
        self_metrics.count(family, by=0)
    self_metrics.set(naming.BUILD_INFO, 1, __version__, python_version())
    self_metrics.set(naming.STORE_UP, 1)


def drop_removed(self_metrics: SelfMetrics, config: Config) -> None:
    """Drops the series of sources, entities and KPIs that the config no longer has."""
    self_metrics.retain(["source"], [(source.name,) for source in config.sources])
    self_metrics.retain(
        ["source", "entity"], [(source.name, entity) for source in config.sources for entity in source.reads]
    )
    self_metrics.retain(["kpi"], [(kpi.name,) for kpi in config.kpis])


def report_removed(self_metrics: SelfMetrics, removed: Iterable[RemovedRecords]) -> None:
    """Exposes what is kept of removed push sources."""
    counts: dict[Labels, float] = {(each.source, each.entity): float(each.records) for each in removed}
    self_metrics.replace(naming.REMOVED_RECORDS, counts)


def adopt_config(self_metrics: SelfMetrics, config: Config, now: datetime) -> None:
    """Adds the series of a config that was just loaded; `drop_removed` drops those that it no longer has."""
    self_metrics.set(naming.RELOAD_SUCCESS, 1)
    self_metrics.set(naming.RELOAD_TIME, now.timestamp())
    for source in config.sources:
        if self_metrics.value(naming.SOURCE_UP, source.name) is None:
            self_metrics.set(naming.SOURCE_UP, 0, source.name)
            _set_state(self_metrics, source.name, SourceState.STARTING)
    for kpi in config.kpis:
        if self_metrics.value(naming.KPI_UP, kpi.name) is None:
            self_metrics.set(naming.KPI_UP, 0, kpi.name)
