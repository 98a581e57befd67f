"""Request middleware: which names, users and how many requests are accepted, and configured response headers."""

from __future__ import annotations

import base64
import binascii
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.config.web_config import RequestRate
from exporter.exposition.self_metrics import SelfMetrics
from exporter.naming import HTTP_REJECTED
from exporter.token_bucket import TokenBucket
from exporter.web.hosts import AllowedHosts
from exporter.web.passwords import PasswordVerifier, TooManyPasswordsError
from exporter.web.refusals import HttpHeader, refuse
from exporter.web.security import PEOPLE_OPTION, WebSecurity

PEOPLE_PATH = "/metrics/people"

_CHALLENGE = (b"www-authenticate", b'Basic realm="KPI Exporter", charset="UTF-8"')

_log = logging.getLogger(__name__)


class _Refusal(Exception):  # noqa: N818  # a client's mistake
    def __init__(self, reason: str, status: int, text: str, *headers: HttpHeader) -> None:
        super().__init__(text)
        self.reason, self.status, self.text, self.headers = reason, status, text, headers


class AccessMiddleware:
    """Wraps the whole application; counts refused requests by reason.

    Paths under `own_credentials` check credentials themselves. `security` returns what is in force now.
    """

    def __init__(
        self,
        app: ASGIApp,
        self_metrics: SelfMetrics,
        security: Callable[[], WebSecurity],
        hosts: AllowedHosts,
        *,
        own_credentials: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._self_metrics = self_metrics
        self._security = security
        self._hosts = hosts
        self._own_credentials = tuple(own_credentials)
        self._passwords = PasswordVerifier()
        self._rate = RequestRate()
        self._requests: TokenBucket | None = None
        self._foreign_host_logged = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        security = self._security()
        send = _with_headers(send, security.headers) if security.headers else send
        try:
            self._check_host(scope, security)
            await self._check_user(scope, security)
            self._check_rate(security.rate)
        except _Refusal as refusal:
            self._self_metrics.count(HTTP_REJECTED, refusal.reason)
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1003})
            else:
                await refuse(scope, receive, send, refusal.status, refusal.text, refusal.headers)
        else:
            await self._app(scope, receive, send)

    def _check_host(self, scope: Scope, security: WebSecurity) -> None:
        if (security.tls is not None or security.users is not None) and not self._hosts.configured:
            return  # a browser that was lured here has neither a valid certificate nor a password
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), None)
        if self._hosts.allows(host):
            return
        if not self._foreign_host_logged:
            self._foreign_host_logged = True
            _log.warning("a request with the foreign Host %.100r was refused: allow it with --web.hosts", host)
        raise _Refusal("host", 421, "this server does not answer to that name: add it with --web.hosts")

    async def _check_user(self, scope: Scope, security: WebSecurity) -> None:
        if scope["path"].startswith(self._own_credentials):
            return
        users = security.users
        if scope["path"] == PEOPLE_PATH:
            users = security.people_users
            if users is None and security.is_restricted:
                text = f"metrics of people need credentials of their own: set {PEOPLE_OPTION}"
                raise _Refusal("unauthorized", 403, text)
        if users is not None:
            await self._check_password(scope, users)

    async def _check_password(self, scope: Scope, users: Mapping[str, str]) -> None:
        credentials = _basic_credentials(scope)
        try:
            verified = credentials is not None and await self._passwords.verify(users, *credentials)
        except TooManyPasswordsError:
            raise _Refusal("busy", 503, "too many passwords at once: try again", (b"retry-after", b"5")) from None
        if not verified:
            raise _Refusal("unauthorized", 401, "Unauthorized", _CHALLENGE)

    def _check_rate(self, rate: RequestRate) -> None:
        """Only admitted users can use the rate up."""
        now, seconds = monotonic(), rate.interval.total_seconds()
        if rate != self._rate:
            self._rate, self._requests = rate, TokenBucket(1 / seconds, rate.burst, now) if seconds else None
        if self._requests is not None and (wait := self._requests.take(now)):
            text = "more requests than rate_limit allows"
            raise _Refusal("rate_limit", 429, text, (b"retry-after", b"%d" % math.ceil(wait)))


def _basic_credentials(scope: Scope) -> tuple[str, bytes] | None:
    """User and password of a request with exactly one valid Authorization header."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, encoded = values[0].strip().partition(b" ") if len(values) == 1 else (b"", b"", b"")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode("utf-8"), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _with_headers(send: Send, headers: tuple[HttpHeader, ...]) -> Send:
    names = {name for name, _ in headers}

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            others = [header for header in message.get("headers", ()) if bytes(header[0]).lower() not in names]
            message = {**message, "headers": [*others, *headers]}
        await send(message)

    return send_with_headers
