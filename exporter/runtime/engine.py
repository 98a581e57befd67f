"""One config at work: a thread that syncs its sources and a thread that evaluates it. A reload replaces the whole."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from exporter import naming
from exporter.clock import Clock
from exporter.errors import StoreError
from exporter.kpi.memory import Memory
from exporter.push.deliveries import Deliveries
from exporter.runtime.config_file import LoadedConfig
from exporter.runtime.publisher import Publisher
from exporter.runtime.reporter import Reporter
from exporter.runtime.source_jobs import jobs, pushed
from exporter.store.store import Store
from exporter.sync.observer import NullObserver, Observer
from exporter.sync.scheduler import Scheduler
from exporter.web.server import ServedState

BREATH = 0.5
"""Seconds between two evaluations at least, however many passes are published."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Process:
    """What outlives a reload: the store, what is shown, and where the process stands in the world."""

    store: Store
    state: ServedState
    environ: Mapping[str, str]
    data_dir: Path
    clock: Clock
    evaluate_every: float = 10.0
    observer: Observer = field(default_factory=NullObserver)


class Engine:
    """Built whole or not at all: raises ConfigError or EvaluationError for a config that cannot work."""

    def __init__(self, loaded: LoadedConfig, process: Process, memory: Memory | None = None) -> None:
        self._process = process
        self._stopping, self._awake = Event(), Event()
        self.publisher = Publisher(loaded, process.store, process.state, memory)
        reporter = self._reporter = Reporter(
            process.state.self_metrics, loaded.config, self._awake.set, process.observer
        )
        told = loaded.config, process.environ, process.data_dir, process.clock, reporter
        self._scheduler = Scheduler(jobs(*told), process.store, reporter, process.clock)
        self._deliveries = Deliveries(pushed(*told), process.store, reporter, process.clock)
        self._threads = (
            Thread(target=self._sync, name="sync", daemon=True),
            Thread(target=self._evaluate, name="evaluator", daemon=True),
        )

    def start(self) -> None:
        """Begins to sync, to take posts and to evaluate."""
        self._reporter.learn(self._deliveries.start())
        self._process.state.receiver = self._deliveries
        self._process.state.page = lambda: self.publisher.page(self._process.clock)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Returns, within ten seconds, when no post is being kept, both threads ended, and what is shown was kept."""
        self._scheduler.stop()
        self._stopping.set()
        self._awake.set()
        self._deliveries.stop()
        for thread in self._threads:
            thread.join(10)

    def _sync(self) -> None:
        try:
            asyncio.run(self._scheduler.run())
        except StoreError as error:
            self._process.state.self_metrics.set(naming.STORE_UP, 0)
            _log.critical("syncing has ended: %s", error)
        except Exception:  # noqa: BLE001 - a thread's edge: what is shown stays, and its age tells
            self._process.state.self_metrics.set(naming.STORE_UP, 0)
            _log.critical("syncing has ended", exc_info=True)

    def _evaluate(self) -> None:
        process = self._process
        while not self._stopping.is_set():
            self._awake.clear()
            try:
                self.publisher.publish(process.clock())
            except Exception:  # noqa: BLE001 - a thread's edge: the next evaluation may work again
                process.state.self_metrics.set(naming.EVALUATION_SUCCESS, 0)
                _log.exception("evaluation failed")
            process.state.self_metrics.set(naming.STORE_UP, float(process.store.up))
            self._stopping.wait(BREATH)
            self._awake.wait(process.evaluate_every)
        self.publisher.keep(process.clock())
