"""The limits that apply to every request."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from exporter import naming
from exporter.exposition.self_metrics import SelfMetrics
from exporter.web import limits, refusals
from exporter.web.limits import LimitsMiddleware

Sent = list[Message]


def request(kind: str = "http", path: str = "/", *headers: tuple[bytes, bytes]) -> Scope:
    return {"type": kind, "method": "GET", "path": path, "headers": list(headers)}


async def disconnect() -> Message:
    return {"type": "http.disconnect"}


async def call(app: LimitsMiddleware, scope: Scope, receive: Receive = disconnect) -> Sent:
    sent: Sent = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def respond(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"fine"})


async def never(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.Event().wait()


def test_beyond_the_limit_requests_wait_briefly_and_are_then_told_to_retry(monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "TURN_TIMEOUT", 0.05)
    self_metrics = SelfMetrics()

    async def scenario() -> tuple[Sent, Sent]:
        busy = LimitsMiddleware(never, self_metrics, max_in_flight=2)
        stuck = [asyncio.create_task(call(busy, request())) for _ in range(2)]
        await asyncio.sleep(0)
        rejected = await call(busy, request())
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        busy._app = respond
        return rejected, await call(busy, request())

    rejected, after = asyncio.run(scenario())
    assert rejected[0]["status"] == 503
    assert (b"retry-after", b"1") in rejected[0]["headers"]
    assert self_metrics.value(naming.HTTP_REJECTED, "busy") == 1
    assert after[0]["status"] == 200


def test_a_burst_of_quick_requests_is_served_in_turn() -> None:
    async def brief(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.001)
        await respond(scope, receive, send)

    async def scenario() -> list[Sent]:
        middleware = LimitsMiddleware(brief, SelfMetrics(), max_in_flight=2)
        return await asyncio.gather(*(call(middleware, request()) for _ in range(50)))

    assert {sent[0]["status"] for sent in asyncio.run(scenario())} == {200}


def test_the_number_of_waiting_requests_is_limited(monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "MAX_WAITING", 1)

    async def scenario() -> Sent:
        busy = LimitsMiddleware(never, SelfMetrics(), max_in_flight=1)
        tasks = [asyncio.create_task(call(busy, request())) for _ in range(2)]
        await asyncio.sleep(0)
        rejected = await call(busy, request())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return rejected

    assert asyncio.run(scenario())[0]["status"] == 503


def test_a_response_has_a_deadline() -> None:
    self_metrics = SelfMetrics()
    asyncio.run(call(LimitsMiddleware(never, self_metrics, deadline=0.01), request()))
    assert self_metrics.value(naming.HTTP_REJECTED, "deadline") == 1


def test_websockets_are_rejected() -> None:
    self_metrics = SelfMetrics()
    (message,) = asyncio.run(call(LimitsMiddleware(respond, self_metrics), request("websocket")))
    assert message["type"] == "websocket.close"
    assert self_metrics.value(naming.HTTP_REJECTED, "websocket") == 1


def test_only_configured_paths_accept_a_body() -> None:
    self_metrics = SelfMetrics()
    app = LimitsMiddleware(respond, self_metrics, with_body=("/push/",))
    body = (b"content-length", b"12")
    assert asyncio.run(call(app, request("http", "/metrics", body)))[0]["status"] == 413
    assert asyncio.run(call(app, request("http", "/metrics", (b"transfer-encoding", b"chunked"))))[0]["status"] == 413
    assert asyncio.run(call(app, request("http", "/push/crm", body)))[0]["status"] == 200
    assert asyncio.run(call(app, request("http", "/metrics", (b"content-length", b"0"))))[0]["status"] == 200
    assert self_metrics.value(naming.HTTP_REJECTED, "body") == 2


def test_draining_a_rejected_body_stops_after_a_timeout(monkeypatch: Any) -> None:
    monkeypatch.setattr(refusals, "DRAIN_TIMEOUT", 0.05)

    async def endless() -> Message:
        await asyncio.sleep(0.001)
        return {"type": "http.request", "body": b"x", "more_body": True}

    sent = asyncio.run(
        call(LimitsMiddleware(respond, SelfMetrics()), request("http", "/", (b"content-length", b"9")), endless)
    )
    assert sent[0]["status"] == 413


def test_lifespan_events_pass_through() -> None:
    scope_types = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope_types.append(scope["type"])

    asyncio.run(call(LimitsMiddleware(app, SelfMetrics()), {"type": "lifespan"}))
    assert scope_types == ["lifespan"]


def test_paths_that_accept_bodies_use_no_turns_of_scrapes() -> None:
    async def scenario() -> tuple[Sent, Sent]:
        app = LimitsMiddleware(never, SelfMetrics(), with_body=("/push/",), max_in_flight=1)
        stuck = [asyncio.create_task(call(app, request("http", "/push/crm"))) for _ in range(5)]
        await asyncio.sleep(0)
        app._app = respond
        responses = await call(app, request()), await call(app, request("http", "/push/crm"))
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        return responses

    assert [sent[0]["status"] for sent in asyncio.run(scenario())] == [200, 200]
