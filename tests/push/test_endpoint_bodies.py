"""Posts over real sockets: bodies that are too large, too slow or cut off, and whether the sender gets the response."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import orjson
import pytest

from exporter.push import endpoint
from exporter.push.body import MAX_BYTES
from exporter.web.server import ServedState
from tests.push.fake_deliveries import AUTH, JSON, STORED, FakeDeliveries, results, send
from tests.waiting import LIMIT, until
from tests.web.live_server import exchange, get, parsed


def test_a_body_is_limited_to_a_megabyte_declared_or_counted(
    port: int, deliveries: FakeDeliveries, state: ServedState
) -> None:
    assert send(port, body=b" " * MAX_BYTES)[0] == 200
    assert send(port, body=b" " * (MAX_BYTES + 1))[0] == 413
    chunk = b"%x\r\n" % 65536 + b" " * 65536 + b"\r\n"
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{AUTH}\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert parsed(exchange(port, head + 16 * chunk + b"0\r\n\r\n" + b"GET / HTTP/1.1\r\n\r\n"))[0] == 200
    assert parsed(exchange(port, head + 17 * chunk + b"0\r\n\r\n"))[0] == 413
    assert results(state) == {"accepted": 2, "too_large": 2}
    assert [len(post.body) for post in deliveries.posts] == [MAX_BYTES, MAX_BYTES]


@pytest.mark.parametrize("auth", [AUTH, "Authorization: Bearer none"])
@pytest.mark.parametrize("length", ["Content-Length: 50000000", "Transfer-Encoding: chunked"])
def test_a_sender_of_fifty_megabytes_receives_the_rejection(
    port: int, auth: str, length: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "DRAIN_TIMEOUT", LIMIT)
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{auth}\r\n{JSON}\r\n{length}\r\n\r\n".encode()
    piece = b"x" * 1_000_000
    if "chunked" in length:
        piece = b"%x\r\n" % len(piece) + piece + b"\r\n"
    with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
        connection.sendall(head)
        for _ in range(50):
            connection.sendall(piece)
        connection.sendall(b"0\r\n\r\n" if "chunked" in length else b"")
        assert connection.recv(65536)[9:12] == (b"413" if auth == AUTH else b"401")


def test_a_slow_body_times_out(
    port: int, deliveries: FakeDeliveries, state: ServedState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "BODY_TIMEOUT", 0.3)
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{AUTH}\r\n{JSON}\r\nContent-Length: 9\r\n\r\n[".encode()
    assert parsed(exchange(port, head))[0] == 408
    assert (deliveries.posts, results(state)) == ([], {"timeout": 1})


def test_a_slow_rejected_body_times_out_too(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "DRAIN_TIMEOUT", 0.3)
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{JSON}\r\nContent-Length: 9\r\n\r\n[".encode()
    assert parsed(exchange(port, head))[0] == 401


def test_a_body_that_is_cut_off_is_rejected(port: int, deliveries: FakeDeliveries, state: ServedState) -> None:
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{AUTH}\r\nContent-Type: text/csv\r\n".encode()
    for half in (b"Content-Length: 99\r\n\r\nid\n1\n", b"Transfer-Encoding: chunked\r\n\r\n5\r\nid\n1\n\r\n"):
        with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
            connection.sendall(head + half)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(4096)
    until(lambda: results(state) == {"rejected": 2})
    assert deliveries.posts == []


def test_posts_with_slow_bodies_do_not_delay_scrapes(port: int) -> None:
    """There are more posts than slots for scrapes, with and without the token."""
    with ExitStack() as stack:
        for number in range(80):
            auth = AUTH if number % 2 else "X: y"
            head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{auth}\r\n{JSON}\r\nContent-Length: 9\r\n\r\n[".encode()
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), LIMIT))
            connection.sendall(head)
        assert [get(port, "/metrics")[0] for _ in range(20)] == [200] * 20


def test_a_connection_can_be_reused(port: int, deliveries: FakeDeliveries) -> None:
    one = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{AUTH}\r\n{JSON}\r\nContent-Length: 2\r\n\r\n[]".encode()
    with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
        for _ in range(3):
            connection.sendall(one)
            response = b""
            while not response.endswith(orjson.dumps(STORED.as_json())):
                response += connection.recv(4096)
            assert response.startswith(b"HTTP/1.1 200")
    assert len(deliveries.posts) == 3
