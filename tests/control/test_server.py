"""The control socket: who is answered, how much is accepted, and what is left behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any, ClassVar

import pytest

from exporter.control import client, server
from exporter.control.channel import MAX_LINE, SOCKET_NAME, ChannelError, address, receive_line, send_line
from exporter.control.client import ask, ask_or_perform
from exporter.control.requests import Answer, ControlRequest
from exporter.control.server import MAX_CONNECTIONS, ControlServer, Handlers
from exporter.errors import ConfigError, ControlError, ExitCode, Problem, StoreError, StoreLockedError
from tests.waiting import until


@dataclass(frozen=True, slots=True)
class Echo(ControlRequest):
    command: ClassVar[str] = "echo"
    text: str


@dataclass(frozen=True, slots=True)
class Unknown(ControlRequest):
    command: ClassVar[str] = "unknown"


def echo(request: Echo) -> Answer:
    return {"text": request.text, "pid": os.getpid()}


@contextmanager
def serving(data_dir: Path, handler: Any = echo) -> Iterator[ControlServer]:
    handlers = Handlers()
    handlers.register(Echo, handler)
    running = ControlServer(data_dir, handlers)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def connected(data_dir: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with address(data_dir) as path:
        connection.connect(path)
    return connection


def test_a_request_is_answered(tmp_path: Path) -> None:
    with serving(tmp_path):
        assert ask(tmp_path, Echo("grüezi")) == {"text": "grüezi", "pid": os.getpid()}
        assert ask(tmp_path, Echo("x" * 500_000)) == {"text": "x" * 500_000, "pid": os.getpid()}


def test_only_the_owner_may_connect_and_the_socket_is_removed_at_the_end(tmp_path: Path) -> None:
    with serving(tmp_path):
        mode = (tmp_path / SOCKET_NAME).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
    assert list(tmp_path.iterdir()) == []
    assert ask(tmp_path, Echo("x")) is None


def test_a_path_longer_than_socket_addresses_works(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40) / ("longer" * 30)
    folder.mkdir(parents=True)
    assert len(str(folder)) > 300
    with serving(folder):
        assert ask(folder, Echo("x")) is not None


def test_the_socket_of_a_killed_process_is_replaced(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        with address(tmp_path) as path:
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).bind(path)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert (tmp_path / SOCKET_NAME).exists()
    assert ask(tmp_path, Echo("x")) is None
    with serving(tmp_path):
        assert ask(tmp_path, Echo("x")) is not None


def test_a_directory_that_cannot_have_a_socket_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / SOCKET_NAME).mkdir()
    with serving(tmp_path):
        pass
    assert "stop this process before backup" in caplog.text


@pytest.mark.parametrize("body", [b"nonsense\n", b"[" * 5000 + b"\n", b"\xff\n", b"x" * (MAX_LINE + 100_000)])
def test_what_is_not_a_request_is_not_answered(tmp_path: Path, body: bytes) -> None:
    with serving(tmp_path):
        with closing(connected(tmp_path)) as connection:
            with suppress(OSError):  # the server may close before it has read everything
                connection.sendall(body)
            with pytest.raises(ChannelError):
                receive_line(connection, None)
        assert ask(tmp_path, Echo("x")) is not None


@pytest.mark.parametrize("request_", [[], {}, {"command": ["echo"]}, {"command": "other"}, {"command": "echo"}])
def test_an_unknown_request_is_wrong_usage(tmp_path: Path, request_: Any) -> None:
    with serving(tmp_path), closing(connected(tmp_path)) as connection:
        send_line(connection, request_)
        assert receive_line(connection, None)["code"] == 2


def test_a_silent_client_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUEST_TIMEOUT", 0.1)
    with serving(tmp_path), closing(connected(tmp_path)) as silent, closing(connected(tmp_path)) as slow:
        slow.sendall(b'{"command"')
        for connection in (silent, slow):
            with pytest.raises(ChannelError, match="closed"):
                receive_line(connection, None)


def test_connections_are_limited(tmp_path: Path) -> None:
    with serving(tmp_path), ExitStack() as stack:
        idle = [stack.enter_context(closing(connected(tmp_path))) for _ in range(MAX_CONNECTIONS)]
        with pytest.raises(ControlError, match="busy"):
            ask(tmp_path, Echo("x"))
        idle[0].close()
        until(lambda: _answered(tmp_path))


def _answered(data_dir: Path) -> bool:
    try:
        return ask(data_dir, Echo("x")) is not None
    except ControlError:
        return False


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (StoreError("the disk is full"), ExitCode.STORE, "the disk is full"),
        (ConfigError([Problem("a", 1, "", "b"), Problem("c", 2, "", "d")]), ExitCode.USAGE, "a:1: b\nc:2: d"),
        (ValueError("secret"), ExitCode.CANNOT_START, "this is a bug"),
    ],
)
def test_an_error_reaches_the_client_with_its_exit_code(
    tmp_path: Path, error: Exception, code: ExitCode, message: str
) -> None:
    def fail(_: Echo) -> Answer:
        raise error

    with serving(tmp_path, fail):
        with pytest.raises(ControlError, match=message) as caught:
            ask(tmp_path, Echo("x"))
        assert caught.value.code is code
        assert "secret" not in str(caught.value)
        with pytest.raises(ControlError, match="does not know"):
            ask(tmp_path, Unknown())


def test_requests_are_handled_one_at_a_time(tmp_path: Path) -> None:
    running, most = 0, 0
    answers: list[Answer | None] = []

    def count(_: Echo) -> Answer:
        nonlocal running, most
        running += 1
        most = max(most, running)
        running -= 1
        return {}

    with serving(tmp_path, count):
        threads = [Thread(target=lambda: answers.append(ask(tmp_path, Echo("x")))) for _ in range(MAX_CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [{}] * MAX_CONNECTIONS
    assert most == 1


def test_a_process_that_ends_before_it_answers_is_reported(tmp_path: Path) -> None:
    with address(tmp_path) as path, closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
        listener.bind(path)
        listener.listen()

        def end() -> None:
            listener.accept()[0].close()

        ending = Thread(target=end)
        ending.start()
        with pytest.raises(ControlError, match="did not answer") as caught:
            ask(tmp_path, Echo("x"))
        ending.join()
    assert caught.value.code is ExitCode.STORE


def test_a_stop_lets_the_running_request_end_and_takes_no_other(tmp_path: Path) -> None:
    began, end = Event(), Event()
    answers: list[Answer | None] = []

    def wait(_: Echo) -> Answer:
        began.set()
        end.wait()
        return {"done": True}

    with serving(tmp_path, wait) as running:
        asking = Thread(target=lambda: answers.append(ask(tmp_path, Echo("x"))))
        asking.start()
        began.wait()
        running.stop()
        assert ask(tmp_path, Echo("x")) is None
        end.set()
        asking.join()
    assert answers == [{"done": True}]


def test_without_a_running_process_the_command_does_it_itself(tmp_path: Path) -> None:
    assert ask_or_perform(tmp_path / "none", Echo("x"), lambda: {"own": True}) == {"own": True}
    with serving(tmp_path):
        assert "pid" in ask_or_perform(tmp_path, Echo("x"), lambda: {"own": True})


def test_a_process_that_is_starting_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[int] = []

    def locked() -> Answer:
        attempts.append(1)
        if len(attempts) == 3:
            starting.start()
        raise StoreLockedError(tmp_path)

    handlers = Handlers()
    handlers.register(Echo, echo)
    starting = ControlServer(tmp_path, handlers)
    try:
        assert "pid" in ask_or_perform(tmp_path, Echo("x"), locked)
    finally:
        starting.stop()
    monkeypatch.setattr(client, "START_TIMEOUT", 0.2)
    with pytest.raises(StoreLockedError):
        ask_or_perform(tmp_path, Echo("x"), locked)
