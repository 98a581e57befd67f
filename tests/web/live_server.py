"""Runs the web server on a free loopback port; a client that sends raw bytes."""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread

from exporter.web.hosts import AllowedHosts
from exporter.web.server import ServedState, bind, create_app, serve
from tests.waiting import LIMIT

DEFAULT_HOSTS = AllowedHosts()


@contextmanager
def running(state: ServedState, stall_timeout: float = LIMIT, hosts: AllowedHosts = DEFAULT_HOSTS) -> Iterator[int]:
    """Serves `state` in a thread; gives the port."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    listener = bind("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    server = serve(create_app(state, hosts), [listener], stop.wait, state, stall_timeout=stall_timeout)
    thread = Thread(target=loop.run_until_complete, args=(server,))
    thread.start()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(LIMIT)
        assert not thread.is_alive()
        loop.close()


def exchange(port: int, request: bytes, timeout: float = LIMIT, tls: ssl.SSLContext | None = None) -> bytes:
    """Everything the server sends after `request` until it closes the connection."""
    with ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout))
        if tls is not None:
            connection = stack.enter_context(tls.wrap_socket(connection, server_hostname="127.0.0.1"))
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def get(
    port: int, path: str, *headers: str, method: str = "GET", tls: ssl.SSLContext | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case and body of a response."""
    host = [] if any(header.lower().startswith("host:") for header in headers) else ["Host: test"]
    lines = [f"{method} {path} HTTP/1.1", *host, "Connection: close", *headers, "", ""]
    return parsed(exchange(port, "\r\n".join(lines).encode(), tls=tls))


def basic(user: str, password: str) -> str:
    """The header with which a user signs in."""
    return f"Authorization: Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def parsed(response: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case and body of a raw response."""
    head, _, content = response.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), {k.lower(): v for k, _, v in (line.partition(": ") for line in rest)}, content
