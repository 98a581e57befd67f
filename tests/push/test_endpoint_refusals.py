"""Posts over real sockets that are too frequent or cannot be stored are not acknowledged."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from exporter import naming
from exporter.errors import PostError, Reason, StoreError
from exporter.push import endpoint
from exporter.push import inbox as push_inbox
from exporter.push.body import MAX_BYTES, Post
from exporter.push.deliveries import Delivery
from exporter.web.server import ServedState
from tests.push.fake_deliveries import JSON, STORED, FakeDeliveries, results, send
from tests.push.posts import TOKEN, inbox
from tests.sources.source_context import source_context
from tests.waiting import LIMIT, until
from tests.web.live_server import get, parsed, running


def test_a_source_over_its_rate_is_told_when_to_retry(
    port: int, deliveries: FakeDeliveries, state: ServedState
) -> None:
    deliveries.inboxes["slow"] = inbox(context=source_context(TOKEN=TOKEN), max_per_second=0.25)
    statuses = [send(port, "/push/slow")[0] for _ in range(3)]
    assert statuses == [200, 200, 429]
    status, headers, _ = send(port, "/push/slow")
    assert (status, headers["retry-after"]) == (429, "2")
    assert send(port, "/push/slow", JSON)[0] == 401
    assert send(port, "/push/shop")[0] == 200
    assert len(deliveries.posts) == 3


def stored_after(event: Event) -> Callable[[Post], Delivery]:
    def store(_: Post) -> Delivery:
        event.wait(LIMIT)
        return STORED

    return store


def fail(error: Exception) -> Callable[[Post], Delivery]:
    def store(_: Post) -> Delivery:
        raise error

    return store


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PostError(Reason.NOT_JSON, "no JSON"), 400),
        (PostError(Reason.TOO_LARGE, "too many records"), 413),
        (StoreError("/data/kpi.duckdb: the disk is full"), 503),
    ],
)
def test_a_post_that_cannot_be_stored_is_not_acknowledged(
    port: int, deliveries: FakeDeliveries, error: Exception, status: int
) -> None:
    deliveries.store = fail(error)
    actual, headers, content = send(port)
    assert actual == status
    assert ("retry-after" in headers) == (status == 503)
    assert b"/data" not in content


def test_bodies_are_not_read_while_nothing_can_be_stored(
    port: int, deliveries: FakeDeliveries, state: ServedState
) -> None:
    deliveries.available = False
    status, headers, _ = send(port, body=b" " * MAX_BYTES)
    assert (status, headers["retry-after"]) == (503, "5")
    assert (deliveries.posts, results(state)) == ([], {"unavailable": 1})
    state.deliveries = None
    status, headers, _ = send(port)
    assert (status, headers["retry-after"]) == (503, "1")
    assert state.self_metrics.value(naming.HTTP_REJECTED, "starting") == 1


def test_an_unreadable_token_admits_nobody(port: int, deliveries: FakeDeliveries) -> None:
    deliveries.inboxes["lost"] = inbox(token={"file": "/nowhere/token"})
    assert send(port, "/push/lost")[0] == 503
    assert deliveries.posts == []


def test_a_rotated_token_is_admitted_without_a_restart(
    port: int, deliveries: FakeDeliveries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_inbox, "TOKEN_CHECK_INTERVAL", 0.0)
    (tmp_path / "token").write_text("the-token-of-last-year")
    context = source_context(base=tmp_path, monotonic=time.monotonic)
    deliveries.inboxes["filed"] = inbox(token={"file": "token"}, context=context)
    assert send(port, "/push/filed", "Authorization: Bearer the-token-of-last-year", JSON)[0] == 200
    (tmp_path / "token").write_text(TOKEN)
    assert send(port, "/push/filed")[0] == 200
    assert send(port, "/push/filed", "Authorization: Bearer the-token-of-last-year", JSON)[0] == 401


def test_a_token_file_that_hangs_delays_neither_other_requests_nor_posts_for_long(
    port: int, deliveries: FakeDeliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_inbox, "TOKEN_CHECK_INTERVAL", 0.0)
    monkeypatch.setattr(endpoint, "TOKEN_TIMEOUT", 0.05)
    shop, free = inbox(context=source_context(TOKEN=TOKEN, monotonic=time.monotonic)), Event()
    monkeypatch.setattr(shop, "refresh_token", lambda: free.wait(LIMIT))
    deliveries.inboxes["stuck"] = shop
    try:
        assert send(port, "/push/stuck")[0] == 200
        assert get(port, "/-/healthy")[0] == 200
    finally:
        free.set()


def from_address(address: str, port: int, token: str) -> tuple[int, dict[str, str]]:
    """Status and headers of a post from another address of this machine."""
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n{JSON}\r\n"
    with socket.create_connection(("127.0.0.1", port), LIMIT, source_address=(address, 0)) as connection:
        connection.sendall(f"{head}Authorization: Bearer {token}\r\n\r\n[]".encode())
        return parsed(b"".join(iter(lambda: connection.recv(65536), b"")))[:2]


def test_guesses_are_limited_per_address(port: int, deliveries: FakeDeliveries, state: ServedState) -> None:
    statuses = [from_address("127.0.0.2", port, f"guess-number-{n:04}")[0] for n in range(15)]
    assert statuses == [401] * 10 + [429] * 5
    status, headers = from_address("127.0.0.2", port, TOKEN)  # otherwise guessing could go on
    assert status == 429
    assert 1 <= int(headers["retry-after"]) <= 6
    assert [from_address(address, port, TOKEN)[0] for address in ("127.0.0.1", "127.0.0.3")] == [200, 200]
    assert results(state) == {"unauthorized": 10, "rate_limited": 6, "accepted": 2}


def test_a_post_that_takes_too_long_to_store_is_not_acknowledged(
    port: int, deliveries: FakeDeliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "STORE_TIMEOUT", 0.1)
    free = Event()
    deliveries.store = stored_after(free)
    try:
        assert send(port)[0] == 503
    finally:
        free.set()


def test_a_post_keeps_its_slot_until_it_is_stored(
    state: ServedState, deliveries: FakeDeliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many senders are told to retry, no more bodies are in memory than there are slots."""
    monkeypatch.setattr(endpoint, "STORE_TIMEOUT", 0.1)
    monkeypatch.setattr(endpoint, "SLOT_TIMEOUT", 0.1)
    monkeypatch.setattr(endpoint, "MAX_POSTS", 1)
    free = Event()
    deliveries.store = stored_after(free)
    with running(state) as port:
        assert [send(port)[0] for _ in range(3)] == [503, 503, 503]
        assert len(deliveries.posts) == 1
        free.set()
        until(lambda: send(port)[0] == 200)
        assert len(deliveries.posts) == 2


def test_posts_wait_for_a_slot_and_are_told_to_retry_if_none_is_free(
    state: ServedState, deliveries: FakeDeliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "MAX_POSTS", 2)
    monkeypatch.setattr(endpoint, "SLOT_TIMEOUT", 0.2)
    free = Event()
    deliveries.store = stored_after(free)
    with running(state) as port, ThreadPoolExecutor(4) as pool:
        requests = [pool.submit(send, port) for _ in range(4)]
        until(lambda: sum(request.done() for request in requests) == 2)
        assert [request.result()[0] for request in requests if request.done()] == [503, 503]
        assert get(port, "/metrics")[0] == 200
        free.set()
        assert sorted(request.result()[0] for request in requests) == [200, 200, 503, 503]
