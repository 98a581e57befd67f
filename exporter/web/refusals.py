"""Responses to requests that are refused before they reach a route, and the headers of every response."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from starlette.types import Receive, Scope, Send

DRAIN_TIMEOUT = 10.0
"""Seconds for which a rejected request body is read and discarded, so that the response reaches the client."""

HttpHeader = tuple[bytes, bytes]

SECURITY_HEADERS: tuple[HttpHeader, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
)


async def refuse(  # an ASGI call, and the response
    scope: Scope, receive: Receive, send: Send, status: int, text: str, headers: Iterable[HttpHeader] = ()
) -> None:
    """Sends a line of text, and discards the body of the request if it has one."""
    body = f"{text}\n".encode()
    start = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body)), *headers]
    closing: list[HttpHeader] = [(b"connection", b"close")] if has_body(scope) else []
    await send({"type": "http.response.start", "status": status, "headers": [*start, *closing, *SECURITY_HEADERS]})
    await send({"type": "http.response.body", "body": body, "more_body": bool(closing)})
    if closing:
        await _drain(receive)
        await send({"type": "http.response.body", "body": b""})


def has_body(scope: Scope) -> bool:
    """True if the request announces a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in scope["headers"]
    )


async def _drain(receive: Receive) -> None:
    # hypercorn queues unread body data and would wait for ever to hand it over
    try:
        async with asyncio.timeout(DRAIN_TIMEOUT):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
