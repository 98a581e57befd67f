"""Replaces the running engine when the config is reloaded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock

from exporter import naming
from exporter.config.root import Config
from exporter.errors import ConfigError, ExporterError, StoreError
from exporter.kpi.status import StatusMemory
from exporter.runtime.config_file import LoadedConfig, corrupt_policy
from exporter.runtime.engine import Engine, EngineContext
from exporter.runtime.reporter import adopt_config, drop_removed, report_removed
from exporter.sync.retention import retain_sources

RELOAD_TIMEOUT = 1.0
"""Seconds that a reload in progress may take to notice that everything stops."""

_log = logging.getLogger(__name__)


class Reloader:
    """Owns the engine of the active config. Safe to call from any thread; changes run one at a time.

    `load` reads the config file again; it raises ConfigError. `digest` is that of the active config.
    """

    def __init__(self, context: EngineContext, load: Callable[[], LoadedConfig]) -> None:
        self._context = context
        self._load = load
        self._lock = Lock()
        self._engine: Engine | None = None
        self._loaded: LoadedConfig | None = None
        self.digest = ""
        self._stopped = False

    @property
    def config(self) -> Config:
        """The active config. Raises StoreError before the first engine."""
        if self._loaded is None:
            raise StoreError("kpi-exporter is starting: try again")
        return self._loaded.config

    def start(self, loaded: LoadedConfig, memory: bytes) -> None:
        """Starts the first engine. Raises ConfigError and EvaluationError for a config that cannot work."""
        with self._lock:
            if not self._stopped:
                self._replace(loaded, StatusMemory.load(memory) if memory else None)

    def reload(self) -> None:
        """Reads the config again; if it is invalid, the active config stays."""
        self_metrics = self._context.state.self_metrics
        with self._lock:
            if self._engine is None or self._stopped:
                return
            try:
                loaded = self._load()
                self._replace(loaded, self._engine.publisher.memory)
            except ExporterError as error:
                self_metrics.set(naming.RELOAD_SUCCESS, 0)
                for problem in error.problems if isinstance(error, ConfigError) else (error,):
                    _log.error("config rejected, the previous one stays active: %s", problem)
            else:
                _log.info("config reloaded")

    def restart(self) -> None:
        """Goes on with the same config in a new engine, which reads at once what is due by the store."""
        with self._lock:
            if self._engine is not None and self._loaded is not None and not self._stopped:
                self._replace(self._loaded, self._engine.publisher.memory)

    def replace_store(self, replace: Callable[[], object]) -> None:
        """Stops the engine while `replace` puts another store in place; then the same config goes on with that one.

        Raises what `replace` raises, after the engine runs again, and StoreError if it was not called.
        """
        with self._lock:
            if self._engine is None or self._loaded is None or self._stopped:
                raise StoreError("kpi-exporter is starting or stopping: try again")
            self._engine.stop()
            try:
                replace()
            finally:
                self._replace(self._loaded, self._stored_memory())

    def stop(self) -> None:
        """Stops the running engine; no other one starts afterwards."""
        self._stopped = True  # without the lock: a reload that is in progress must not start another engine
        if self._engine is not None:
            self._engine.stop()
        if self._lock.acquire(timeout=RELOAD_TIMEOUT):
            try:
                if self._engine is not None:
                    self._engine.stop()
            finally:
                self._lock.release()

    def _stored_memory(self) -> StatusMemory | None:
        try:
            stored = self._context.store.load_snapshot()
        except StoreError as error:
            _log.warning("statuses start without their memory: %s", error)
            return None
        return StatusMemory.load(stored[1]) if stored and stored[1] else None

    def _replace(self, loaded: LoadedConfig, memory: StatusMemory | None) -> None:
        """Builds the new engine first, so that a failure leaves the current one running.

        The current one accepts pushes until the new one does.
        """
        engine = Engine(loaded, self._context, memory)
        previous = self._engine
        if previous is not None:
            previous.stop_reading()
        if self._stopped:
            return
        config = loaded.config
        self._context.store.decide_damage(corrupt_policy(self._context.on_corrupt, config))
        try:
            retained = retain_sources(self._context.store, config, self._context.clock())
            report_removed(self._context.state.self_metrics, retained.removed)
        except StoreError as error:
            _log.warning("records of removed sources stay in the store for now: %s", error)
        adopt_config(self._context.state.self_metrics, loaded.config, self._context.clock())
        self._engine, self._loaded, self.digest = engine, loaded, loaded.digest
        engine.start()
        if previous is not None:
            previous.stop()
        # only now: until the new engine took over, posts to a removed source were still counted
        drop_removed(self._context.state.self_metrics, loaded.config)
