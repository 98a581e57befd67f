"""What sources and sync tell about their work, as the exporter's own metrics."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from platform import python_version

from exporter import __version__, naming
from exporter.config.root import Config
from exporter.errors import Reason
from exporter.exposition.self_metrics import SelfMetrics
from exporter.naming import SourceState
from exporter.store.state import Outcome
from exporter.sync.observer import NullObserver, Observer, PassReport, Progress

_log = logging.getLogger(__name__)


class Reporter:
    """Counts into the self-metrics: the sync's observer and the sources' telemetry. May be called from any thread.

    `wake` is called when a pass was published; `also` hears of pages and passes too.
    """

    def __init__(
        self, self_metrics: SelfMetrics, config: Config, wake: Callable[[], None], also: Observer | None = None
    ) -> None:
        self._self_metrics = self_metrics
        self._wake = wake
        self._also = also or NullObserver()
        self._reads = {source.name: source.reads for source in config.sources}
        self._last: dict[tuple[str, str], bool] = {}
        self._failing: dict[tuple[str, str], Reason | None] = {}

    def learn(self, outcomes: Iterable[Outcome]) -> None:
        """How passes ended before this process, of sources that may not have another one soon."""
        for known in outcomes:
            self._last[known.source, known.entity] = known.last_success is not None and not known.failures
            self._show_up(known.source)

    def request(self, source: str, outcome: str) -> None:
        """One HTTP request, by class of answer."""
        self._self_metrics.count(naming.REQUESTS, source, outcome)

    def clock_skew(self, source: str, seconds: float) -> None:
        """The vendor's clock minus ours."""
        self._self_metrics.set(naming.CLOCK_SKEW, round(seconds), source)

    def next_attempt(self, source: str, at: datetime) -> None:
        """When the vendor allows the next request, for whichever entity."""
        for entity in self._reads.get(source, ()):
            planned = self._self_metrics.value(naming.NEXT_ATTEMPT, source, entity) or 0.0
            self._self_metrics.set(naming.NEXT_ATTEMPT, max(planned, at.timestamp()), source, entity)

    def progressed(self, progress: Progress) -> None:
        """A page was read: no metric tells of it."""
        self._also.progressed(progress)

    def finished(self, report: PassReport) -> None:
        """One pass ended."""
        self._also.finished(report)
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
        self._last[source, entity] = report.success
        self._show_up(source)

    def _show_up(self, source: str) -> None:
        up = all(self._last.get((source, entity)) for entity in self._reads.get(source, ()))
        self._self_metrics.set(naming.SOURCE_UP, float(up), source)

    def _log(self, report: PassReport) -> None:
        """One line for the first load, for a pass that fails in another way than before, and when it works again."""
        key = report.source, report.entity
        before, told = self._failing.get(key), {"source": report.source, "entity": report.entity}
        if report.reason is not None and report.reason is not before:
            _log.warning("reading failed, %s: %s", report.reason.value, report.message, extra=told)
        elif report.reason is None and before is not None:
            _log.info("reading works again", extra=told)
        elif report.full and key not in self._failing:
            count = "1 record" if report.records == 1 else f"{report.records} records"
            _log.info("read in full: %s in %.1f s", count, report.seconds, extra=told)
        self._failing[key] = report.reason

    def published(self, source: str, entity: str) -> None:  # noqa: ARG002 - the observer's signature
        """Rows or the watermark are other than before: worth an evaluation."""
        self._wake()

    def scheduled(self, source: str, entity: str, at: datetime) -> None:
        """When the entity is read next."""
        self._self_metrics.set(naming.NEXT_ATTEMPT, at.timestamp(), source, entity)

    def state_changed(self, source: str, state: SourceState) -> None:
        """What the source is doing now."""
        show_state(self._self_metrics, source, state)

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


def show_state(self_metrics: SelfMetrics, source: str, state: SourceState) -> None:
    """One-hot: 1 for the state, 0 for the others."""
    for one in SourceState:
        self_metrics.set(naming.SOURCE_STATE, float(one is state), source, one.value)


def begin(self_metrics: SelfMetrics) -> None:
    """What can be said before anything was done, so that counters do not appear late."""
    for family in (naming.STORE_REBUILDS, naming.CLOCK_JUMPS, naming.LOG_LINES_DROPPED):
        self_metrics.count(family, by=0)
    self_metrics.set(naming.BUILD_INFO, 1, __version__, python_version())
    self_metrics.set(naming.STORE_UP, 1)


def adopt(self_metrics: SelfMetrics, config: Config, now: datetime) -> None:
    """Makes room for a config that was just loaded, and forgets what it no longer names."""
    self_metrics.keep(["source"], [(source.name,) for source in config.sources])
    self_metrics.keep(
        ["source", "entity"], [(source.name, entity) for source in config.sources for entity in source.reads]
    )
    self_metrics.keep(["kpi"], [(kpi.name,) for kpi in config.kpis])
    self_metrics.set(naming.RELOAD_SUCCESS, 1)
    self_metrics.set(naming.RELOAD_TIME, now.timestamp())
    for source in config.sources:
        if self_metrics.value(naming.SOURCE_UP, source.name) is None:
            self_metrics.set(naming.SOURCE_UP, 0, source.name)
            show_state(self_metrics, source.name, SourceState.STARTING)
    for kpi in config.kpis:
        if self_metrics.value(naming.KPI_UP, kpi.name) is None:
            self_metrics.set(naming.KPI_UP, 0, kpi.name)
