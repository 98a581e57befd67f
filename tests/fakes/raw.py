"""An HTTP server on loopback that sends scripted bytes, pauses and resets, and logs the requests."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.waiting import LIMIT


@dataclass(frozen=True)
class RawRequest:
    """One request as received; `when` is the loop's clock."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    when: float

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Pause:
    """Seconds of silence."""

    seconds: float


@dataclass(frozen=True)
class Drip:
    """Bytes sent one by one, with a gap before each."""

    content: bytes
    gap: float


RESET = object()
"""Breaks the connection with a TCP reset."""

CLOSE = object()
"""Closes the connection normally, in the middle of the response."""

ScriptStep = bytes | Pause | Drip | object
Script = Callable[[RawRequest], Iterable[ScriptStep]]


def raw_response(
    content: bytes = b"",
    status: int = 200,
    headers: Iterable[tuple[str, str]] = (),
    *,
    kind: str | None = "application/json",
    length: int | None = None,
) -> bytes:
    """A complete response; `length` may differ from the length of the content."""
    lines = [f"HTTP/1.1 {status} Scripted", f"content-length: {len(content) if length is None else length}"]
    if kind is not None:
        lines.append(f"content-type: {kind}")
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def json_response(value: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """A JSON response."""
    return raw_response(json.dumps(value).encode(), status, headers)


@dataclass
class RawServer:
    """Use it as `async with RawServer(script) as server`; `script` gives the steps for each request."""

    script: Script
    tls: ssl.SSLContext | None = None
    log: list[RawRequest] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self.tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task, writer in self._open.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*self._open, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close their sockets in the loop's next round
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[asyncio.ensure_future(self._talk(reader, writer))] = writer

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            while await self._answer(await _read(reader), writer):
                pass
            writer.close()

    async def _answer(self, request: RawRequest, writer: asyncio.StreamWriter) -> bool:
        self.log.append(request)
        for step in self.script(request):
            if step is RESET:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                return False
            if step is CLOSE:
                return False
            await _perform(step, writer)
        return True


@contextmanager
def served(script: Script) -> Iterator[RawServer]:
    """Runs the server in its own thread, for clients in other processes."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    server = RawServer(script)
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(LIMIT)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(LIMIT)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _read(reader: asyncio.StreamReader) -> RawRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return RawRequest(method, target, headers, body, asyncio.get_running_loop().time())


async def _perform(step: ScriptStep, writer: asyncio.StreamWriter) -> None:
    if isinstance(step, Pause):
        await asyncio.sleep(step.seconds)
    elif isinstance(step, Drip):
        for index in range(len(step.content)):
            await asyncio.sleep(step.gap)
            writer.write(step.content[index : index + 1])
            await writer.drain()
    elif isinstance(step, bytes):
        writer.write(step)
        await writer.drain()
    else:
        raise AssertionError(step)
