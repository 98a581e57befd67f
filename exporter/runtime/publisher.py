"""Evaluates the KPIs, replaces what is served when a value changed, and stores the last snapshot."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from threading import Lock
from time import perf_counter

from exporter import naming
from exporter.errors import EvaluationError, ExporterError, StoreDamagedError, StoreError
from exporter.evaluation.evaluator import EvaluationResult, Evaluator
from exporter.evaluation.steady_ages import SteadyAges
from exporter.exposition.families import business_samples, exported, kpi_samples
from exporter.exposition.render import Renderer
from exporter.exposition.self_metrics import Labels, SelfMetrics
from exporter.exposition.snapshot import freeze, take
from exporter.kpi.status import StatusMemory
from exporter.kpi.values import Evaluation
from exporter.runtime.config_file import LoadedConfig
from exporter.store.rebuilds import Rebuild
from exporter.store.store import Store
from exporter.web.members import MembersIndex, MembersQuery
from exporter.web.server import ServedState
from exporter.web.status_page import PageData, render

SAVE_INTERVAL = timedelta(minutes=1)
"""How often a changed snapshot is written to the store; only a restart needs it."""

PAGE_MAX_AGE = timedelta(seconds=5)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _RenderedPage:
    evaluation: Evaluation | None
    at: datetime
    html: str
    query: MembersQuery | None = None


class Publisher:
    """Evaluates one config and serves the result. For a single thread, except for `page`.

    `memory` is the status memory that hysteresis needs: of the previous run first, then of each evaluation.
    """

    def __init__(
        self,
        loaded: LoadedConfig,
        store: Store,
        state: ServedState,
        memory: StatusMemory | None = None,
        ages: SteadyAges | None = None,
    ) -> None:
        self._config = loaded.config
        self._digest = loaded.digest
        self._store = store
        self._state = state
        self._evaluator = Evaluator(loaded.config, store, ages=ages or SteadyAges())
        self._renderer = Renderer()
        self.memory = memory
        self._evaluation: Evaluation | None = None
        self._saved_at: datetime | None = None
        self._unsaved = False
        self._page_lock = Lock()
        self._page: _RenderedPage | None = None
        self._members: tuple[Evaluation | None, MembersIndex] = None, MembersIndex()
        self._notices: tuple[str, ...] = ()

    def publish(self, now: datetime) -> None:
        """Evaluates as of `now` and serves the result; on an error, counts and logs it and keeps serving the last.

        If the store is damaged no number is served, because nobody can tell which of them are right.
        """
        self_metrics, started_at = self._state.self_metrics, perf_counter()
        try:
            evaluated = self._evaluator.evaluate(now, self.memory)
        except (EvaluationError, StoreError) as error:
            self_metrics.set(naming.EVALUATION_SUCCESS, 0)
            self_metrics.count(naming.STORE_ERRORS, "read", _reason(error))
            _log.error("evaluation failed: %s", error)
            if isinstance(error, StoreDamagedError):
                self._withhold(f"The store is damaged, and no number is shown until it is repaired: {error}.", now)
            return
        if evaluated.evaluation is not self._evaluation:
            self._replace(evaluated, now)
        self._notices = tuple(_notice(rebuild) for rebuild in evaluated.rebuilds)
        self_metrics.set(naming.STORE_REBUILDS_UNACCEPTED, len(evaluated.rebuilds))
        _report_outcomes(self_metrics, evaluated)
        self_metrics.set(naming.EVALUATION_SUCCESS, 0 if evaluated.evaluation.failed else 1)
        self_metrics.set(naming.EVALUATION_DURATION, round(perf_counter() - started_at, 4))
        self_metrics.set(naming.EVALUATION_TIME, now.timestamp())
        if self._unsaved and (self._saved_at is None or now - self._saved_at >= SAVE_INTERVAL):
            self.save(now)

    def save(self, now: datetime) -> None:
        """Writes the snapshot to the store for the next start; a failed write is counted and logged."""
        if not self._unsaved or self._state.snapshot.at is None:
            return
        memory = (self.memory or StatusMemory()).dump()
        try:
            self._store.save_snapshot(freeze(self._state.snapshot, self._digest), memory, now)
        except StoreError as error:
            self._state.self_metrics.count(naming.STORE_ERRORS, "snapshot", _reason(error))
            _log.warning("the snapshot was not stored: %s", error)
            return
        self._saved_at, self._unsaved = now, False

    def page(self, clock: Callable[[], datetime], query: MembersQuery | None = None) -> str:
        """The status page of the last evaluation, at most five seconds old. Safe to call from any thread.

        With a query it lists teams or people of one KPI.
        """
        with self._page_lock:
            now, page = clock(), self._page
            evaluation = self._evaluation
            known = page is not None and page.evaluation is evaluation and page.query == query
            if page is None or not known or abs(now - page.at) > PAGE_MAX_AGE:
                if self._members[0] is not evaluation:
                    self._members = evaluation, MembersIndex.of(evaluation)
                numbers, index = self._state.self_metrics.snapshot(), self._members[1]
                data = PageData(self._config, evaluation, numbers, now, self._notices, index=index, query=query)
                page = self._page = _RenderedPage(evaluation, now, render(data), query)
            return page.html

    def _withhold(self, notice: str, now: datetime) -> None:
        """Serves no number until an evaluation succeeds; the stored snapshot stays as it is."""
        separate = self._config.privacy.people == "separate"
        self._state.snapshot = take(self._renderer.render(()), now, separate=separate)
        self._evaluation, self._unsaved, self._notices = None, False, (notice,)
        self._state.self_metrics.replace(naming.KPI_UP, {(kpi.name,): 0.0 for kpi in self._config.kpis})
        self._state.self_metrics.set(naming.SERIES, 0)

    def _replace(self, evaluated: EvaluationResult, now: datetime) -> None:
        config, evaluation, self_metrics = self._config, evaluated.evaluation, self._state.self_metrics
        families = chain(business_samples(config, evaluation.metrics), kpi_samples(config, evaluation))
        separate = config.privacy.people == "separate"
        snapshot = self._state.snapshot = take(self._renderer.render(families), now, separate=separate)
        self.memory, self._evaluation, self._unsaved = evaluated.memory, evaluation, True
        up = {kpi.name: False for kpi in config.kpis} | exported(evaluation)
        self_metrics.replace(naming.KPI_UP, {(name,): float(up[name]) for name in up if name in config.kpi_by_name})
        self_metrics.replace(naming.EVALUATION_FAILED, {(name,): 1.0 for name in evaluation.failed})
        for family, counts in (
            (naming.LABEL_OVERFLOW, evaluation.label_overflow),
            (naming.UNDATED, evaluation.undated),
            (naming.SERIES_DROPPED, snapshot.dropped),
        ):
            series: dict[Labels, float] = {labels: float(count) for labels, count in counts.items()}
            self_metrics.replace(family, series)
        self_metrics.set(naming.SERIES, snapshot.series)


def _notice(rebuild: Rebuild) -> str:
    return (
        f"{rebuild}. KPIs that rest on pushed records are withheld until a backup is restored or the"
        " loss is accepted with kpi-exporter accept-loss."
    )


def _report_outcomes(self_metrics: SelfMetrics, evaluated: EvaluationResult) -> None:
    """Exposes how the passes of every source ended, as stored, so that the numbers survive a restart."""
    outcomes = evaluated.outcomes
    for family, instants in (
        (naming.LAST_SUCCESS, {(o.source, o.entity): o.last_success for o in outcomes}),
        (naming.LAST_FULL, {(o.source, o.entity): o.last_full for o in outcomes}),
        (naming.WATERMARK, {(o.source, o.entity): o.watermark for o in outcomes}),
    ):
        self_metrics.replace(family, {labels: at.timestamp() for labels, at in instants.items() if at is not None})
    self_metrics.replace(naming.FAILURES, {(o.source, o.entity): float(o.failures) for o in outcomes})
    durations: dict[Labels, float] = {(o.source, o.entity): o.seconds for o in outcomes if o.seconds is not None}
    self_metrics.replace(naming.SYNC_DURATION, durations)


def _reason(error: ExporterError) -> str:
    return "damaged" if isinstance(error, StoreDamagedError) else "failed"
