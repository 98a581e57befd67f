"""Posts over real sockets: who may, how much at once, and that a refusal always reaches its sender."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import pytest

from exporter import naming
from exporter.errors import PostError, Reason, StoreError
from exporter.exposition import posting, push
from exporter.exposition.ledger import Ledger
from exporter.exposition.server import Exposed
from exporter.sources.posted import MOST_BYTES, Post
from exporter.sources.push import PushSource
from tests.exposition.serving import exchange, get, running
from tests.exposition.test_server import sample_exposed
from tests.sources.around import surroundings
from tests.sources.posts import TOKEN, source

AUTH = f"Authorization: Bearer {TOKEN}"
JSON = "Content-Type: application/json"
CANARY = "canary-in-the-body"


@dataclass
class Taken:
    """A delivery of as many records as were posted."""

    records: list[Any]
    taken: bool = True

    def as_json(self) -> dict[str, Any]:
        return {"new": len(self.records)}


@dataclass
class Desk:
    """A receiver that remembers; `act` may fail instead."""

    sources: dict[str, PushSource]
    able: bool = True
    posts: list[Post] = field(default_factory=list)
    act: Callable[[Post], Taken] = lambda post: Taken([post])

    def deliver(self, source: PushSource, post: Post) -> Taken:
        assert source.name in self.sources or source.name == "source"
        self.posts.append(post)
        return self.act(post)


@pytest.fixture
def desk() -> Desk:
    around = surroundings(TOKEN=TOKEN)
    return Desk({"shop": source("deals", around=around), "both": source("deals", "people", around=around)})


@pytest.fixture
def exposed(desk: Desk) -> Exposed:
    shown = sample_exposed()
    shown.ledger = Ledger()
    shown.receiver = desk
    return shown


@pytest.fixture
def port(exposed: Exposed) -> Iterator[int]:
    with running(exposed) as port:
        yield port


def send(
    port: int, path: str = "/push/shop", *headers: str, body: bytes = b"[]", method: str = "POST"
) -> tuple[int, dict[str, str], bytes]:
    """Posts a body; by default with the token, as JSON."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}"]
    request = "\r\n".join([*lines, *(headers or (AUTH, JSON)), "", ""]).encode("latin-1") + body
    return parsed(exchange(port, request))


def parsed(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, content = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), {k.lower(): v for k, _, v in (line.partition(": ") for line in rest)}, content


def counted(exposed: Exposed, name: str = "source") -> dict[str, float]:
    return {labels[1]: n for labels, n in exposed.ledger.snapshot()[naming.PUSH_POSTS].items() if labels[0] == name}


def test_a_post_is_handed_on_as_it_is_and_answered_in_json(port: int, desk: Desk, exposed: Exposed) -> None:
    status, headers, content = send(port, body=b'{"id": 1}')
    assert (status, headers["content-type"], json.loads(content)) == (200, "application/json", {"new": 1})
    assert int(headers["content-length"]) == len(content)
    assert headers["cache-control"] == "no-store"
    assert (
        send(port, "/push/both/people?complete=true", AUTH, "Content-Type: Text/CSV; charset=UTF-8", body=b"id\n")[0]
        == 200
    )
    assert send(port, "/push/both?complete=0", AUTH, "Content-Type: application/cloudevents+json")[0] == 200
    assert desk.posts == [
        Post(b'{"id": 1}'),
        Post(b"id\n", is_csv=True, entity="people", complete=True),
        Post(b"[]"),
    ]
    assert counted(exposed) == {"accepted": 3}


def test_a_post_of_which_nothing_could_be_taken_is_a_bad_request(port: int, desk: Desk, exposed: Exposed) -> None:
    desk.act = lambda post: Taken([], taken=False)
    assert send(port)[::2] == (400, b'{"new":0}')
    assert counted(exposed) == {"rejected": 1}


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Authorization: Bearer",),
        (f"Authorization: Bearer {TOKEN}x",),
        (f"Authorization: Basic {TOKEN}",),
        (f"Authorization: {TOKEN}",),
        ("Authorization: Bearer t\xf6k\xe9n-\xff",),
        (AUTH, AUTH),
        (f"X-Token: {TOKEN}",),
        ("Authorization: Bearer " + "x" * 9000,),
    ],
)
def test_without_the_token_nothing_happens(port: int, desk: Desk, exposed: Exposed, headers: tuple[str, ...]) -> None:
    body = b'[{"id": "%s"}]' % CANARY.encode()
    status, told, content = send(port, "/push/shop", JSON, *headers, body=body)
    assert (status, told["www-authenticate"]) == (401, "Bearer")
    assert CANARY.encode() not in content
    assert TOKEN.encode() not in content
    assert desk.posts == []
    assert counted(exposed) == {"unauthorized": 1}


def test_the_scheme_is_written_in_any_case(port: int) -> None:
    assert send(port, "/push/shop", JSON, f"authorization: bearer   {TOKEN} ")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/push/nobody",
        "/push/",
        "/push/shop/calls",
        "/push/shop/deals/1",
        "/push/shop/",
        "/push/shop%2Fcalls",
        "/push/%ff",
    ],
)
def test_what_is_not_there_is_not_found(port: int, desk: Desk, path: str) -> None:
    assert send(port, path)[0] == 404
    assert desk.posts == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_only_posts_are_taken(port: int, desk: Desk, exposed: Exposed, method: str) -> None:
    status, headers, _ = send(port, method=method)
    assert (status, headers["allow"]) == (405, "POST")
    assert get(port, "/push/shop", AUTH)[0] == 405
    assert desk.posts == []
    assert exposed.ledger.value(naming.HTTP_REJECTED, "method") == 2


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Content-Type: application/x-www-form-urlencoded",),
        ("Content-Type: text/html",),
        ("Content-Type: json",),
        ("Content-Type: application/json; charset=latin-1",),
        (JSON, "Content-Encoding: gzip"),
        (JSON, "Content-Encoding: br"),
    ],
)
def test_other_types_and_packed_bodies_are_not_supported(
    port: int, desk: Desk, exposed: Exposed, headers: tuple[str, ...]
) -> None:
    assert send(port, "/push/shop", AUTH, *headers)[0] == 415
    assert (desk.posts, counted(exposed)) == ([], {"unsupported": 1})


@pytest.mark.parametrize("query", ["complete=maybe", "complete", "entity=deals", "complete=true&x=1", "%ff=%ff"])
def test_other_parameters_are_refused(port: int, desk: Desk, query: str) -> None:
    assert send(port, f"/push/shop?{query}")[0] == 400
    assert desk.posts == []


def test_a_complete_list_must_be_of_one_entity(port: int, desk: Desk) -> None:
    status, _, content = send(port, "/push/both?complete=true")
    assert status == 400
    assert b"/push/SOURCE/ENTITY" in content
    assert send(port, "/push/shop?complete=true")[0] == 200
    assert len(desk.posts) == 1


def test_a_body_is_a_megabyte_at_most_declared_or_counted(port: int, desk: Desk, exposed: Exposed) -> None:
    assert send(port, body=b" " * MOST_BYTES)[0] == 200
    assert send(port, body=b" " * (MOST_BYTES + 1))[0] == 413
    chunk = b"%x\r\n" % 65536 + b" " * 65536 + b"\r\n"
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{AUTH}\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert parsed(exchange(port, head + 16 * chunk + b"0\r\n\r\n" + b"GET / HTTP/1.1\r\n\r\n"))[0] == 200
    assert parsed(exchange(port, head + 17 * chunk + b"0\r\n\r\n"))[0] == 413
    assert counted(exposed) == {"accepted": 2, "too_large": 2}
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
    port: int, desk: Desk, exposed: Exposed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "RECEIVE", 0.3)
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{AUTH}\r\n{JSON}\r\nContent-Length: 9\r\n\r\n[".encode()
    assert parsed(exchange(port, head))[0] == 408
    assert (desk.posts, counted(exposed)) == ([], {"timeout": 1})


def test_a_refused_body_that_drips_is_given_up_too(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "DRAIN", 0.3)
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{JSON}\r\nContent-Length: 9\r\n\r\n[".encode()
    assert parsed(exchange(port, head))[0] == 401


def test_half_a_body_is_no_post(port: int, desk: Desk, exposed: Exposed) -> None:
    head = f"POST /push/shop HTTP/1.1\r\nHost: x\r\n{AUTH}\r\nContent-Type: text/csv\r\n".encode()
    for half in (b"Content-Length: 99\r\n\r\nid\n1\n", b"Transfer-Encoding: chunked\r\n\r\n5\r\nid\n1\n\r\n"):
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(head + half)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(4096)
    until(lambda: counted(exposed) == {"rejected": 2})
    assert desk.posts == []


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def test_over_its_rate_a_source_is_told_when_to_come_back(port: int, desk: Desk, exposed: Exposed) -> None:
    desk.sources["slow"] = source(around=surroundings(TOKEN=TOKEN), max_per_second=0.25)
    statuses = [send(port, "/push/slow")[0] for _ in range(3)]
    assert statuses == [200, 200, 429]
    status, headers, _ = send(port, "/push/slow")
    assert (status, headers["retry-after"]) == (429, "2")
    assert send(port, "/push/slow", JSON)[0] == 401
    assert send(port, "/push/shop")[0] == 200
    assert len(desk.posts) == 3


def fail(error: Exception) -> Callable[[Post], Taken]:
    def act(_: Post) -> Taken:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PostError(Reason.NOT_JSON, "no JSON"), 400),
        (PostError(Reason.TOO_LARGE, "too many records"), 413),
        (StoreError("/data/kpi.duckdb: the disk is full"), 503),
    ],
)
def test_what_cannot_be_kept_is_not_acknowledged(port: int, desk: Desk, error: Exception, status: int) -> None:
    desk.act = fail(error)
    found, headers, content = send(port)
    assert found == status
    assert ("retry-after" in headers) == (status == 503)
    assert b"/data" not in content


def test_while_nothing_can_be_kept_bodies_are_not_even_read(port: int, desk: Desk, exposed: Exposed) -> None:
    desk.able = False
    status, headers, _ = send(port, body=b" " * MOST_BYTES)
    assert (status, headers["retry-after"]) == (503, "5")
    assert (desk.posts, counted(exposed)) == ([], {"unavailable": 1})
    exposed.receiver = None
    status, headers, _ = send(port)
    assert (status, headers["retry-after"]) == (503, "1")
    assert exposed.ledger.value(naming.HTTP_REJECTED, "starting") == 1


def test_a_token_that_cannot_be_read_admits_nobody(port: int, desk: Desk) -> None:
    desk.sources["lost"] = source(token={"file": "/nowhere/token"})
    assert send(port, "/push/lost")[0] == 503
    assert desk.posts == []


def test_a_post_that_takes_too_long_to_keep_is_not_acknowledged(
    port: int, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "KEEP", 0.1)
    free = Event()
    desk.act = lambda post: Taken([free.wait(20)])
    try:
        assert send(port)[0] == 503
    finally:
        free.set()


def test_a_post_that_is_still_being_kept_uses_its_turn(
    exposed: Exposed, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are told to come back, no more bodies are held than there are turns."""
    monkeypatch.setattr(push, "KEEP", 0.1)
    monkeypatch.setattr(push, "TURN", 0.1)
    monkeypatch.setattr(push, "MOST_POSTS", 1)
    free = Event()
    desk.act = lambda post: Taken([free.wait(20)])
    with running(exposed) as port:
        assert [send(port)[0] for _ in range(3)] == [503, 503, 503]
        assert len(desk.posts) == 1
        free.set()
        until(lambda: send(port)[0] == 200)
        assert len(desk.posts) == 2


def test_posts_wait_for_each_other_and_the_crowd_is_told_to_come_back(
    exposed: Exposed, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "MOST_POSTS", 2)
    monkeypatch.setattr(push, "TURN", 0.2)
    free = Event()
    desk.act = lambda post: Taken([free.wait(20)])
    with running(exposed) as port, ThreadPoolExecutor(4) as pool:
        crowd = [pool.submit(send, port) for _ in range(4)]
        until(lambda: sum(one.done() for one in crowd) == 2)
        assert [one.result()[0] for one in crowd if one.done()] == [503, 503]
        assert get(port, "/metrics")[0] == 200
        free.set()
        assert sorted(one.result()[0] for one in crowd) == [200, 200, 503, 503]


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


def test_the_log_tells_once_that_posts_are_refused_and_once_that_they_work_again(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "exporter.exposition.push"):
        for headers in ((JSON,), (JSON,), (AUTH, JSON), (AUTH, JSON), (AUTH,)):
            send(port, "/push/shop", *headers)
    assert [record.getMessage() for record in caplog.records] == [
        "a post was not accepted: unauthorized",
        "posts are accepted again",
        "a post was not accepted: unsupported",
    ]
    assert TOKEN not in caplog.text
