"""The composition root: settings and config become a store, an engine and a web surface; signals reach them."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from socket import socket
from typing import TYPE_CHECKING

from exporter import naming
from exporter.clock import Clock, system_clock
from exporter.errors import ExporterError
from exporter.exposition.self_metrics import SelfMetrics
from exporter.logs import Logs
from exporter.runtime.config_file import LoadedConfig, config_digest, read_config
from exporter.runtime.reporter import adopt, begin
from exporter.runtime.restart import restore
from exporter.settings import Settings
from exporter.store.store import Store
from exporter.sync.observer import NullObserver, Observer
from exporter.web.server import ServedState, bind, create_app, serve

if TYPE_CHECKING:
    from exporter.runtime.reload import Reloading

SWITCH_INTERVAL = 0.0005
"""Seconds a busy thread may keep the web loop waiting for the interpreter."""

LOOK_EVERY = 5.0
"""Seconds between two looks at the log, and at a config file that is watched."""

LAST_ANSWERS = 5.0
"""Seconds left to open answers at the end."""

_log = logging.getLogger(__name__)


class App:
    """Serves one config until it is told to stop. Once.

    `observer` hears of the sync's work too; what `logs` drop is counted. `store` is there while it runs.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        logs: Logs,
        *,
        clock: Clock = system_clock,
        observer: Observer | None = None,
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._logs = logs
        self._clock = clock
        self._observer = observer or NullObserver()
        self._state = ServedState(SelfMetrics())
        self._reloading: Reloading | None = None
        self.store: Store | None = None

    def run(self, ready: Callable[[str], None] = lambda _: None) -> None:
        """Serves until SIGTERM or SIGINT; `ready` hears the address as soon as scrapes are answered.

        Raises ConfigError, StartError and StoreError where it cannot start.
        """
        sys.setswitchinterval(SWITCH_INTERVAL)
        loaded = self._read()
        listening = bind(self._settings.listen.host, self._settings.listen.port)
        try:
            store = Store.open(self._settings.data_dir, on_corrupt=self._settings.on_corrupt)
        except ExporterError:
            listening.close()
            raise
        self.store = store
        try:
            asyncio.run(self._serve(loaded, store, listening, ready))
        finally:
            self.store = None
            store.close()

    def _read(self) -> LoadedConfig:
        return read_config(self._settings.config, self._environ, self._logs.redactor)

    async def _serve(self, loaded: LoadedConfig, store: Store, listening: socket, ready: Callable[[str], None]) -> None:
        stop = asyncio.Event()
        self._hear_signals(stop)
        begin(self._state.self_metrics)
        self._state.self_metrics.count(naming.STORE_REBUILDS, by=store.rebuilds)
        adopt(self._state.self_metrics, loaded.config, self._clock())
        memory = restore(store, self._state, loaded.digest)
        address = _address(listening)
        web = asyncio.create_task(serve(create_app(self._state), listening, stop.wait))
        ready(address)
        try:
            await asyncio.to_thread(self._start, loaded, store, memory)
            looking = asyncio.create_task(self._look())
            await asyncio.wait({web, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
            looking.cancel()
        finally:
            stop.set()
            await asyncio.gather(asyncio.to_thread(self._stop), _ended(web))

    def _hear_signals(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(None, self._reload))

    def _start(self, loaded: LoadedConfig, store: Store, memory: bytes) -> None:
        # what syncs and evaluates takes longest to import: scrapes are answered meanwhile
        from exporter.runtime.engine import Process
        from exporter.runtime.reload import Reloading

        process = Process(
            store,
            self._state,
            self._environ,
            self._settings.data_dir,
            self._clock,
            self._settings.evaluate_every,
            self._observer,
        )
        self._reloading = Reloading(process, self._read)
        self._reloading.begin(loaded, memory)

    def _reload(self) -> None:
        if self._reloading is not None:
            self._reloading.reload()

    def _stop(self) -> None:
        if self._reloading is not None:
            self._reloading.stop()

    async def _look(self) -> None:
        """Counts what the log dropped and, where that is wished, reloads when the config's text is another one."""
        seen = self._reloading.digest if self._reloading is not None else ""
        told = 0
        while True:
            await asyncio.sleep(LOOK_EVERY)
            dropped = self._logs.outlet.dropped
            if dropped > told:
                self._state.self_metrics.count(naming.LOG_LINES_DROPPED, by=dropped - told)
                told = dropped
            if not self._settings.watch_config:
                continue
            found = await asyncio.to_thread(config_digest, self._settings.config)
            if found and found != seen:
                seen = found
                await asyncio.to_thread(self._reload)


def _address(listening: socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


async def _ended(web: asyncio.Task[None]) -> None:
    with suppress(TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(LAST_ANSWERS):
            await web
