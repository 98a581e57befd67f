"""Which engine runs: the first one, and the one that a reload puts in its place."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock

from exporter import naming
from exporter.errors import ConfigError, ExporterError, StoreError
from exporter.kpi.memory import Memory
from exporter.runtime.config_file import Loading
from exporter.runtime.engine import Engine, Process
from exporter.runtime.publisher import Identity
from exporter.runtime.reporter import adopt

_log = logging.getLogger(__name__)


class Reloading:
    """Holds the engine of the config in force. From any thread; one change at a time.

    `read` reads the config anew and raises ConfigError.
    """

    def __init__(self, process: Process, read: Callable[[], Loading]) -> None:
        self._process = process
        self._read = read
        self._turn = Lock()
        self._engine: Engine | None = None
        self._mark = ""
        self._ended = False

    @property
    def mark(self) -> str:
        """The mark of the config in force."""
        return self._mark

    def begin(self, loading: Loading, memory: bytes) -> None:
        """Starts on the first config. Raises ConfigError and EvaluationError for one that cannot work."""
        with self._turn:
            if not self._ended:
                self._replace(loading, Memory.load(memory) if memory else None)

    def reload(self) -> None:
        """Reads the config again; one that is invalid is refused whole, and the one before goes on."""
        ledger = self._process.exposed.ledger
        with self._turn:
            if self._engine is None or self._ended:
                return
            try:
                loading = self._read()
                self._replace(loading, self._engine.publisher.memory)
            except ExporterError as error:
                ledger.set(naming.RELOAD_SUCCESS, 0)
                for problem in error.problems if isinstance(error, ConfigError) else (error,):
                    _log.error("config refused, the one before goes on: %s", problem)
            else:
                _log.info("config loaded again")

    def nudge(self, source: str) -> None:
        """Has a source read at once."""
        engine = self._engine
        if engine is not None:
            engine.nudge(source)

    def stop(self) -> None:
        """Ends whatever runs, within ten seconds; nothing starts afterwards."""
        with self._turn:
            self._ended = True
            if self._engine is not None:
                self._engine.stop()

    def _replace(self, loading: Loading, memory: Memory | None) -> None:
        """Builds the engine, and only when that worked stops the one before."""
        engine = Engine(Identity(loading.config, loading.mark), self._process, memory)
        if self._engine is not None:
            self._engine.stop()
        try:
            self._process.store.retain({source.name: source.reads for source in loading.config.sources})
        except StoreError as error:
            _log.warning("records of sources that are gone stay in the store for now: %s", error)
        adopt(self._process.exposed.ledger, loading.config, self._process.clock())
        self._engine, self._mark = engine, loading.mark
        engine.start()
