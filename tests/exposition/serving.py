"""A real server on a free loopback port, and a client that sends bytes as they are."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from exporter.web.server import ServedState, bind, create_app, serve


@contextmanager
def running(state: ServedState, stalled: float = 10) -> Iterator[int]:
    """Serves in a thread of its own; gives the port."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    listening = bind("127.0.0.1", 0)
    port: int = listening.getsockname()[1]
    thread = Thread(
        target=loop.run_until_complete, args=(serve(create_app(state), listening, stop.wait, stalled=stalled),)
    )
    thread.start()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(15)
        assert not thread.is_alive()
        loop.close()


def exchange(port: int, request: bytes, timeout: float = 10) -> bytes:
    """Everything the server answers to `request` until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def get(port: int, path: str, *headers: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case and body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: test", "Connection: close", *headers, "", ""]
    return parsed(exchange(port, "\r\n".join(lines).encode()))


def parsed(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case and body of an answer."""
    head, _, content = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), {k.lower(): v for k, _, v in (line.partition(": ") for line in rest)}, content
