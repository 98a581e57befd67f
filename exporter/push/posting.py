"""A posted body as it comes in, and the answer that its sender gets even where the body is refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import orjson
from starlette.types import Receive, Scope, Send

from exporter.push.body import MOST_BYTES

RECEIVE = 10.0
"""Seconds a body may take to come."""
DRAIN = 10.0
"""Seconds for which the rest of a refused body is thrown away, so that the refusal reaches the sender."""


class Body:
    """A request's body, read piece by piece."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._given_up = False
        self.ended = False

    async def read(self, scope: Scope) -> bytes:
        """The whole body. Raises RefusedError: 413 above the limit, counted as it comes; 408 where it drips; 400
        where the sender hangs up, because half a list may look like a whole one.
        """
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if int(declared) > MOST_BYTES:
            raise _too_large()
        pieces = bytearray()
        try:
            async with asyncio.timeout(RECEIVE):
                while not self.ended:
                    pieces += await self._piece()
                    if len(pieces) > MOST_BYTES:
                        raise _too_large()
        except TimeoutError:
            self._given_up = True
            raise RefusedError(408, f"the body did not come within {RECEIVE:.0f} seconds") from None
        return bytes(pieces)

    async def drain(self) -> None:
        """Throws away what is left, for a while."""
        try:
            async with asyncio.timeout(DRAIN):
                while not (self.ended or self._given_up):
                    await self._piece()
        except (TimeoutError, RefusedError):
            self._given_up = True

    async def _piece(self) -> bytes:
        message = await self._receive()
        if message["type"] != "http.request":
            self._given_up = True
            raise RefusedError(400, "the body was cut short")
        self.ended = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON and further headers."""

    status: int
    content: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def send(self, body: Body, send: Send) -> None:
        """Sends it; what is left of the body is taken first, or the sender would meet a closed connection instead."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self.content))]
        closing = () if body.ended else ((b"connection", b"close"),)
        start = {"type": "http.response.start", "status": self.status, "headers": [*headers, *self.headers, *closing]}
        await send(start)
        await send({"type": "http.response.body", "body": self.content, "more_body": True})
        await body.drain()
        await send({"type": "http.response.body", "body": b""})


class RefusedError(Exception):
    """Ends a request with a status and a message that says what to change; it never holds what was sent."""

    def __init__(self, status: int, message: str, retry_after: int | None = None, **headers: str) -> None:
        super().__init__(message)
        if retry_after is not None:
            headers["retry_after"] = str(retry_after)
        named = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
        self.answer = Answer(status, orjson.dumps({"message": message}), named)


def _too_large() -> RefusedError:
    return RefusedError(413, f"the body is larger than {MOST_BYTES >> 20} MiB: send several posts")
