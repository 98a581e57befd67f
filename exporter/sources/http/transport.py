"""One HTTP exchange: deadlines, a bounded body, no redirects, no cookies, and every failure under its reason."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import cast

import httpx

from exporter import __version__
from exporter.config.sources.base import HttpOptions
from exporter.errors import Reason, SourceError, SourceUnavailableError
from exporter.sources.base import SourceContext
from exporter.sources.http.body import MAX_BYTES, read_body
from exporter.sources.http.origin import BaseUrl
from exporter.sources.http.trust import trusted

CONNECT_SECONDS = 5.0
READ_GAP_SECONDS = 30.0
RESOLVE_EVERY = 300.0

_SINGLE_CLASSES = frozenset({401, 403, 404, 429})


@dataclass(frozen=True, slots=True)
class RawResponse:
    """What came back, unparsed. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The Content-Type header, or an empty text."""
        return self.headers.get("content-type", "")


class HttpTransport:
    """Sends single requests to one origin. Never retries, never follows, never logs a URL."""

    def __init__(
        self,
        options: HttpOptions,
        address: BaseUrl,
        context: SourceContext,
        transport: httpx.AsyncBaseTransport | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        for name in ("httpx", "httpcore"):  # they log full URLs and headers
            logging.getLogger(name).setLevel(logging.WARNING)
        self._source = options.name
        self._address = address
        self._context = context
        self._deadline = options.timeout.total_seconds()
        self._max_bytes = max_bytes
        self._transport = transport or context.transport
        self._resolved_until = float("inf") if self._transport is not None else 0.0
        self._ca_file = context.base / options.ca_file if options.ca_file else None
        self._client: httpx.AsyncClient | None = None
        self._closed = False
        self.skew = 0.0
        """The vendor's clock minus ours, in seconds, by its last Date header."""

    async def send(self, method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes | None) -> RawResponse:
        """One request and its whole answer, whatever its status.

        Raises SourceUnavailableError (CONNECT, DNS, TLS, TIMEOUT, PROTOCOL) and
        SourceRejectedError (BLOCKED_ORIGIN, TOO_LARGE).
        """
        try:
            async with asyncio.timeout(self._deadline):
                await self._resolve()
                client = self._connected()
                request = client.build_request(method, url, headers=dict(headers), content=content)
                reply = await _exchange(client, request, self._max_bytes)
        except (httpx.HTTPError, TimeoutError) as error:
            outcome, failure = _failure(error, url.path)
            self._context.telemetry.request(self._source, outcome)
            raise failure from None
        except SourceError as error:
            self._context.telemetry.request(self._source, _OUTCOMES.get(error.reason, "protocol"))
            raise
        self._context.telemetry.request(self._source, status_class(reply.status))
        self._measure_skew(reply)
        return reply

    async def _resolve(self) -> None:
        if self._context.monotonic() >= self._resolved_until:
            await self._address.resolve()
            self._resolved_until = self._context.monotonic() + RESOLVE_EVERY

    def _connected(self) -> httpx.AsyncClient:
        """The client, made when it is first needed: until then a source costs nothing."""
        if self._closed:
            raise RuntimeError("the source is closed")
        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=self._transport,
                verify=trusted(self._address.scheme, self._ca_file),
                follow_redirects=False,
                trust_env=False,
                cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
                headers={"user-agent": f"kpi-exporter/{__version__}", "accept-encoding": "gzip, deflate"},
                timeout=httpx.Timeout(READ_GAP_SECONDS, connect=CONNECT_SECONDS, pool=None),
            )
        return self._client

    def _measure_skew(self, reply: RawResponse) -> None:
        theirs = http_date(reply.headers.get("date", ""))
        if theirs is not None:
            self.skew = (theirs - self._context.clock()).total_seconds()
            self._context.telemetry.clock_skew(self._source, self.skew)

    async def close(self) -> None:
        """Closes the connections for good."""
        self._closed = True
        if self._client is not None:
            await self._client.aclose()


async def _exchange(client: httpx.AsyncClient, request: httpx.Request, max_bytes: int) -> RawResponse:
    response = await client.send(request, stream=True)
    try:
        headers = dict(response.headers.items())
        stream = cast("httpx.AsyncByteStream", response.stream)  # the raw bytes, still packed
        body = await read_body(aiter(stream), headers.get("content-encoding", ""), max_bytes)
    finally:
        await response.aclose()
    return RawResponse(response.status_code, headers, body)


def status_class(status: int) -> str:
    """The class under which an answer is counted, one of naming.REQUEST_CLASSES."""
    if status in _SINGLE_CLASSES:
        return str(status)
    return f"{status // 100}xx" if 200 <= status < 600 else "protocol"


def http_date(text: str) -> datetime | None:
    """The instant of an HTTP date, or None."""
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_OUTCOMES = {Reason.DNS: "connect", Reason.BLOCKED_ORIGIN: "blocked", Reason.TLS: "tls"}


def _failure(error: Exception, path: str) -> tuple[str, SourceError]:
    """The request class and the error of a failed exchange. Texts of the library may hold secrets: not used."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return "timeout", SourceUnavailableError(Reason.TIMEOUT, f"{path}: no whole answer in time")
    if isinstance(error, httpx.ConnectError):
        causes = _causes(error)
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return "tls", SourceUnavailableError(Reason.TLS, "the server's certificate or TLS version is refused")
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return "connect", SourceUnavailableError(Reason.DNS, "the server's name cannot be resolved")
        return "connect", SourceUnavailableError(Reason.CONNECT, "the server cannot be reached")
    return "protocol", SourceUnavailableError(Reason.PROTOCOL, f"{path}: the connection broke or the answer is cut")


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
