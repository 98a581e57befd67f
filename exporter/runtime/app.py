"""The composition root: opens the store and the web server, starts the engine and handles signals."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from exporter import naming
from exporter.clock import Clock, system_clock
from exporter.control.server import ControlServer
from exporter.errors import ExporterError, StoreDamagedError
from exporter.exposition.self_metrics import SelfMetrics
from exporter.exposition.snapshot import thaw
from exporter.logs import Logs
from exporter.runtime.config_file import LoadedConfig, config_digest, corrupt_policy, read_config
from exporter.runtime.reporter import adopt_config, initialise
from exporter.runtime.web_server import WebServer
from exporter.settings import Settings
from exporter.store.store import Store
from exporter.sync.observer import Observer
from exporter.threads import run_loop
from exporter.web.server import ServedState

if TYPE_CHECKING:
    from exporter.runtime.backups import BackupSchedule
    from exporter.runtime.former_people import FormerPeople
    from exporter.runtime.reload import Reloader

SWITCH_INTERVAL = 0.0005
"""Seconds a busy thread may keep the web loop waiting for the interpreter."""

POLL_INTERVAL = 5.0
"""Seconds between two checks for dropped log lines and, if the config is watched, for a changed config."""

_log = logging.getLogger(__name__)


class App:
    """Serves one config until it is stopped. Runs once.

    `observer` receives the events of the sync, too; `on_stop` is called when a signal stops the app. `store` is set
    while the app runs.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        logs: Logs,
        *,
        clock: Clock = system_clock,
        observer: Observer | None = None,
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._logs = logs
        self._clock = clock
        self._observer = observer or Observer()
        self._on_stop = on_stop
        self._state = ServedState(SelfMetrics())
        self._web: WebServer | None = None
        self._reloader: Reloader | None = None
        self._control: ControlServer | None = None
        self._backups: BackupSchedule | None = None
        self._former_people: FormerPeople | None = None
        self.store: Store | None = None

    def run(self, ready: Callable[[str], None] = lambda _: None) -> None:
        """Serves until SIGTERM or SIGINT; calls `ready` with the address as soon as scrapes are answered.

        Raises ConfigError, StartError and StoreError if it cannot start.
        """
        sys.setswitchinterval(SWITCH_INTERVAL)
        loaded = self._read()
        web = self._web = WebServer(self._settings, self._state)
        try:
            on_corrupt = corrupt_policy(self._settings.on_corrupt, loaded.config)
            store = Store.open(self._settings.data_dir, on_corrupt=on_corrupt, clock=self._clock)
        except ExporterError:
            web.close()
            raise
        self.store = store
        try:
            store.adopt_clock(self._clock())
            run_loop(self._serve(loaded, store, web, ready))
        finally:
            self.store = None
            store.close()

    def _read(self) -> LoadedConfig:
        return read_config(self._settings.config, self._environ, self._logs.redactor, delivery=False)

    async def _serve(self, loaded: LoadedConfig, store: Store, web: WebServer, ready: Callable[[str], None]) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._request_stop, stop)
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(None, self._reload))
        self_metrics = self._state.self_metrics
        initialise(self_metrics)
        self_metrics.count(naming.STORE_REBUILDS, by=store.rebuilds)
        adopt_config(self_metrics, loaded.config, self._clock())
        memory = restore(store, self._state, loaded.digest)
        serving = web.start(stop.wait)
        first, *others = web.urls
        ready(first)
        for url in others:
            _log.info("also serving %s/metrics", url)
        try:
            await asyncio.to_thread(self._start, loaded, store, memory)
            polling = asyncio.create_task(self._poll())
            await asyncio.wait({serving, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
            polling.cancel()
        finally:
            stop.set()
            await asyncio.gather(asyncio.to_thread(self._stop), web.finish())

    def _request_stop(self, stop: asyncio.Event) -> None:
        self._on_stop()
        stop.set()

    def _start(self, loaded: LoadedConfig, store: Store, memory: bytes) -> None:
        # the engine takes longest to import: the web server answers scrapes in the meantime
        from exporter.runtime.backups import BackupSchedule
        from exporter.runtime.engine import EngineContext
        from exporter.runtime.former_people import FormerPeople
        from exporter.runtime.operations import create_handlers
        from exporter.runtime.reload import Reloader

        context = EngineContext(
            store,
            self._state,
            self._environ,
            self._settings.data_dir,
            self._clock,
            self._settings.evaluate_every,
            self._observer,
            on_corrupt=self._settings.on_corrupt,
        )
        self._reloader = Reloader(context, self._read)
        self._reloader.start(loaded, memory)
        self._control = ControlServer(self._settings.data_dir, create_handlers(context, self._reloader))
        self._control.start()
        self._former_people = FormerPeople(store, self._reloader, self._clock)
        self._former_people.start()
        if self._settings.backups is not None:
            self._backups = BackupSchedule(self._settings.backups, store, self._state.self_metrics, self._clock)
            self._backups.start()

    def _reload(self) -> None:
        if self._web is not None:
            self._web.reload()
        if self._reloader is not None:
            self._reloader.reload()

    def _stop(self) -> None:
        if self._former_people is not None:
            self._former_people.stop()
        if self._backups is not None:
            self._backups.stop()
        if self._control is not None:
            self._control.stop()
        if self._reloader is not None:
            self._reloader.stop()

    async def _poll(self) -> None:
        """Counts dropped log lines and, if the config is watched, reloads it when its digest changes."""
        current_digest = self._reloader.digest if self._reloader is not None else ""
        counted = 0
        while True:
            await asyncio.sleep(POLL_INTERVAL)
            dropped = self._logs.handler.dropped
            if dropped > counted:
                self._state.self_metrics.count(naming.LOG_LINES_DROPPED, by=dropped - counted)
                counted = dropped
            if not self._settings.watch_config:
                continue
            digest = await asyncio.to_thread(config_digest, self._settings.config)
            if digest and digest != current_digest:
                current_digest = digest
                await asyncio.to_thread(self._reload)


def restore(store: Store, state: ServedState, digest: str) -> bytes:
    """Serves the stored snapshot, with its original age, if it was taken under the config with this digest.

    Returns the stored status memory, empty if the store has none. Raises StoreError.
    """
    try:
        stored = store.load_snapshot()
    except StoreDamagedError:
        store.recover()
        stored = None
    if stored is None:
        return b""
    body, memory, _ = stored
    snapshot = thaw(body, digest)
    if snapshot is not None:
        state.snapshot = snapshot
        state.self_metrics.set(naming.SERIES, snapshot.series)
    return memory
