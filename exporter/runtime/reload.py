"""Which engine runs: the first one, and the one that a reload puts in its place."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock

from exporter import naming
from exporter.errors import ConfigError, ExporterError, StoreError
from exporter.kpi.memory import Memory
from exporter.runtime.config_file import LoadedConfig
from exporter.runtime.engine import Engine, Process
from exporter.runtime.reporter import adopt

_log = logging.getLogger(__name__)


class Reloading:
    """Holds the engine of the config in force. From any thread; one change at a time.

    `read` reads the config anew and raises ConfigError.
    """

    def __init__(self, process: Process, read: Callable[[], LoadedConfig]) -> None:
        self._process = process
        self._read = read
        self._turn = Lock()
        self._engine: Engine | None = None
        self._digest = ""
        self._ended = False

    @property
    def digest(self) -> str:
        """The digest of the config in force."""
        return self._digest

    def begin(self, loaded: LoadedConfig, memory: bytes) -> None:
        """Starts on the first config. Raises ConfigError and EvaluationError for one that cannot work."""
        with self._turn:
            if not self._ended:
                self._replace(loaded, Memory.load(memory) if memory else None)

    def reload(self) -> None:
        """Reads the config again; one that is invalid is refused whole, and the one before goes on."""
        self_metrics = self._process.state.self_metrics
        with self._turn:
            if self._engine is None or self._ended:
                return
            try:
                loaded = self._read()
                self._replace(loaded, self._engine.publisher.memory)
            except ExporterError as error:
                self_metrics.set(naming.RELOAD_SUCCESS, 0)
                for problem in error.problems if isinstance(error, ConfigError) else (error,):
                    _log.error("config refused, the one before goes on: %s", problem)
            else:
                _log.info("config loaded again")

    def stop(self) -> None:
        """Ends whatever runs, within ten seconds; nothing starts afterwards."""
        with self._turn:
            self._ended = True
            if self._engine is not None:
                self._engine.stop()

    def _replace(self, loaded: LoadedConfig, memory: Memory | None) -> None:
        """Builds the engine, and only when that worked stops the one before."""
        engine = Engine(loaded, self._process, memory)
        if self._engine is not None:
            self._engine.stop()
        try:
            self._process.store.retain({source.name: source.reads for source in loaded.config.sources})
        except StoreError as error:
            _log.warning("records of sources that are gone stay in the store for now: %s", error)
        adopt(self._process.state.self_metrics, loaded.config, self._process.clock())
        self._engine, self._digest = engine, loaded.digest
        engine.start()
