"""How the sql provider ends a statement from another thread: at the database, and else by cutting the connection."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from exporter.sources.blocking import Cancellation

CANCEL_SECONDS = 5.0
"""How long a server may take to accept a cancellation."""


@contextmanager
def cancelled_by(
    cancellation: Cancellation, engine: str, connection: Any, connect: Callable[..., Any]
) -> Iterator[None]:
    """While the block runs, the cancellation ends what the connection executes; `connect` opens another connection.

    If a server does not react, the connection to it is cut.
    """
    if engine not in _CANCEL:
        with cancellation.by(connection.interrupt):
            yield
        return
    descriptor, cancel = _CANCEL[engine]
    # a descriptor of our own, because after a close another connection may get the number
    wire = socket.socket(fileno=os.dup(descriptor(connection)))
    cut = partial(wire.shutdown, socket.SHUT_RDWR)
    with closing(wire), cancellation.by(partial(cancel, connection, connect), cut):
        yield


def _postgresql(connection: Any, _connect: Callable[..., Any]) -> None:
    connection.cancel_safe(timeout=CANCEL_SECONDS)


def _mysql(connection: Any, connect: Callable[..., Any]) -> None:
    # the same server, even if its name stands for several or for another one by now
    address = connection._sock.getpeername()[0]  # noqa: SLF001 - PyMySQL has no other way
    with closing(connect(address=address)) as other, other.cursor() as cursor:
        cursor.execute("KILL QUERY %s", (connection.thread_id(),))


_CANCEL: dict[str, tuple[Callable[[Any], int], Callable[[Any, Callable[..., Any]], None]]] = {
    "postgresql": (lambda connection: int(connection.fileno()), _postgresql),
    "mysql": (lambda connection: int(connection._sock.fileno()), _mysql),  # noqa: SLF001 - PyMySQL has no other way
}
