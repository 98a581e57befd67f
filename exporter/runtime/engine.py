"""The running engine for one config: one thread syncs its sources, another evaluates its KPIs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from exporter import naming
from exporter.clock import Clock
from exporter.errors import StoreError
from exporter.evaluation.steady_ages import SteadyAges
from exporter.kpi.status import StatusMemory
from exporter.ledger.keeper import LedgerKeeper
from exporter.push.deliveries import Deliveries
from exporter.runtime.config_file import LoadedConfig
from exporter.runtime.publisher import Publisher
from exporter.runtime.reporter import Reporter
from exporter.runtime.source_jobs import push_inboxes, sync_jobs
from exporter.settings import OnCorrupt
from exporter.store.store import Store
from exporter.sync.observer import Observer
from exporter.sync.scheduler import Scheduler
from exporter.threads import run_loop
from exporter.web.server import ServedState

MIN_EVALUATION_INTERVAL = 0.5
"""Seconds between two evaluations at least, however many passes are published."""

STOP_TIMEOUT = 7.5
"""Seconds that both threads together may take to end."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineContext:
    """What outlives a reload: the store, what the web server serves, the environment, and the ages of passes."""

    store: Store
    state: ServedState
    environ: Mapping[str, str]
    data_dir: Path
    clock: Clock
    evaluate_every: float = 10.0
    observer: Observer = field(default_factory=Observer)
    ages: SteadyAges = field(default_factory=SteadyAges)
    on_corrupt: OnCorrupt | None = None


class Engine:
    """Syncs the sources of one config, accepts pushed records and evaluates the KPIs.

    The constructor raises ConfigError or EvaluationError for a config that cannot work.
    """

    def __init__(self, loaded: LoadedConfig, context: EngineContext, memory: StatusMemory | None = None) -> None:
        self._context = context
        self._self_metrics = context.state.self_metrics
        self._stopping, self._awake = Event(), Event()
        self.publisher = Publisher(loaded, context.store, context.state, memory, context.ages)
        self._ledger = LedgerKeeper(loaded.config, context.store)
        self._reporter = Reporter(self._self_metrics, loaded.config, self._awake.set, context.observer)
        source_context = loaded.config, context.environ, context.data_dir, context.clock, self._reporter
        self._scheduler = Scheduler(sync_jobs(*source_context), context.store, self._reporter, context.clock)
        self._deliveries = Deliveries(push_inboxes(*source_context), context.store, self._reporter, context.clock)
        self._threads = (
            Thread(target=self._sync, name="sync", daemon=True),
            Thread(target=self._evaluate, name="evaluator", daemon=True),
        )

    def start(self) -> None:
        """Begins to sync, to accept pushes and to evaluate."""
        self._reporter.restore_outcomes(self._deliveries.start())
        for inbox in self._deliveries.inboxes.values():
            self._self_metrics.set(naming.PUSH_TOKEN_USABLE, float(not inbox.token_problem()), inbox.name)
        self._context.state.deliveries = self._deliveries
        self._context.state.page = lambda query: self.publisher.page(self._context.clock, query)
        for thread in self._threads:
            thread.start()

    def stop_reading(self) -> None:
        """Stops reading and evaluating, while pushes are still accepted; the evaluator stores the snapshot.

        Returns in less than ten seconds, even if a thread does not end.
        """
        self._scheduler.stop()
        self._stopping.set()
        self._awake.set()
        deadline = monotonic() + STOP_TIMEOUT
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - monotonic()))
            if thread.is_alive():
                _log.warning("the %s does not end and is left behind", thread.name)

    def stop(self) -> None:
        """Stops everything; stopping again does nothing."""
        self.stop_reading()
        self._deliveries.stop()

    def _sync(self) -> None:
        try:
            run_loop(self._scheduler.run())
        except StoreError as error:
            self._self_metrics.set(naming.STORE_UP, 0)
            _log.critical("syncing stopped: %s", error)
        except Exception:  # noqa: BLE001 - a thread's edge: the last values stay served and their age grows
            self._self_metrics.set(naming.STORE_UP, 0)
            _log.critical("syncing stopped", exc_info=True)

    def _keep_ledger(self) -> None:
        """Seals and restates a limited number of periods, while scrapes read the snapshot that was just published."""
        try:
            entries = self._ledger.update(self._context.clock())
        except Exception as error:  # noqa: BLE001 - evaluations go on; the next update does the same again
            self._self_metrics.count(naming.STORE_ERRORS, "ledger", "failed")
            _log.error("the ledger was not updated: %s", error, exc_info=not isinstance(error, StoreError))
            return
        if entries.seals:
            _log.info("%d results of %d periods sealed", len(entries.seals), len(entries.looks))
        for period in sorted({f"{entry.kpi} {entry.period}: {entry.cause}" for entry in entries.restatements}):
            _log.info("restated: %s", period)

    def _evaluate(self) -> None:
        context = self._context
        while not self._stopping.is_set():
            self._awake.clear()
            try:
                self.publisher.publish(context.clock())
            except Exception:  # noqa: BLE001 - a thread's edge: the next evaluation may succeed
                self._self_metrics.set(naming.EVALUATION_SUCCESS, 0)
                _log.exception("evaluation failed")
            self._keep_ledger()
            self._self_metrics.set(naming.STORE_UP, float(context.store.up))
            self._stopping.wait(MIN_EVALUATION_INTERVAL)
            self._awake.wait(context.evaluate_every)
        self.publisher.save(context.clock())
