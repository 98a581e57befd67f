"""Posts over real sockets: bodies that are too large, drip or break off, and that a refusal reaches its sender."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from exporter.push import posting
from exporter.push.body import MOST_BYTES
from exporter.web.server import ServedState
from tests.push.receiver import AUTH, JSON, Desk, counted, send, until
from tests.web.live_server import exchange, get, parsed


def test_a_body_is_a_megabyte_at_most_declared_or_counted(port: int, desk: Desk, state: ServedState) -> None:
    assert send(port, body=b" " * MOST_BYTES)[0] == 200
    assert send(port, body=b" " * (MOST_BYTES + 1))[0] == 413
    chunk = b"%x\r\n" % 65536 + b" " * 65536 + b"\r\n"
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{AUTH}\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert parsed(exchange(port, head + 16 * chunk + b"0\r\n\r\n" + b"GET / HTTP/1.1\r\n\r\n"))[0] == 200
    assert parsed(exchange(port, head + 17 * chunk + b"0\r\n\r\n"))[0] == 413
    assert counted(state) == {"accepted": 2, "too_large": 2}
    assert [len(post.body) for post in desk.posts] == [MOST_BYTES, MOST_BYTES]


@pytest.mark.parametrize("auth", [AUTH, "Authorization: Bearer none"])
@pytest.mark.parametrize("length", ["Content-Length: 50000000", "Transfer-Encoding: chunked"])
def test_the_refusal_of_fifty_megabytes_reaches_a_sender_that_sends_them_all(
    port: int, auth: str, length: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "DRAIN", 60.0)
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{auth}\r\n{JSON}\r\n{length}\r\n\r\n".encode()
    piece = b"x" * 1_000_000
    if "chunked" in length:
        piece = b"%x\r\n" % len(piece) + piece + b"\r\n"
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(head)
        for _ in range(50):
            connection.sendall(piece)
        connection.sendall(b"0\r\n\r\n" if "chunked" in length else b"")
        assert connection.recv(65536)[9:12] == (b"413" if auth == AUTH else b"401")


def test_a_body_that_drips_is_given_up(
    port: int, desk: Desk, state: ServedState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "RECEIVE", 0.3)
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{AUTH}\r\n{JSON}\r\nContent-Length: 9\r\n\r\n[".encode()
    assert parsed(exchange(port, head))[0] == 408
    assert (desk.posts, counted(state)) == ([], {"timeout": 1})


def test_a_refused_body_that_drips_is_given_up_too(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "DRAIN", 0.3)
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{JSON}\r\nContent-Length: 9\r\n\r\n[".encode()
    assert parsed(exchange(port, head))[0] == 401


def test_half_a_body_is_no_post(port: int, desk: Desk, state: ServedState) -> None:
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{AUTH}\r\nContent-Type: text/csv\r\n".encode()
    for half in (b"Content-Length: 99\r\n\r\nid\n1\n", b"Transfer-Encoding: chunked\r\n\r\n5\r\nid\n1\n\r\n"):
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(head + half)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(4096)
    until(lambda: counted(state) == {"rejected": 2})
    assert desk.posts == []


def test_posts_whose_bodies_drip_keep_no_scrape_waiting(port: int) -> None:
    """More of them than there are turns for scrapes, with and without the token."""
    with ExitStack() as stack:
        for number in range(80):
            auth = AUTH if number % 2 else "X: y"
            head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{auth}\r\n{JSON}\r\nContent-Length: 9\r\n\r\n[".encode()
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            connection.sendall(head)
        assert [get(port, "/metrics")[0] for _ in range(20)] == [200] * 20


def test_a_kept_alive_connection_posts_again_and_again(port: int, desk: Desk) -> None:
    one = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{AUTH}\r\n{JSON}\r\nContent-Length: 2\r\n\r\n[]".encode()
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        for _ in range(3):
            connection.sendall(one)
            answer = b""
            while not answer.endswith(b'{"new":1}'):
                answer += connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200")
    assert len(desk.posts) == 3
