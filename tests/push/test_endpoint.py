"""Posts over real sockets: authentication, addresses, parameters and logging."""

from __future__ import annotations

import json
import logging
from typing import Any, cast

import pytest

from exporter import naming
from exporter.push.body import Post
from exporter.push.deliveries import Delivery
from exporter.push.inbox import PushInbox
from exporter.web.server import ServedState
from tests.push.fake_deliveries import AUTH, JSON, REJECTED, STORED, FakeDeliveries, results, send
from tests.push.posts import TOKEN
from tests.web.live_server import get

CANARY = "canary-in-the-body"


def test_a_post_is_delivered_unchanged_and_answered_in_json(
    port: int, deliveries: FakeDeliveries, state: ServedState
) -> None:
    status, headers, content = send(port, body=b'{"id": 1}')
    assert (status, headers["content-type"], json.loads(content)) == (200, "application/json", STORED.as_json())
    assert int(headers["content-length"]) == len(content)
    assert headers["cache-control"] == "no-store"
    assert (
        send(port, "/push/both/people?complete=true", AUTH, "Content-Type: Text/CSV; charset=UTF-8", body=b"id\n")[0]
        == 200
    )
    assert send(port, "/push/both?complete=0", AUTH, "Content-Type: application/cloudevents+json")[0] == 200
    assert deliveries.posts == [
        Post(b'{"id": 1}'),
        Post(b"id\n", is_csv=True, entity="people", complete=True),
        Post(b"[]"),
    ]
    assert results(state) == {"accepted": 3}


def test_a_post_with_only_rejected_records_is_a_bad_request(
    port: int, deliveries: FakeDeliveries, state: ServedState
) -> None:
    deliveries.store = lambda _: REJECTED
    status, _, content = send(port)
    assert (status, json.loads(content)) == (400, REJECTED.as_json())
    assert results(state) == {"rejected": 1}


def test_a_post_is_not_counted_if_a_reload_removed_its_source_in_the_meantime(
    port: int, deliveries: FakeDeliveries, state: ServedState
) -> None:
    def remove_the_source(_: Post) -> Delivery:
        del deliveries.inboxes["shop"]
        return STORED

    deliveries.store = remove_the_source
    assert send(port)[0] == 200
    assert results(state) == {}


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
def test_a_request_without_the_token_is_unauthorized(
    port: int, deliveries: FakeDeliveries, state: ServedState, headers: tuple[str, ...]
) -> None:
    body = b'[{"id": "%s"}]' % CANARY.encode()
    status, told, content = send(port, "/push/shop", JSON, *headers, body=body)
    assert (status, told["www-authenticate"]) == (401, "Bearer")
    assert CANARY.encode() not in content
    assert TOKEN.encode() not in content
    assert deliveries.posts == []
    assert results(state) == {"unauthorized": 1}


def test_the_authorization_scheme_is_case_insensitive(port: int) -> None:
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
def test_an_unknown_address_is_not_found(port: int, deliveries: FakeDeliveries, path: str) -> None:
    assert send(port, path)[0] == 404
    assert deliveries.posts == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_only_post_requests_are_accepted(
    port: int, deliveries: FakeDeliveries, state: ServedState, method: str
) -> None:
    status, headers, _ = send(port, method=method)
    assert (status, headers["allow"]) == (405, "POST")
    assert get(port, "/push/shop", AUTH)[0] == 405
    assert deliveries.posts == []
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
def test_other_content_types_and_compressed_bodies_are_not_supported(
    port: int, deliveries: FakeDeliveries, state: ServedState, headers: tuple[str, ...]
) -> None:
    assert send(port, "/push/shop", AUTH, *headers)[0] == 415
    assert (deliveries.posts, results(state)) == ([], {"unsupported": 1})


@pytest.mark.parametrize("query", ["complete=maybe", "complete", "entity=deals", "complete=true&x=1", "%ff=%ff"])
def test_other_parameters_are_rejected(port: int, deliveries: FakeDeliveries, query: str) -> None:
    assert send(port, f"/push/shop?{query}")[0] == 400
    assert deliveries.posts == []


def test_a_complete_list_must_have_one_entity(port: int, deliveries: FakeDeliveries) -> None:
    status, _, content = send(port, "/push/both?complete=true")
    assert status == 400
    assert b"/push/SOURCE/ENTITY" in content
    assert send(port, "/push/shop?complete=true")[0] == 200
    assert len(deliveries.posts) == 1


def test_the_log_reports_rejections_and_recovery_once(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "exporter.push.endpoint"):
        for headers in ((JSON,), (JSON,), (AUTH, JSON), (AUTH, JSON), (AUTH,)):
            send(port, "/push/shop", *headers)
    assert [record.getMessage() for record in caplog.records] == [
        "a post was not accepted: unauthorized",
        "posts are accepted again",
        "a post was not accepted: unsupported",
    ]
    assert TOKEN not in caplog.text


def test_a_post_during_a_reload_is_stored_with_the_new_config(
    port: int, deliveries: FakeDeliveries, state: ServedState
) -> None:
    inbox = deliveries.inboxes["shop"]
    successor = FakeDeliveries({inbox.name: deliveries.inboxes["both"]})

    class Replaced(dict[str, PushInbox]):
        """Inboxes whose config is replaced as soon as one is looked up."""

        def get(self, *args: Any) -> Any:
            state.deliveries = cast("Any", successor)
            return super().get(*args)

    state.deliveries = cast("Any", FakeDeliveries(Replaced(shop=inbox)))
    assert send(port)[0] == 200
    assert [post.body for post in successor.posts] == [b"[]"]
    successor.inboxes.clear()
    state.deliveries = cast("Any", FakeDeliveries(Replaced(shop=inbox)))
    assert send(port)[0] == 503
