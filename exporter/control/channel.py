"""The socket's address, and lines of JSON over a connection, limited in size and time."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

SOCKET_NAME = "kpi.sock"

MAX_LINE = 1024 * 1024
"""Bytes of a request or an answer at most."""

_DESCRIPTORS = Path("/proc/self/fd")
_BLOCK = 65536


class ChannelError(Exception):
    """The peer closed the connection, was too slow, or sent something other than one line of JSON."""


@contextmanager
def address(data_dir: Path) -> Iterator[str]:
    """The socket's address, valid while the block runs.

    Addresses of Unix sockets are limited to 107 bytes, so the directory is named by a descriptor where possible.
    Raises OSError if there is no such directory.
    """
    directory = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        folder = _DESCRIPTORS / str(directory)
        yield str((folder if folder.exists() else data_dir) / SOCKET_NAME)
    finally:
        os.close(directory)


def send_line(connection: socket.socket, content: Any) -> None:
    """Sends the content as a line of JSON. Raises ChannelError."""
    try:
        connection.sendall(orjson.dumps(content) + b"\n")
    except OSError as error:
        raise ChannelError(f"the connection failed: {error.strerror or error}") from error


def receive_line(connection: socket.socket, timeout: float | None) -> Any:
    """The content of the line that the peer sends within `timeout` seconds in total. Raises ChannelError."""
    deadline = None if timeout is None else time.monotonic() + timeout
    received = bytearray()
    while b"\n" not in received:
        if len(received) > MAX_LINE:
            raise ChannelError("the message is too long")
        received += _receive(connection, deadline)
    try:
        return orjson.loads(bytes(received).partition(b"\n")[0])
    except ValueError:
        raise ChannelError("the message is not JSON") from None


def _receive(connection: socket.socket, deadline: float | None) -> bytes:
    try:
        connection.settimeout(None if deadline is None else max(deadline - time.monotonic(), 0.001))
        block = connection.recv(_BLOCK)
    except OSError as error:
        raise ChannelError(f"the connection failed: {error.strerror or 'nothing was sent in time'}") from error
    if not block:
        raise ChannelError("the connection was closed")
    return block
