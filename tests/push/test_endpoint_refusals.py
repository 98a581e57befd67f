"""Posts over real sockets that come too fast or cannot be kept are not acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from exporter import naming
from exporter.errors import PostError, Reason, StoreError
from exporter.push import endpoint
from exporter.push.body import MOST_BYTES, Post
from exporter.web.server import ServedState
from tests.push.posts import TOKEN, source
from tests.push.receiver import JSON, Desk, Taken, counted, send, until
from tests.sources.source_context import source_context
from tests.web.live_server import get, running


def test_over_its_rate_a_source_is_told_when_to_come_back(port: int, desk: Desk, state: ServedState) -> None:
    desk.sources["slow"] = source(context=source_context(TOKEN=TOKEN), max_per_second=0.25)
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


def test_while_nothing_can_be_kept_bodies_are_not_even_read(port: int, desk: Desk, state: ServedState) -> None:
    desk.able = False
    status, headers, _ = send(port, body=b" " * MOST_BYTES)
    assert (status, headers["retry-after"]) == (503, "5")
    assert (desk.posts, counted(state)) == ([], {"unavailable": 1})
    state.receiver = None
    status, headers, _ = send(port)
    assert (status, headers["retry-after"]) == (503, "1")
    assert state.self_metrics.value(naming.HTTP_REJECTED, "starting") == 1


def test_a_token_that_cannot_be_read_admits_nobody(port: int, desk: Desk) -> None:
    desk.sources["lost"] = source(token={"file": "/nowhere/token"})
    assert send(port, "/push/lost")[0] == 503
    assert desk.posts == []


def test_a_post_that_takes_too_long_to_keep_is_not_acknowledged(
    port: int, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "KEEP", 0.1)
    free = Event()
    desk.act = lambda post: Taken([free.wait(20)])
    try:
        assert send(port)[0] == 503
    finally:
        free.set()


def test_a_post_that_is_still_being_kept_uses_its_turn(
    state: ServedState, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are told to come back, no more bodies are held than there are turns."""
    monkeypatch.setattr(endpoint, "KEEP", 0.1)
    monkeypatch.setattr(endpoint, "TURN", 0.1)
    monkeypatch.setattr(endpoint, "MOST_POSTS", 1)
    free = Event()
    desk.act = lambda post: Taken([free.wait(20)])
    with running(state) as port:
        assert [send(port)[0] for _ in range(3)] == [503, 503, 503]
        assert len(desk.posts) == 1
        free.set()
        until(lambda: send(port)[0] == 200)
        assert len(desk.posts) == 2


def test_posts_wait_for_each_other_and_the_crowd_is_told_to_come_back(
    state: ServedState, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "MOST_POSTS", 2)
    monkeypatch.setattr(endpoint, "TURN", 0.2)
    free = Event()
    desk.act = lambda post: Taken([free.wait(20)])
    with running(state) as port, ThreadPoolExecutor(4) as pool:
        crowd = [pool.submit(send, port) for _ in range(4)]
        until(lambda: sum(one.done() for one in crowd) == 2)
        assert [one.result()[0] for one in crowd if one.done()] == [503, 503]
        assert get(port, "/metrics")[0] == 200
        free.set()
        assert sorted(one.result()[0] for one in crowd) == [200, 200, 503, 503]
