"""The web surface: scrapes from the snapshot's bytes, health, and the page for people."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config as HypercornConfig
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.errors import StartError
from exporter.exposition.self_metrics import SelfMetrics
from exporter.exposition.snapshot import Document, Formats, Snapshot, closed
from exporter.push.endpoint import PREFIX, Push, Receiver
from exporter.web.limits import Guard
from exporter.web.negotiation import OPENMETRICS, TEXT, gzip_accepted, openmetrics_accepted

BACKLOG = 128
STALLED = 10
"""Seconds a client may stay silent: idle, in the middle of its headers, or not taking what was sent."""
_PIECE = 256 * 1024


@dataclass(slots=True)
class ServedState:
    """What is being shown, and who takes posts. Both are replaced by assignment; a request reads them once."""

    self_metrics: SelfMetrics
    snapshot: Snapshot = field(default_factory=Snapshot)
    page: Callable[[], str] = lambda: ""
    receiver: Receiver | None = None

    @property
    def ready(self) -> bool:
        """True once there is something to scrape."""
        return self.snapshot.at is not None


class _Metrics:
    """Serves one after the other the documents that `choose` names; 404 where it names none."""

    def __init__(self, choose: Callable[[], tuple[Formats, Formats] | None]) -> None:
        self._choose = choose

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chosen = self._choose()
        if chosen is None:
            await PlainTextResponse("Not Found", 404)(scope, receive, send)
            return
        headers = Headers(scope=scope)
        strict = openmetrics_accepted(headers.get("accept", ""))
        documents = [formats.openmetrics if strict else formats.text for formats in chosen]
        if gzip_accepted(headers.get("accept-encoding", "")):
            bodies, encoding = (
                [document.gzip for document in documents if document.gzip],
                [(b"content-encoding", b"gzip")],
            )
        else:
            bodies, encoding = list(_pieces(documents)), []
        await _send(send, bodies, [(b"content-type", OPENMETRICS if strict else TEXT), *encoding])


async def _send(send: Send, bodies: list[bytes], headers: list[tuple[bytes, bytes]]) -> None:
    length = b"%d" % sum(map(len, bodies))
    headers = [*headers, (b"content-length", length), (b"vary", b"accept, accept-encoding")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for body in bodies:
        await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _pieces(documents: Iterable[Document]) -> Iterator[bytes]:
    """The plain text in pieces of a size that is neither many writes nor one great copy."""
    gathered: list[bytes] = []
    size = 0
    for document in documents:
        for part in document.plain:
            gathered.append(part)
            size += len(part)
            if size >= _PIECE:
                yield b"".join(gathered)
                gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)


def create_app(state: ServedState) -> ASGIApp:
    """The application."""
    end = closed(Formats())

    def shared() -> tuple[Formats, Formats]:
        return state.snapshot.shared, state.self_metrics.formats()

    def people() -> tuple[Formats, Formats] | None:
        separate = state.snapshot.people
        return (separate, end) if separate is not None else None

    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse(await asyncio.to_thread(state.page))

    async def healthy(_: Request) -> PlainTextResponse:
        return PlainTextResponse("healthy\n")

    async def ready(_: Request) -> PlainTextResponse:
        return PlainTextResponse("ready\n") if state.ready else PlainTextResponse("starting\n", 503)

    routes = [
        Route("/metrics", _Metrics(shared), methods=["GET"]),
        Route("/metrics/people", _Metrics(people), methods=["GET"]),
        Route("/-/healthy", healthy),
        Route("/-/ready", ready),
        Route("/", page),
        Route(f"{PREFIX}{{rest:path}}", Push(lambda: state.receiver, state.self_metrics)),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return Guard(app, state.self_metrics, with_body=(PREFIX,))


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; raises StartError naming the address where that cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise StartError(
            f"cannot listen on {host}:{port}: {error.strerror or error}: choose another --listen"
        ) from None
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # accepted connections inherit it: the kernel drops those whose client takes nothing any more
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED * 1000)
    return listening


async def serve(
    app: ASGIApp, listening: socket.socket, stopped: Callable[[], Awaitable[object]], *, stalled: float = STALLED
) -> None:
    """Serves until `stopped()` returns; open answers get three seconds more, silent clients `stalled` seconds."""
    config = HypercornConfig()
    config.bind = [f"fd://{listening.detach()}"]
    config.backlog = BACKLOG
    config.alpn_protocols = ["http/1.1"]
    config.h2_max_concurrent_streams = 8
    config.read_timeout = stalled  # type: ignore[assignment]  # hands it to asyncio as it is
    config.keep_alive_timeout = stalled
    config.graceful_timeout = 3
    config.include_server_header = False
    config.accesslog = None
    config.errorlog = logging.getLogger("exporter.web")
    config.errorlog.setLevel(logging.WARNING)
    await hypercorn_serve(app, config, shutdown_trigger=stopped)  # type: ignore[arg-type]
