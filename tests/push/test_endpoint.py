"""Posts over real sockets: who may, what is taken, and what is told of it."""

from __future__ import annotations

import json
import logging

import pytest

from exporter import naming
from exporter.push.body import Post
from exporter.web.server import ServedState
from tests.push.posts import TOKEN
from tests.push.receiver import AUTH, JSON, Desk, Taken, counted, send
from tests.web.live_server import get

CANARY = "canary-in-the-body"


def test_a_post_is_handed_on_as_it_is_and_answered_in_json(port: int, desk: Desk, state: ServedState) -> None:
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
    assert counted(state) == {"accepted": 3}


def test_a_post_of_which_nothing_could_be_taken_is_a_bad_request(port: int, desk: Desk, state: ServedState) -> None:
    desk.act = lambda post: Taken([], taken=False)
    assert send(port)[::2] == (400, b'{"new":0}')
    assert counted(state) == {"rejected": 1}


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
def test_without_the_token_nothing_happens(port: int, desk: Desk, state: ServedState, headers: tuple[str, ...]) -> None:
    body = b'[{"id": "%s"}]' % CANARY.encode()
    status, told, content = send(port, "/push/shop", JSON, *headers, body=body)
    assert (status, told["www-authenticate"]) == (401, "Bearer")
    assert CANARY.encode() not in content
    assert TOKEN.encode() not in content
    assert desk.posts == []
    assert counted(state) == {"unauthorized": 1}


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
def test_only_posts_are_taken(port: int, desk: Desk, state: ServedState, method: str) -> None:
    status, headers, _ = send(port, method=method)
    assert (status, headers["allow"]) == (405, "POST")
    assert get(port, "/push/shop", AUTH)[0] == 405
    assert desk.posts == []
    assert state.self_metrics.value(naming.HTTP_REJECTED, "method") == 2


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
    port: int, desk: Desk, state: ServedState, headers: tuple[str, ...]
) -> None:
    assert send(port, "/push/shop", AUTH, *headers)[0] == 415
    assert (desk.posts, counted(state)) == ([], {"unsupported": 1})


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


def test_the_log_tells_once_that_posts_are_refused_and_once_that_they_work_again(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "exporter.push.endpoint"):
        for headers in ((JSON,), (JSON,), (AUTH, JSON), (AUTH, JSON), (AUTH,)):
            send(port, "/push/shop", *headers)
    assert [record.getMessage() for record in caplog.records] == [
        "a post was not accepted: unauthorized",
        "posts are accepted again",
        "a post was not accepted: unsupported",
    ]
    assert TOKEN not in caplog.text
