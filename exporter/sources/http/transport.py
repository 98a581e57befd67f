"""One HTTP exchange: deadlines, a bounded body, verified TLS, no redirects, no cookies; each failure has a reason."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import cast

import certifi
import httpx

from exporter import __version__
from exporter.config.sources.base import HttpOptions
from exporter.errors import Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.sources.base import SourceContext
from exporter.sources.http.body import MAX_BYTES, read_body
from exporter.sources.http.origin import BaseUrl

CONNECT_SECONDS = 5.0
READ_GAP_SECONDS = 30.0
RESOLVE_INTERVAL = 300.0

_STATUSES_COUNTED_ALONE = frozenset({401, 403, 404, 429})


@dataclass(frozen=True, slots=True)
class RawResponse:
    """An unparsed response. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The Content-Type header, or an empty string."""
        return self.headers.get("content-type", "")


class HttpTransport:
    """Sends single requests to one origin. It never retries, follows redirects or logs a URL."""

    def __init__(
        self,
        options: HttpOptions,
        base_url: BaseUrl,
        context: SourceContext,
        transport: httpx.AsyncBaseTransport | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        for name in ("httpx", "httpcore"):  # they log full URLs and headers
            logging.getLogger(name).setLevel(logging.WARNING)
        self._source = options.name
        self._base_url = base_url
        self._context = context
        self._deadline = options.timeout.total_seconds()
        self._max_bytes = max_bytes
        self._transport = transport or context.transport
        self._addresses: tuple[str, ...] = ()
        self._resolved_until = 0.0
        self._ca_file = context.base / options.ca_file if options.ca_file else None
        self._client: httpx.AsyncClient | None = None
        self._closed = False
        self.skew = 0.0
        """The vendor's clock minus ours, in seconds, by its last Date header."""

    async def send(self, method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes | None) -> RawResponse:
        """The complete response to one request, whatever its status.

        Raises SourceUnavailableError (CONNECT, DNS, TLS, TIMEOUT, PROTOCOL) and
        SourceRejectedError (BLOCKED_ORIGIN, TOO_LARGE).
        """
        try:
            async with asyncio.timeout(self._deadline):
                client = self._connected()
                request = client.build_request(method, url, headers=dict(headers), content=content)
                response = await self._at_checked_address(client, request)
        except (httpx.HTTPError, TimeoutError) as error:
            outcome, failure = _classify_failure(error, url.path)
            self._context.telemetry.request(self._source, outcome)
            raise failure from None
        except SourceError as error:
            self._context.telemetry.request(self._source, _OUTCOMES.get(error.reason, "protocol"))
            raise
        self._context.telemetry.request(self._source, status_class(response.status))
        self._measure_skew(response)
        return response

    async def _at_checked_address(self, client: httpx.AsyncClient, request: httpx.Request) -> RawResponse:
        """Connects to an address that was checked, under the name that it was looked up for.

        If httpx looked the name up again, a name server could give another address than the one that was checked.
        """
        if self._transport is not None:
            return await _exchange(client, request, self._max_bytes)
        if self._context.monotonic() >= self._resolved_until:
            self._addresses = await self._base_url.resolve()
            self._resolved_until = self._context.monotonic() + RESOLVE_INTERVAL
        url, *others = (request.url.copy_with(host=address) for address in self._addresses)
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        for attempt in (url, *others):
            request.url = attempt
            try:
                response = await _exchange(client, request, self._max_bytes)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
                continue
            self._addresses = (attempt.host, *(address for address in self._addresses if address != attempt.host))
            return response
        self._resolved_until = 0.0  # the host may have moved
        raise failure

    def _connected(self) -> httpx.AsyncClient:
        """The client, created on first use: until then a source has no cost."""
        if self._closed:
            raise RuntimeError("the source is closed")
        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=self._transport,
                verify=verified_tls(self._base_url.scheme, self._ca_file),
                follow_redirects=False,
                trust_env=False,
                cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
                headers={"user-agent": f"kpi-exporter/{__version__}", "accept-encoding": "gzip, deflate"},
                timeout=httpx.Timeout(READ_GAP_SECONDS, connect=CONNECT_SECONDS, pool=None),
            )
        return self._client

    def _measure_skew(self, response: RawResponse) -> None:
        vendor_time = http_date(response.headers.get("date", ""))
        if vendor_time is not None:
            self.skew = (vendor_time - self._context.clock()).total_seconds()
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
        stream = cast("httpx.AsyncByteStream", response.stream)  # the raw bytes, still compressed
        body = await read_body(aiter(stream), headers.get("content-encoding", ""), max_bytes)
    finally:
        await response.aclose()
    return RawResponse(response.status_code, headers, body)


def status_class(status: int) -> str:
    """The class under which a response is counted, one of naming.REQUEST_CLASSES."""
    if status in _STATUSES_COUNTED_ALONE:
        return str(status)
    return f"{status // 100}xx" if 200 <= status < 600 else "protocol"


def http_date(text: str) -> datetime | None:
    """The instant of an HTTP date, or None if the text is not one."""
    try:
        instant = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


_OUTCOMES = {Reason.DNS: "connect", Reason.BLOCKED_ORIGIN: "blocked", Reason.TLS: "tls"}


def _classify_failure(error: Exception, path: str) -> tuple[str, SourceError]:
    """The request class and the error of a failed exchange, without httpx's messages: they may contain secrets."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return "timeout", SourceUnavailableError(Reason.TIMEOUT, f"{path}: no complete response before the deadline")
    if isinstance(error, httpx.ConnectError):
        causes = _causes(error)
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return "tls", SourceUnavailableError(Reason.TLS, "the server's certificate or TLS version was refused")
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return "connect", SourceUnavailableError(Reason.DNS, "the server's name cannot be resolved")
        return "connect", SourceUnavailableError(Reason.CONNECT, "cannot connect to the server")
    message = f"{path}: the connection was lost or the response is incomplete"
    return "protocol", SourceUnavailableError(Reason.PROTOCOL, message)


def _causes(error: BaseException | None) -> list[BaseException]:
    causes: list[BaseException] = []
    while error is not None and error not in causes:
        causes.append(error)
        error = error.__cause__ or error.__context__
    return causes


def verified_tls(scheme: str, ca_file: Path | None) -> ssl.SSLContext:
    """The TLS settings of a source: TLS 1.2 or newer, the public authorities and those of `ca_file`.

    Raises SourceRejectedError(TLS) if `ca_file` cannot be read.
    """
    if scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts no authority, and takes no time to create
    if ca_file is None:
        return _public_authorities()
    tls_context = ssl.create_default_context(cafile=certifi.where())
    try:
        tls_context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError):
        raise SourceRejectedError(Reason.TLS, f"ca_file {ca_file.name} has no certificates that can be read") from None
    return tls_context


@cache
def _public_authorities() -> ssl.SSLContext:
    """Shared by all sources: loading a hundred authorities takes longer than the rest of the start."""
    return ssl.create_default_context(cafile=certifi.where())
