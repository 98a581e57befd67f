"""The client of the control socket, for commands."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from exporter.control.channel import ChannelError, address, receive_line, send_line
from exporter.control.requests import Answer, ControlRequest
from exporter.errors import ControlError, ExitCode, StoreLockedError

CONNECT_TIMEOUT = 5.0

START_TIMEOUT = 15.0
"""Seconds to wait for the process that uses the directory: it may be starting or stopping, without a socket."""

_RETRY_INTERVAL = 0.1


def ask_or_perform(data_dir: Path, request: ControlRequest, perform: Callable[[], Answer]) -> Answer:
    """Has the `serve` that runs in the data directory answer the request; if none does, calls `perform`.

    `perform` takes the lock of the directory, as `Store.open` does, or raises StoreLockedError. Raises ControlError for
    what failed in the running process, and StoreLockedError if another command uses the directory.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        answer = ask(data_dir, request)
        if answer is not None:
            return answer
        try:
            return perform()
        except StoreLockedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_INTERVAL)


def ask(data_dir: Path, request: ControlRequest) -> Answer | None:
    """The answer of the running `serve`, however long it takes; None if none runs in the data directory.

    Raises ControlError.
    """
    connection = _connect(data_dir)
    if connection is None:
        return None
    with connection:
        try:
            send_line(connection, request.as_json())
            response = receive_line(connection, timeout=None)
        except ChannelError as error:
            message = f"the running kpi-exporter did not answer: {error}: see its log, then try again"
            raise ControlError(message, ExitCode.STORE) from error
    return _answer(response)


def _connect(data_dir: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(CONNECT_TIMEOUT)
    try:
        with address(data_dir) as path:
            connection.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError as error:
        connection.close()
        message = f"the kpi-exporter that runs in {data_dir} cannot be asked: {error.strerror or error}"
        raise ControlError(f"{message}: run this command as its user", ExitCode.STORE) from error
    return connection


def _answer(response: Any) -> Answer:
    if isinstance(response, Mapping) and isinstance(answer := response.get("answer"), Mapping):
        return answer
    if isinstance(response, Mapping) and isinstance(message := response.get("error"), str):
        raise ControlError(message, ExitCode(response["code"]))
    raise ControlError("the running kpi-exporter is of another version: restart it", ExitCode.STORE)
