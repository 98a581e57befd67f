"""TCP and TLS connections: HTTP/1.1 only, at most so many, and closed as soon as their client closes them.

Hypercorn parses HTTP and calls the application. Its own server is not used: it also speaks HTTP/2 without TLS, whose
pings and resets cost a client nothing, and it keeps what clients have closed until its keep-alive timeout.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import h11
from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config as HypercornConfig
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr, wrap_app
from starlette.types import ASGIApp

from exporter.web.tls import TlsSettings

MAX_CONNECTIONS = 1000
"""Open connections. Beyond that, the one that has been idle longest makes room."""
SHUTDOWN_GRACE = 3.0
"""Seconds that open responses get to finish at shutdown."""

_CLOSE_TIMEOUT = 1.0
"""Seconds for the end of TLS, which clients that are gone never answer."""
_ACCEPT_PAUSE = 0.1
"""Seconds until the next attempt if there is no file descriptor for a connection."""
_BLOCK_SIZE = 65536
_REFUSAL = b"HTTP/1.1 %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class ConnectionServer:
    """Serves an application on listening sockets.

    `tls` is called for each new connection; None means without encryption. `reject` is called with the reason for
    every connection that is refused before its first request.
    """

    def __init__(
        self,
        app: ASGIApp,
        stall_timeout: float,
        *,
        tls: Callable[[], TlsSettings | None],
        reject: Callable[[str], None],
    ) -> None:
        self.config = config = HypercornConfig()
        config.keep_alive_timeout = config.read_timeout = stall_timeout  # type: ignore[assignment]  # used as a float
        config.include_server_header = False
        config.accesslog = None
        config.errorlog = logging.getLogger("exporter.web")
        config.errorlog.setLevel(logging.WARNING)
        self.stall_timeout = stall_timeout
        self.app = wrap_app(app, config.wsgi_max_body_size, "asgi")  # type: ignore[arg-type]  # hypercorn's own types
        self.context = WorkerContext(None)
        self._tls = tls
        self.reject = reject
        self._open: dict[asyncio.Task[None], Connection | None] = {}

    async def serve(self, listeners: Sequence[socket.socket], stopped: Callable[[], Awaitable[object]]) -> None:
        """Serves until `stopped()` returns, then closes the listeners and waits briefly for open responses."""
        accepting = [asyncio.create_task(self._accept(listener)) for listener in listeners]
        try:
            await stopped()
        finally:
            await self.context.terminated.set()
            for task in accepting:
                task.cancel()
            await asyncio.gather(*accepting, return_exceptions=True)
            for listener in listeners:
                listener.close()
            await self._finish()

    async def _finish(self) -> None:
        for connection in self._open.values():
            if connection is not None and connection.idle:
                connection.abort()
        if self._open:
            _, unfinished = await asyncio.wait(self._open, timeout=SHUTDOWN_GRACE)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        limit = max_connections()
        while True:
            try:
                client, _ = await loop.sock_accept(listener)
            except OSError:  # no file descriptor left, or the client is gone already
                await asyncio.sleep(_ACCEPT_PAUSE)
                continue
            if len(self._open) >= limit and not self._make_room():
                self.reject("connections")
                client.close()
                continue
            task = loop.create_task(self._handle(client))
            self._open[task] = None
            task.add_done_callback(self._open.pop)

    def _make_room(self) -> bool:
        oldest = next((connection for connection in self._open.values() if connection and connection.idle), None)
        if oldest is not None:
            oldest.abort()
        return oldest is not None

    async def _handle(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        tls = self._tls()
        reader = asyncio.StreamReader(_BLOCK_SIZE, loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        encryption: dict[str, Any] = {}
        if tls is not None:
            timeouts = {"ssl_handshake_timeout": self.stall_timeout, "ssl_shutdown_timeout": _CLOSE_TIMEOUT}
            encryption = {"ssl": tls.context, **timeouts}
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, client, **encryption)
        except (OSError, TimeoutError):
            self.reject("tls")
            client.close()
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        encrypted = writer.get_extra_info("ssl_object")
        if tls is not None and encrypted is not None and not tls.admits(encrypted.getpeercert()):
            self.reject("client_certificate")
            transport.abort()
            return
        task = asyncio.current_task()
        connection = Connection(self, reader, writer)
        if task is not None:
            self._open[task] = connection
        await connection.run()


class _RefusedRequest(Exception):  # noqa: N818  # a client's mistake
    def __init__(self, reason: str, status: bytes) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class _Http11(H11Protocol):
    """Refuses what is not HTTP/1.0 or 1.1, and bodies whose length is stated twice. An upgrade to HTTP/2 is ignored."""

    async def _check_protocol(self, event: h11.Request) -> None:
        if event.http_version not in (b"1.0", b"1.1"):
            raise _RefusedRequest("http_version", b"505 HTTP Version Not Supported")
        names = {name for name, _ in event.headers}
        if {b"content-length", b"transfer-encoding"} <= names:
            # two servers that prefer different ones would see different requests
            raise _RefusedRequest("framing", b"400 Bad Request")


class Connection:
    """One connection. It is idle while no request is being answered, also in the middle of a request's headers."""

    def __init__(self, server: ConnectionServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._sending = asyncio.Lock()
        self._expiry: asyncio.TimerHandle | None = None
        self._protocol: _Http11
        self.idle = True

    async def run(self) -> None:
        """Serves requests until either side closes the connection."""
        loop = asyncio.get_running_loop()
        try:
            client, server = self._addresses()
            encrypted = self._writer.get_extra_info("ssl_object") is not None
            async with TaskGroup(loop) as tasks:
                self._protocol = _Http11(
                    self._server.app,
                    self._server.config,
                    self._server.context,
                    tasks,
                    ConnectionState({}),
                    encrypted,
                    client,
                    server,
                    self._send,
                )
                self._set_idle(idle=True)
                await self._read()
        except OSError:
            pass  # the client is gone
        finally:
            self._set_idle(idle=False)
            await self._close()

    def abort(self) -> None:
        """Closes the connection without sending what is queued."""
        self.idle = False
        self._writer.transport.abort()

    def _addresses(self) -> tuple[tuple[str, int] | None, tuple[str, int] | None]:
        connected = self._writer.get_extra_info("socket")
        return (
            parse_socket_addr(connected.family, connected.getpeername()),
            parse_socket_addr(connected.family, connected.getsockname()),
        )

    async def _read(self) -> None:
        while not self._reader.at_eof():
            try:
                data = await asyncio.wait_for(self._reader.read(_BLOCK_SIZE), self._server.stall_timeout)
                await self._protocol.handle(RawData(data))
            except (OSError, TimeoutError):
                break
            except _RefusedRequest as refusal:
                self._server.reject(refusal.reason)
                await self._write(_REFUSAL % refusal.status)
                break
        await self._protocol.handle(Closed())

    async def _send(self, event: Event) -> None:
        if isinstance(event, RawData):
            await self._write(event.data)
        elif isinstance(event, Closed):
            await self._close()
        elif isinstance(event, Updated):
            self._set_idle(idle=event.idle)

    async def _write(self, data: bytes) -> None:
        async with self._sending:
            try:
                self._writer.write(data)
                await self._writer.drain()
            except (ConnectionError, RuntimeError):
                await self._protocol.handle(Closed())

    async def _close(self) -> None:
        try:
            self._writer.close()
            await self._writer.wait_closed()
        except (OSError, RuntimeError):
            pass  # closed already

    def _set_idle(self, *, idle: bool) -> None:
        self.idle = idle
        if self._expiry is not None:
            self._expiry.cancel()
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(self._server.stall_timeout, self._writer.close) if idle else None
        if idle and self._server.context.terminated.is_set():
            self._writer.close()


def max_connections() -> int:
    """MAX_CONNECTIONS, or half the files that the process may open if that is less."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, max(files // 2, 1))
