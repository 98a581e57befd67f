"""The web server: scrapes from the snapshot's bytes, pushes, health checks and the status page."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.errors import StartError
from exporter.exposition.self_metrics import SelfMetrics
from exporter.exposition.snapshot import Snapshot
from exporter.exposition.text_format import EncodedText, Formats
from exporter.naming import HTTP_REJECTED
from exporter.push.endpoint import PREFIX, PushEndpoint
from exporter.web.access import PEOPLE_PATH, AccessMiddleware
from exporter.web.connections import ConnectionServer
from exporter.web.hosts import AllowedHosts
from exporter.web.limits import LimitsMiddleware
from exporter.web.members import MembersQuery
from exporter.web.security import WebSecurity

TEXT = b"text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = b"application/openmetrics-text; version=1.0.0; charset=utf-8"

if TYPE_CHECKING:
    from exporter.push.deliveries import Deliveries

BACKLOG = 128
STALL_TIMEOUT = 10
"""Seconds a client may stay silent: idle, in the middle of its headers, or not reading the response."""
_BLOCK_SIZE = 256 * 1024


@dataclass(slots=True)
class ServedState:
    """What the server serves, and who receives pushes. Fields are replaced by assignment; a request reads each once."""

    self_metrics: SelfMetrics
    snapshot: Snapshot = field(default_factory=Snapshot)
    page: Callable[[MembersQuery | None], str] = lambda _: ""
    deliveries: Deliveries | None = None
    security: Callable[[], WebSecurity] = WebSecurity


def create_app(state: ServedState, hosts: AllowedHosts = AllowedHosts()) -> ASGIApp:  # noqa: B008  # immutable
    """The application; without a web config it answers only requests to `hosts`."""
    end = Formats().with_end()

    def shared() -> tuple[Formats, Formats]:
        return state.snapshot.shared, state.self_metrics.formats()

    def people() -> tuple[Formats, Formats] | None:
        separate = state.snapshot.people
        return (separate, end) if separate is not None else None

    async def page(request: Request) -> HTMLResponse:
        query = MembersQuery.parse(request.query_params)
        return HTMLResponse(await asyncio.to_thread(state.page, query))

    async def healthy(_: Request) -> PlainTextResponse:
        return PlainTextResponse("healthy\n")

    async def ready(_: Request) -> PlainTextResponse:
        return PlainTextResponse("ready\n") if state.snapshot.at is not None else PlainTextResponse("starting\n", 503)

    routes = [
        Route("/metrics", _Metrics(shared), methods=["GET"]),
        Route(PEOPLE_PATH, _Metrics(people), methods=["GET"]),
        Route("/-/healthy", healthy),
        Route("/-/ready", ready),
        Route("/", page),
        Route(f"{PREFIX}{{rest:path}}", PushEndpoint(lambda: state.deliveries, state.self_metrics)),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    limited = LimitsMiddleware(app, state.self_metrics, with_body=(PREFIX,))

    def security() -> WebSecurity:
        return state.security()

    return AccessMiddleware(limited, state.self_metrics, security, hosts, own_credentials=(PREFIX,))


class _Metrics:
    """Serves the expositions that `select` returns, one after the other; 404 if it returns None."""

    def __init__(self, select: Callable[[], tuple[Formats, Formats] | None]) -> None:
        self._select = select

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        expositions = self._select()
        if expositions is None:
            await PlainTextResponse("Not Found", 404)(scope, receive, send)
            return
        request = Headers(scope=scope)
        strict = openmetrics_accepted(request.get("accept", ""))
        texts = [formats.openmetrics if strict else formats.text for formats in expositions]
        headers = [(b"content-type", OPENMETRICS if strict else TEXT), (b"vary", b"accept, accept-encoding")]
        if gzip_accepted(request.get("accept-encoding", "")):
            headers.append((b"content-encoding", b"gzip"))
            blocks = [text.gzip for text in texts if text.gzip]
        else:
            blocks = list(_blocks(texts))
        headers.append((b"content-length", b"%d" % sum(map(len, blocks))))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for block in blocks:
            await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _blocks(texts: Iterable[EncodedText]) -> Iterator[bytes]:
    """The plain text in blocks that avoid both many writes and one large copy."""
    pieces: list[bytes] = []
    size = 0
    for text in texts:
        for piece in text.plain:
            pieces.append(piece)
            size += len(piece)
            if size >= _BLOCK_SIZE:
                yield b"".join(pieces)
                pieces, size = [], 0
    if pieces:
        yield b"".join(pieces)


def openmetrics_accepted(accept: str) -> bool:
    """True if OpenMetrics 1.x is accepted; like prometheus-client, ignores its weight relative to plain text."""
    return any(
        kind == "application/openmetrics-text" and weight > 0 and version.startswith("1.")
        for kind, weight, version in _offers(accept)
    )


def gzip_accepted(accept_encoding: str) -> bool:
    """True if gzip is accepted with a weight above 0."""
    return any(kind == "gzip" and weight > 0 for kind, weight, _ in _offers(accept_encoding))


def _offers(header: str) -> Iterator[tuple[str, float, str]]:
    """Kind, weight and version of each offer; a weight that is not a number counts as 0."""
    for offer in header.lower().split(","):
        kind, *parameters = offer.split(";")
        pairs = (parameter.partition("=") for parameter in parameters)
        values = {name.strip(): value.strip() for name, _, value in pairs}
        try:
            weight = float(values.get("q", "1"))
        except ValueError:
            weight = 0.0
        yield kind.strip(), weight, values.get("version", "1.")


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; raises StartError naming the address if it is not available."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise StartError(
            f"cannot listen on {host}:{port}: {error.strerror or error}: choose another --listen"
        ) from None
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # inherited by accepted connections: the kernel drops those whose client stops reading
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALL_TIMEOUT * 1000)
    return listener


async def serve(
    app: ASGIApp,
    listeners: Sequence[socket.socket],
    stopped: Callable[[], Awaitable[object]],
    state: ServedState,
    *,
    stall_timeout: float = STALL_TIMEOUT,
) -> None:
    """Serves until `stopped()` returns, then gives open responses three more seconds."""

    def reject(reason: str) -> None:
        state.self_metrics.count(HTTP_REJECTED, reason)

    server = ConnectionServer(app, stall_timeout, tls=lambda: state.security().tls, reject=reject)
    await server.serve(listeners, stopped)
