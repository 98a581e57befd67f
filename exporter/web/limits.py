"""Request middleware: limits that keep one client from blocking others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.exposition.self_metrics import SelfMetrics
from exporter.naming import HTTP_REJECTED
from exporter.web.refusals import SECURITY_HEADERS, HttpHeader, has_body, refuse

MAX_IN_FLIGHT = 64
MAX_WAITING = 1024
TURN_TIMEOUT = 2.0
"""Seconds a request waits for its turn: enough for a burst of quick scrapes, not for stuck clients to clear."""
DEADLINE = 30.0
"""Seconds one response may take, including a slow reader."""


class LimitsMiddleware:
    """Wraps the routes; counts rejected requests by reason.

    Paths under `with_body` accept a request body and have limits of their own: a slow body must not use up the turns
    of scrapes.
    """

    def __init__(
        self,
        app: ASGIApp,
        self_metrics: SelfMetrics,
        *,
        with_body: Iterable[str] = (),
        max_in_flight: int = MAX_IN_FLIGHT,
        deadline: float = DEADLINE,
    ) -> None:
        self._app = app
        self._self_metrics = self_metrics
        self._with_body = tuple(with_body)
        self._turns = asyncio.Semaphore(max_in_flight)
        self._deadline = deadline
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; rejects websockets."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            self._self_metrics.count(HTTP_REJECTED, "websocket")
            await send({"type": "websocket.close", "code": 1003})
        elif scope["path"].startswith(self._with_body):
            await self._respond(scope, receive, send)
        elif has_body(scope):
            await self._reject(scope, receive, send, "body", 413)
        elif await self._acquire_turn():
            try:
                await self._respond(scope, receive, send)
            finally:
                self._turns.release()
        else:
            await self._reject(scope, receive, send, "busy", 503, [(b"retry-after", b"1")])

    async def _acquire_turn(self) -> bool:
        if self._waiting >= MAX_WAITING:
            return False
        self._waiting += 1
        try:
            async with asyncio.timeout(TURN_TIMEOUT):
                return await self._turns.acquire()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *SECURITY_HEADERS]
                if message["status"] in (404, 405):
                    self._self_metrics.count(HTTP_REJECTED, "not_found" if message["status"] == 404 else "method")
            await send(message)

        try:
            async with asyncio.timeout(self._deadline):
                await self._app(scope, receive, send_with_headers)
        except TimeoutError:
            self._self_metrics.count(HTTP_REJECTED, "deadline")

    async def _reject(  # an ASGI call, and the response
        self, scope: Scope, receive: Receive, send: Send, reason: str, status: int, headers: Iterable[HttpHeader] = ()
    ) -> None:
        self._self_metrics.count(HTTP_REJECTED, reason)
        await refuse(scope, receive, send, status, reason, headers)
