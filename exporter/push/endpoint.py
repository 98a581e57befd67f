"""`POST /push/SOURCE` and `POST /push/SOURCE/ENTITY`: who may post, how much at once, and how it is answered."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from exporter.errors import PostError, Reason, StoreError
from exporter.exposition.self_metrics import SelfMetrics
from exporter.naming import HTTP_REJECTED, PUSH_POSTS, PushResult
from exporter.push.body import Post
from exporter.push.posting import Answer, Body, RefusedError
from exporter.sources.http.body import charset

if TYPE_CHECKING:
    from exporter.push.source import PushSource

PREFIX = "/push/"
MOST_POSTS = 16
"""Posts that are being received or kept; others wait for their turn. Scrapes have turns of their own."""
TURN = 2.0
"""Seconds a post waits for its turn."""
KEEP = 15.0
"""Seconds a post may take to be kept. It may be so even later: then posting it again changes nothing."""

_SOON, _LATER = 1, 5
_FLAGS = {"true": True, "1": True, "false": False, "0": False}

_log = logging.getLogger(__name__)


class Delivery(Protocol):
    """What became of a post."""

    @property
    def taken(self) -> bool:
        """False where there were records and none could be taken."""
        ...

    def as_json(self) -> dict[str, Any]:
        """What its sender is told."""
        ...


class Receiver(Protocol):
    """Takes the posts of the config in force."""

    @property
    def sources(self) -> Mapping[str, PushSource]:
        """The sources that take posts, by name."""
        ...

    @property
    def able(self) -> bool:
        """False where a post would be in vain just now."""
        ...

    def deliver(self, source: PushSource, post: Post) -> Delivery:
        """Keeps a post, in whatever thread. Raises PostError and StoreError."""
        ...


class Push:
    """The ASGI application below the prefix; `receiver` gives None before there is one.

    A refusal comes before the body is read wherever it can: 404, 401, 429, 415. Nothing is acknowledged that was
    not kept.
    """

    def __init__(self, receiver: Callable[[], Receiver | None], self_metrics: SelfMetrics) -> None:
        self._receiver = receiver
        self._self_metrics = self_metrics
        self._turns = asyncio.Semaphore(MOST_POSTS)
        # not the loop's shared threads: posts that wait for the store must not keep the page waiting
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="push")
        self._last: dict[str, PushResult] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        body = Body(receive)
        try:
            answer = await self._answer(scope, body)
        except RefusedError as refused:
            answer = refused.answer
        await answer.send(body, send)

    async def _answer(self, scope: Scope, body: Body) -> Answer:
        if scope["method"] != "POST":
            raise RefusedError(405, "send records by POST", allow="POST")
        receiver = self._receiver()
        if receiver is None:
            self._self_metrics.count(HTTP_REJECTED, "starting")
            raise RefusedError(503, "the exporter is starting: try again", retry_after=_SOON)
        name, *rest = scope["path"].removeprefix(PREFIX).split("/")
        source = receiver.sources.get(name)
        if source is None or len(rest) > 1:
            raise RefusedError(404, "no source of this name takes posts")
        try:
            answer = await self._of(source, rest[0] if rest else None, scope, body, receiver)
        except RefusedError as refused:
            answer = refused.answer
        self._note(source.name, answer)
        return answer

    async def _of(self, source: PushSource, entity: str | None, scope: Scope, body: Body, receiver: Receiver) -> Answer:
        _admit(source, scope)
        if wait := source.wait():
            raise RefusedError(429, "more posts than max_per_second: send several records in one", math.ceil(wait))
        if entity is not None and entity not in source.entities:
            raise RefusedError(404, f"this source takes {', '.join(source.entities)}")
        is_csv, complete = _is_csv(scope), _is_complete(scope)
        if complete and source.only(entity) is None:
            raise RefusedError(400, f"a complete list is of one entity: post it to {PREFIX}SOURCE/ENTITY")
        await self._turn()
        running: asyncio.Future[Delivery] | None = None
        try:
            if not receiver.able:
                raise RefusedError(503, "nothing can be kept now: try again", _LATER)
            post = Post(await body.read(scope), is_csv, entity, complete)
            running = asyncio.get_running_loop().run_in_executor(self._thread, receiver.deliver, source, post)
            running.add_done_callback(self._ended)
        finally:
            if running is None:
                self._turns.release()
        return await _answered(running)

    async def _turn(self) -> None:
        try:
            async with asyncio.timeout(TURN):
                await self._turns.acquire()
        except TimeoutError:
            raise RefusedError(503, "too many posts at once: try again", _SOON) from None

    def _ended(self, running: asyncio.Future[Delivery]) -> None:
        """The turn lasts as long as the work does, also where its sender was told to come back."""
        if not running.cancelled():
            running.exception()
        self._turns.release()

    def _note(self, source: str, answer: Answer) -> None:
        """Counts it, and logs where a source's posts are answered in another way than before."""
        result, before = _RESULTS[answer.status], self._last.get(source)
        self._self_metrics.count(PUSH_POSTS, source, result.value)
        self._last[source] = result
        if result is PushResult.ACCEPTED and before not in (None, result):
            _log.info("posts are accepted again", extra={"source": source})
        elif result is not PushResult.ACCEPTED and before is not result:
            _log.warning("a post was not accepted: %s", result.value, extra={"source": source})


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


async def _answered(running: asyncio.Future[Delivery]) -> Answer:
    try:
        async with asyncio.timeout(KEEP):
            delivery = await asyncio.shield(running)
    except PostError as error:
        raise RefusedError(413 if error.reason is Reason.TOO_LARGE else 400, str(error)) from None
    except (StoreError, TimeoutError):
        raise RefusedError(503, "nothing could be kept now: try again", _LATER) from None
    return Answer(200 if delivery.taken else 400, orjson.dumps(delivery.as_json()))


def _admit(source: PushSource, scope: Scope) -> None:
    shown = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, token = shown[0].partition(b" ") if len(shown) == 1 else (b"", b"", b"")
    try:
        admitted = source.admits(token.strip())
    except LookupError:
        raise RefusedError(503, "the source's token cannot be read: tell whoever runs the exporter", _LATER) from None
    if not (admitted and scheme.lower() == b"bearer"):
        raise RefusedError(401, "send the source's token as Authorization: Bearer TOKEN", www_authenticate="Bearer")


def _is_csv(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise RefusedError(415, "send the body as it is, not compressed")
    declared = headers.get("content-type", "")
    media = declared.partition(";")[0].strip().lower()
    is_json = media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
    if not (is_json or media == "text/csv") or charset(declared).lower() not in ("utf-8", "utf8"):
        raise RefusedError(415, "send Content-Type: application/json or text/csv, in UTF-8")
    return not is_json


def _is_complete(scope: Scope) -> bool:
    asked = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    complete = asked.pop("complete", "false").lower()
    if asked or complete not in _FLAGS:
        raise RefusedError(400, "the one parameter there is: complete=true, where all there is comes in this post")
    return _FLAGS[complete]
