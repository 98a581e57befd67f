"""From evaluations to what is shown: renders what changed, reports on itself, and keeps the last snapshot."""

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
from exporter.evaluation.evaluator import Evaluated, Evaluations
from exporter.exposition.families import business_rows, exported, kpi_rows
from exporter.exposition.render import Renderer
from exporter.exposition.self_metrics import SelfMetrics
from exporter.exposition.snapshot import freeze, take
from exporter.kpi.memory import Memory
from exporter.kpi.values import Evaluation
from exporter.runtime.config_file import LoadedConfig
from exporter.store.store import Store
from exporter.web.server import ServedState
from exporter.web.status_page import View, render

KEEP_EVERY = timedelta(minutes=1)
"""How often a changed snapshot is written to the store, where only a restart needs it."""

PAGE_LIVES = timedelta(seconds=5)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Painted:
    shown: Evaluation | None
    at: datetime
    html: str


class Publisher:
    """Evaluates one config and shows the result. For a single thread, but for `page`.

    `memory` is what hysteresis goes by: what the run before left, then what each evaluation leaves.
    """

    def __init__(self, loaded: LoadedConfig, store: Store, state: ServedState, memory: Memory | None = None) -> None:
        self._loaded = loaded
        self._store = store
        self._state = state
        self._evaluations = Evaluations(loaded.config, store)
        self._renderer = Renderer()
        self.memory = memory
        self._shown: Evaluation | None = None
        self._kept_at: datetime | None = None
        self._unkept = False
        self._painting = Lock()
        self._painted: _Painted | None = None

    def publish(self, now: datetime) -> None:
        """Evaluates as of `now` and shows it; what fails is counted, logged, and leaves what was shown before."""
        self_metrics, began = self._state.self_metrics, perf_counter()
        try:
            evaluated = self._evaluations.evaluate(now, self.memory)
        except (EvaluationError, StoreError) as error:
            self_metrics.set(naming.EVALUATION_SUCCESS, 0)
            self_metrics.count(naming.STORE_ERRORS, "read", _reason(error))
            _log.error("evaluation failed: %s", error)
            return
        if evaluated.evaluation is not self._shown:
            self._show(evaluated, now)
        report_outcomes(self_metrics, evaluated)
        self_metrics.set(naming.EVALUATION_SUCCESS, 0 if evaluated.evaluation.failed else 1)
        self_metrics.set(naming.EVALUATION_DURATION, round(perf_counter() - began, 4))
        self_metrics.set(naming.EVALUATION_TIME, now.timestamp())
        if self._unkept and (self._kept_at is None or now - self._kept_at >= KEEP_EVERY):
            self.keep(now)

    def keep(self, now: datetime) -> None:
        """Writes what is shown to the store, for the next start; a store that cannot be written is only counted."""
        if not self._unkept or self._state.snapshot.at is None:
            return
        memory = (self.memory or Memory()).dump()
        try:
            self._store.save_snapshot(freeze(self._state.snapshot, self._loaded.digest), memory, now)
        except StoreError as error:
            self._state.self_metrics.count(naming.STORE_ERRORS, "snapshot", _reason(error))
            _log.warning("the snapshot was not kept: %s", error)
            return
        self._kept_at, self._unkept = now, False

    def page(self, clock: Callable[[], datetime]) -> str:
        """The page for people, as of the last evaluation and at most five seconds old. From any thread."""
        with self._painting:
            now, painted = clock(), self._painted
            if painted is None or painted.shown is not self._shown or abs(now - painted.at) > PAGE_LIVES:
                own = self._state.self_metrics.snapshot()
                html = render(View(self._loaded.config, self._shown, own, now))
                painted = self._painted = _Painted(self._shown, now, html)
            return painted.html

    def _show(self, evaluated: Evaluated, now: datetime) -> None:
        config, evaluation = self._loaded.config, evaluated.evaluation
        rows = chain(business_rows(config, evaluation.metrics), kpi_rows(config, evaluation))
        separate = config.privacy.people == "separate"
        self._state.snapshot = take(self._renderer.render(rows), now, separate=separate)
        self.memory, self._shown, self._unkept = evaluated.memory, evaluation, True
        self._report(evaluation)

    def _report(self, evaluation: Evaluation) -> None:
        self_metrics, snapshot = self._state.self_metrics, self._state.snapshot
        up = {kpi.name: False for kpi in self._loaded.config.kpis} | exported(evaluation)
        kpis = {name: shown for name, shown in up.items() if name in self._loaded.config.kpi_by_name}
        self_metrics.replace(naming.KPI_UP, {(name,): float(shown) for name, shown in kpis.items()})
        self_metrics.replace(naming.EVALUATION_FAILED, {(name,): 1.0 for name in evaluation.failed})
        self_metrics.replace(
            naming.LABEL_OVERFLOW, {key: float(count) for key, count in evaluation.label_overflow.items()}
        )
        self_metrics.replace(naming.UNDATED, {key: float(count) for key, count in evaluation.undated.items()})
        self_metrics.replace(naming.SERIES_DROPPED, {key: float(count) for key, count in snapshot.dropped.items()})
        self_metrics.set(naming.SERIES, snapshot.series)


def report_outcomes(self_metrics: SelfMetrics, evaluated: Evaluated) -> None:
    """What the store remembers of every source's passes, as the exporter's own metrics: it outlives a restart."""
    known = evaluated.outcomes
    for family, instants in (
        (naming.LAST_SUCCESS, {(o.source, o.entity): o.last_success for o in known}),
        (naming.LAST_FULL, {(o.source, o.entity): o.last_full for o in known}),
        (naming.WATERMARK, {(o.source, o.entity): o.watermark for o in known}),
    ):
        self_metrics.replace(family, {labels: at.timestamp() for labels, at in instants.items() if at is not None})
    self_metrics.replace(naming.FAILURES, {(o.source, o.entity): float(o.failures) for o in known})
    self_metrics.replace(
        naming.SYNC_DURATION, {(o.source, o.entity): o.seconds for o in known if o.seconds is not None}
    )


def _reason(error: ExporterError) -> str:
    return "damaged" if isinstance(error, StoreDamagedError) else "failed"
