"""The HTTP endpoint `POST /push/SOURCE[/ENTITY]`: authentication, limits, reading the body, and responses."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from exporter.errors import PostError, Reason, StoreError
from exporter.exposition.self_metrics import SelfMetrics
from exporter.naming import HTTP_REJECTED, PUSH_POSTS, PUSH_TOKEN_USABLE, PushResult
from exporter.push.body import MAX_BYTES, Post
from exporter.push.tokens import GuessLimiter
from exporter.sources.http.body import charset
from exporter.threads import DaemonExecutor

if TYPE_CHECKING:
    from exporter.push.deliveries import Deliveries, Delivery
    from exporter.push.inbox import PushInbox

PREFIX = "/push/"
MAX_POSTS = 16
"""Posts being received or stored at once; others wait for a slot. Scrapes have slots of their own."""
SLOT_TIMEOUT = 2.0
"""Seconds a post waits for a slot."""
STORE_TIMEOUT = 15.0
"""Seconds until a post is answered with 503. It may still be stored later; posting it again then changes nothing."""
BODY_TIMEOUT = 10.0
"""Seconds until a body must have arrived."""
DRAIN_TIMEOUT = 10.0
"""Seconds for which the rest of a rejected body is discarded, so that the sender receives the response."""

TOKEN_TIMEOUT = 1.0
"""Seconds that a post waits for a look at the token's file."""

_RETRY_SOON, _RETRY_LATER = 1, 5
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_RESULTS = {
    200: PushResult.ACCEPTED,
    400: PushResult.REJECTED,
    401: PushResult.UNAUTHORIZED,
    404: PushResult.NOT_FOUND,
    408: PushResult.TIMEOUT,
    413: PushResult.TOO_LARGE,
    415: PushResult.UNSUPPORTED,
    429: PushResult.RATE_LIMITED,
    503: PushResult.UNAVAILABLE,
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PushResponse:
    """Status, JSON and additional headers."""

    status: int
    content: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def send(self, body: RequestBody, send: Send) -> None:
        """Sends the response and then discards the rest of the body, or the sender would see a closed connection."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self.content))]
        closing = () if body.ended else ((b"connection", b"close"),)
        start = {"type": "http.response.start", "status": self.status, "headers": [*headers, *self.headers, *closing]}
        await send(start)
        await send({"type": "http.response.body", "body": self.content, "more_body": True})
        await body.drain()
        await send({"type": "http.response.body", "body": b""})


class PushRequestError(Exception):
    """Ends a request with a status and a message that says what to change, without quoting what was sent."""

    def __init__(self, status: int, message: str, retry_after: int | None = None, **headers: str) -> None:
        super().__init__(message)
        if retry_after is not None:
            headers["retry_after"] = str(retry_after)
        encoded = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
        self.response = PushResponse(status, orjson.dumps({"message": message}), encoded)


class RequestBody:
    """The body of a request, received in chunks."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._failed = False
        self.ended = False

    async def read(self, scope: Scope) -> bytes:
        """The whole body. Raises PushRequestError: 413 if it is too large, 408 if it is too slow, 400 if it is cut off.

        A body that is cut off could be mistaken for a shorter list.
        """
        too_large = PushRequestError(413, f"the body is larger than {MAX_BYTES >> 20} MiB: send several posts")
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if int(declared) > MAX_BYTES:
            raise too_large
        content = bytearray()
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                while not self.ended:
                    content += await self._chunk()
                    if len(content) > MAX_BYTES:
                        raise too_large
        except TimeoutError:
            self._failed = True
            raise PushRequestError(408, f"the body did not arrive within {BODY_TIMEOUT:.0f} seconds") from None
        return bytes(content)

    async def drain(self) -> None:
        """Discards the rest of the body, for a limited time."""
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT):
                while not (self.ended or self._failed):
                    await self._chunk()
        except (TimeoutError, PushRequestError):
            self._failed = True

    async def _chunk(self) -> bytes:
        message = await self._receive()
        if message["type"] != "http.request":
            self._failed = True
            raise PushRequestError(400, "the body was cut off")
        self.ended = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk


class PushEndpoint:
    """The ASGI application below the prefix; `deliveries` returns None until the exporter has started.

    Requests are rejected before their body is read if possible: 404, 401, 429, 415. Only stored posts are acknowledged.
    """

    def __init__(self, deliveries: Callable[[], Deliveries | None], self_metrics: SelfMetrics) -> None:
        self._deliveries = deliveries
        self._self_metrics = self_metrics
        self._slots = asyncio.Semaphore(MAX_POSTS)
        # not the loop's shared threads: posts that wait for the store must not delay the status page
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="push")
        self._token_threads = DaemonExecutor()
        self._token_looks: dict[str, asyncio.Future[None]] = {}
        self._guesses = GuessLimiter(time.monotonic)
        self._last_results: dict[str, PushResult] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        body = RequestBody(receive)
        try:
            response = await self._respond(scope, body)
        except PushRequestError as error:
            response = error.response
        await response.send(body, send)

    async def _respond(self, scope: Scope, body: RequestBody) -> PushResponse:
        if scope["method"] != "POST":
            raise PushRequestError(405, "send records with POST", allow="POST")
        deliveries = self._deliveries()
        if deliveries is None:
            self._self_metrics.count(HTTP_REJECTED, "starting")
            raise PushRequestError(503, "the exporter is starting: try again", retry_after=_RETRY_SOON)
        name, *segments = scope["path"].removeprefix(PREFIX).split("/")
        inbox = deliveries.inboxes.get(name)
        if inbox is None or len(segments) > 1:
            raise PushRequestError(404, "no source with this name accepts posts")
        try:
            response = await self._deliver(inbox, segments[0] if segments else None, scope, body, deliveries)
        except PushRequestError as error:
            response = error.response
        current = self._deliveries()
        if current is not None and name in current.inboxes:  # a reload may have removed the source
            self._record(inbox.name, response)
        return response

    async def _deliver(
        self, inbox: PushInbox, entity: str | None, scope: Scope, body: RequestBody, deliveries: Deliveries
    ) -> PushResponse:
        await self._refresh_token(inbox)
        self._authenticate(inbox, scope)
        if wait := inbox.wait():
            message = "more posts than max_per_second: send several records in one post"
            raise PushRequestError(429, message, math.ceil(wait))
        if entity is not None and entity not in inbox.entities:
            raise PushRequestError(404, f"this source accepts {', '.join(inbox.entities)}")
        is_csv, complete = _is_csv(scope), _is_complete(scope)
        if complete and inbox.single_entity(entity) is None:
            raise PushRequestError(400, f"a complete list has one entity: post it to {PREFIX}SOURCE/ENTITY")
        try:
            async with asyncio.timeout(SLOT_TIMEOUT):
                await self._slots.acquire()
        except TimeoutError:
            raise PushRequestError(503, "too many posts at once: try again", _RETRY_SOON) from None
        storing: asyncio.Future[Delivery] | None = None
        try:
            if not (self._deliveries() or deliveries).available:
                raise PushRequestError(503, "nothing can be stored now: try again", _RETRY_LATER)
            post = Post(await body.read(scope), is_csv, entity, complete)
            storing = asyncio.get_running_loop().run_in_executor(self._thread, self._store, deliveries, inbox, post)
            storing.add_done_callback(self._release_slot)
        finally:
            if storing is None:
                self._slots.release()
        return await _response(storing)

    async def _refresh_token(self, inbox: PushInbox) -> None:
        """Looks at the token's file; one that cannot be read in time leaves the token as it is."""
        look = self._token_looks.get(inbox.name)
        if time.monotonic() < inbox.refresh_token_at() or (look is not None and not look.done()):
            return
        look = asyncio.get_running_loop().run_in_executor(self._token_threads, self._look_at_token, inbox)
        self._token_looks[inbox.name] = look
        await asyncio.wait([look], timeout=TOKEN_TIMEOUT)

    def _look_at_token(self, inbox: PushInbox) -> None:
        before = inbox.token_problem()
        inbox.refresh_token()
        after = inbox.token_problem()
        deliveries = self._deliveries()
        if deliveries is not None and inbox.name in deliveries.inboxes:  # a reload may have removed the source
            self._self_metrics.set(PUSH_TOKEN_USABLE, float(not after), inbox.name)
        if after and after != before:
            _log.error("the token cannot be used, and posts get 503: %s", after, extra={"source": inbox.name})
        elif before and not after:
            _log.info("the token can be used again", extra={"source": inbox.name})

    def _authenticate(self, inbox: PushInbox, scope: Scope) -> None:
        address = scope["client"][0] if scope.get("client") else ""
        if wait := self._guesses.wait(address):
            message = "too many wrong tokens from your address: wait, and check the token"
            raise PushRequestError(429, message, math.ceil(wait))
        credentials = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, token = credentials[0].partition(b" ") if len(credentials) == 1 else (b"", b"", b"")
        try:
            admitted = inbox.admits(token.strip())
        except LookupError:
            message = "the source's token cannot be used: contact the exporter's operator"
            raise PushRequestError(503, message, _RETRY_LATER) from None
        if not (admitted and scheme.lower() == b"bearer"):
            self._guesses.count(address)
            message = "send the source's token as Authorization: Bearer TOKEN"
            raise PushRequestError(401, message, www_authenticate="Bearer")

    def _store(self, deliveries: Deliveries, inbox: PushInbox, post: Post) -> Delivery:
        """Stores the post, with the config that is active now if a reload replaced the one that it began with."""
        current = self._deliveries() or deliveries
        if current is deliveries:
            return deliveries.deliver(inbox, post)
        successor = current.inboxes.get(inbox.name)
        if successor is None or post.entity not in (None, *successor.entities):
            raise StoreError("the source was changed while it received a post")
        return current.deliver(successor, post)

    def _release_slot(self, storing: asyncio.Future[Delivery]) -> None:
        """The slot stays taken until the post is stored, even if its sender was told to try again."""
        if not storing.cancelled():
            storing.exception()
        self._slots.release()

    def _record(self, source: str, response: PushResponse) -> None:
        """Counts the result, and logs it if the source's posts had another result before."""
        result, previous = _RESULTS[response.status], self._last_results.get(source)
        self._self_metrics.count(PUSH_POSTS, source, result.value)
        self._last_results[source] = result
        if result is PushResult.ACCEPTED and previous not in (None, result):
            _log.info("posts are accepted again", extra={"source": source})
        elif result is not PushResult.ACCEPTED and previous is not result:
            _log.warning("a post was not accepted: %s", result.value, extra={"source": source})


async def _response(storing: asyncio.Future[Delivery]) -> PushResponse:
    try:
        async with asyncio.timeout(STORE_TIMEOUT):
            delivery = await asyncio.shield(storing)
    except PostError as error:
        raise PushRequestError(413 if error.reason is Reason.TOO_LARGE else 400, str(error)) from None
    except (StoreError, TimeoutError):
        raise PushRequestError(503, "the post could not be stored: try again", _RETRY_LATER) from None
    return PushResponse(200 if delivery.accepted else 400, orjson.dumps(delivery.as_json()))


def _is_csv(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise PushRequestError(415, "send the body uncompressed")
    content_type = headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
    if not (is_json or media_type == "text/csv") or charset(content_type).lower() not in ("utf-8", "utf8"):
        raise PushRequestError(415, "send Content-Type: application/json or text/csv, in UTF-8")
    return not is_json


def _is_complete(scope: Scope) -> bool:
    parameters = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    complete = parameters.pop("complete", "false").lower()
    if parameters or complete not in _FLAGS:
        raise PushRequestError(400, "the only parameter is complete=true, for a post that lists every record there is")
    return _FLAGS[complete]
