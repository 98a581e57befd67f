"""Connections: HTTP/1.1 only, at most so many, and closed as soon as the client closes them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from exporter import naming
from exporter.web import connections
from exporter.web.server import ServedState
from tests.exposition.sample import sample_state
from tests.waiting import LIMIT, until
from tests.web.live_server import exchange, get, parsed, running

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


@pytest.fixture(scope="module")
def state() -> ServedState:
    return sample_state()


@pytest.fixture(scope="module")
def port(state: ServedState) -> Iterator[int]:
    with running(state) as port:
        yield port


def sockets() -> int:
    """Sockets that this process, and with it the server, has open."""
    return sum(_target(path).startswith("socket:") for path in Path("/proc/self/fd").iterdir())


def _target(path: Path) -> str:
    with suppress(FileNotFoundError):
        return str(path.readlink())
    return ""


def test_http2_without_tls_is_refused(port: int, state: ServedState) -> None:
    before = state.self_metrics.value(naming.HTTP_REJECTED, "http_version") or 0
    response = exchange(port, PREFACE + SETTINGS)
    assert parsed(response)[0] == 505
    assert SETTINGS not in response
    assert state.self_metrics.value(naming.HTTP_REJECTED, "http_version") == before + 1


def test_an_upgrade_to_http2_is_ignored(port: int) -> None:
    settings = "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"
    lines = ["GET /-/healthy HTTP/1.1", "Host: x", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", settings]
    with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("path", ["/metrics", "/push/crm"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_body_whose_length_is_stated_twice_is_refused(port: int, path: str, order: tuple[int, int]) -> None:
    framing = ["Content-Length: 5", "Transfer-Encoding: chunked"]
    head = [f"POST {path} HTTP/1.1", "Host: x", *(framing[index] for index in order), "", ""]
    response = exchange(port, "\r\n".join(head).encode() + b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert parsed(response)[0] == 400
    assert response.count(b"HTTP/1.1 ") == 1  # what follows is not a second request


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Host: y\r\n",
        b" folded\r\n",
        b"Name : value\r\n",
        b"Name: a\x00b\r\n",
    ],
)
def test_ambiguous_framing_is_refused(port: int, headers: bytes) -> None:
    response = exchange(port, b"POST /push/crm HTTP/1.1\r\nHost: x\r\n" + headers + b"Connection: close\r\n\r\n")
    assert response[9:10] in (b"4", b"5")
    assert response.count(b"HTTP/1.1 ") == 1


def test_connections_that_clients_close_are_closed_at_once(port: int) -> None:
    before = sockets()
    for _ in range(300):
        socket.create_connection(("127.0.0.1", port), LIMIT).close()
    until(lambda: sockets() <= before + 2)  # the stall timeout of this server never passes
    assert get(port, "/-/healthy")[0] == 200


def test_a_connection_closed_in_the_middle_of_a_request_is_closed_at_once(port: int) -> None:
    before = sockets()
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Half: ")
    until(lambda: sockets() <= before + 2)


def test_a_client_that_only_stops_sending_still_gets_its_response(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
        connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: connection.recv(65536), b"")).endswith(b"healthy\n")


def test_the_connection_that_is_idle_longest_makes_room_for_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 20)
    with running(sample_state()) as port, ExitStack() as stack:
        clients = [
            stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), LIMIT))) for _ in range(20)
        ]
        clients[-1].sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert clients[-1].recv(65536)  # the server has accepted them all
        assert get(port, "/-/healthy")[0] == 200
        assert clients[0].recv(1) == b""
        clients[-1].sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert clients[-1].recv(65536)
