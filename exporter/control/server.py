"""The server of the control socket: one thread accepts connections, one per connection runs its request's handler."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from threading import BoundedSemaphore, Lock, Thread
from typing import Any, TypeVar

from exporter.control.channel import SOCKET_NAME, ChannelError, address, receive_line, send_line
from exporter.control.requests import Answer, ControlRequest
from exporter.errors import ControlError, ExitCode, ExporterError, exit_code, message_lines

MAX_CONNECTIONS = 8
"""Connections at one time at most; further ones are told that the server is busy."""

REQUEST_TIMEOUT = 5.0
"""Seconds that a client may take to send its request, or to take the answer."""

SOCKET_MODE = 0o600

RequestType = TypeVar("RequestType", bound=ControlRequest)

_log = logging.getLogger(__name__)


class Handlers:
    """The handlers of requests, by the type of request."""

    def __init__(self) -> None:
        self._handlers: dict[str, Callable[[Any], Answer]] = {}

    def register(self, request_type: type[RequestType], handler: Callable[[RequestType], Answer]) -> None:
        """Has `handler` answer the requests of a type.

        It runs in a thread of its own, one request at a time. An ExporterError reaches the client with its message and
        its exit code; any other exception is logged here and reported as a bug.
        """
        self._handlers[request_type.command] = lambda arguments: handler(request_type.parse(arguments))

    def answer(self, request: Any) -> Answer:
        """The answer to `{"command", "arguments"}`. Raises ExporterError."""
        command = request.get("command") if isinstance(request, Mapping) else None
        handler = self._handlers.get(command) if isinstance(command, str) else None
        if handler is None:
            raise ControlError("the running kpi-exporter does not know this command: restart it", ExitCode.USAGE)
        return handler(request.get("arguments", {}))


class ControlServer:
    """Answers requests at the socket in the data directory, from `start` to `stop`.

    The caller holds the lock of the directory, so a socket that is already there belongs to a process that was killed.
    """

    def __init__(self, data_dir: Path, handlers: Handlers) -> None:
        self._data_dir = data_dir
        self._handlers = handlers
        self._listener: socket.socket | None = None
        self._free = BoundedSemaphore(MAX_CONNECTIONS)
        self._turn = Lock()

    def start(self) -> None:
        """Starts to answer. On a file system without sockets this only logs a warning."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            os.fchmod(listener.fileno(), SOCKET_MODE)  # on Linux, the socket's file is then created with this mode
            with address(self._data_dir) as path:
                Path(path).unlink(missing_ok=True)
                listener.bind(path)
                Path(path).chmod(SOCKET_MODE)
            listener.listen(MAX_CONNECTIONS)
        except OSError as error:
            listener.close()
            _log.warning(
                "%s cannot be created (%s): stop this process before backup, restore and similar commands",
                self._data_dir / SOCKET_NAME,
                error.strerror or error,
            )
            return
        self._listener = listener
        Thread(target=self._accept, args=(listener,), name="control", daemon=True).start()

    def stop(self) -> None:
        """Accepts no further request and removes the socket; a running handler goes on."""
        if self._listener is None:
            return
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for connections
        self._listener.close()
        self._listener = None
        with suppress(OSError), address(self._data_dir) as path:
            Path(path).unlink(missing_ok=True)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                if self._listener is not listener:
                    return
                continue
            if self._free.acquire(blocking=False):
                Thread(target=self._serve, args=(connection,), name="control-request", daemon=True).start()
            else:
                with closing(connection), suppress(ChannelError):
                    connection.settimeout(REQUEST_TIMEOUT)
                    send_line(connection, _failure("the running kpi-exporter is busy: try again", ExitCode.STORE))

    def _serve(self, connection: socket.socket) -> None:
        try:
            with closing(connection), suppress(ChannelError):
                request = receive_line(connection, REQUEST_TIMEOUT)
                with self._turn:
                    response = self._respond(request)
                connection.settimeout(REQUEST_TIMEOUT)
                send_line(connection, response)
        finally:
            self._free.release()

    def _respond(self, request: Any) -> dict[str, Any]:
        if self._listener is None:
            return _failure("the running kpi-exporter is stopping: try again", ExitCode.STORE)
        try:
            return {"answer": self._handlers.answer(request)}
        except ExporterError as error:
            return _failure("\n".join(message_lines(error)), exit_code(error))
        except Exception:  # noqa: BLE001 - a thread's edge: the client learns that it failed
            _log.exception("a request of another command failed")
            message = "this is a bug in kpi-exporter: see the log of the running process. Please report it."
            return _failure(message, ExitCode.CANNOT_START)


def _failure(message: str, code: ExitCode) -> dict[str, Any]:
    return {"error": message, "code": int(code)}
