"""The web server of the process: its sockets, and its web config, which takes effect without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from socket import socket

from exporter.errors import StartError
from exporter.settings import ListenAddress, Settings
from exporter.web.hosts import AllowedHosts, machine_names
from exporter.web.security import SecurityReloader, WebConfigPaths, WebSecurity
from exporter.web.server import ServedState, bind, create_app, serve

SHUTDOWN_GRACE = 5.0
"""Seconds that open responses get to finish at shutdown."""


class WebServer:
    """Listens from the start, and serves once `start` is called.

    Constructing it raises ConfigError for an invalid web config and StartError for an address that is not available.
    """

    def __init__(self, settings: Settings, state: ServedState) -> None:
        self._web = settings.web
        self._addresses = settings.listen
        self._state = state
        paths = WebConfigPaths(self._web.config, self._web.people_config)
        self._security = SecurityReloader(paths, state.self_metrics, self._refusal)
        state.security = lambda: self._security.current
        self._listeners = bind_all(settings.listen)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def urls(self) -> tuple[str, ...]:
        """The address of each listener."""
        scheme = "https" if self._security.current.tls else "http"
        names = (listener.getsockname()[:2] for listener in self._listeners)
        return tuple(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}" for host, port in names)

    def start(self, stopped: Callable[[], Awaitable[object]]) -> asyncio.Task[None]:
        """The task that serves until `stopped()` returns."""
        app = create_app(self._state, AllowedHosts.of(self._web.hosts, machine_names()))
        serving = asyncio.create_task(serve(app, self._listeners, stopped, self._state))
        self._tasks = [serving, asyncio.create_task(self._security.watch())]
        return serving

    def reload(self) -> None:
        """Reads the web config again if it has changed."""
        self._security.refresh()

    async def finish(self) -> None:
        """Waits for open responses; `stopped()` must have returned."""
        serving, watching = self._tasks
        watching.cancel()
        with suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(SHUTDOWN_GRACE):
                await serving

    def close(self) -> None:
        """Closes the listeners."""
        for listener in self._listeners:
            listener.close()

    def _refusal(self, security: WebSecurity) -> str:
        locked = security.tls is not None and security.is_restricted
        if locked or self._web.insecure or all(address.is_loopback for address in self._addresses):
            return ""
        return "an address that other machines can reach needs TLS and users or client certificates"


def bind_all(addresses: tuple[ListenAddress, ...]) -> list[socket]:
    """A listening socket for each address, all or none. Raises StartError."""
    listeners: list[socket] = []
    try:
        for address in addresses:
            listeners.append(bind(address.host, address.port))  # noqa: PERF401  # those before a failure must be closed
    except StartError:
        for listener in listeners:
            listener.close()
        raise
    return listeners
