"""The one HTTP policy of all providers: origin, credentials, deadlines, limits, retries, verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from exporter.config.sources.base import HttpOptions
from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.sources.backoff import CircuitBreaker, CredentialLockout, RetryBudget, retry_wait
from exporter.sources.base import SourceContext
from exporter.sources.http.auth import Authenticator, Credential
from exporter.sources.http.body import charset, parse_json
from exporter.sources.http.origin import BaseUrl
from exporter.sources.http.rate_limit import ATTEMPTS, NO_LIMITS, Limits, RateLimiter
from exporter.sources.http.status import Classify, error_for_status, requested_wait
from exporter.sources.http.transport import HttpTransport, RawResponse

__all__ = ["ApiResponse", "Classify", "Limits", "Params", "SourceClient"]

Params = Mapping[str, str | int] | Sequence[tuple[str, str]]

_NO_RETRY = frozenset({Reason.TLS, Reason.BREAKER_OPEN})
_CONDITIONS = ("if-modified-since", "if-none-match")


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A usable answer: 2xx, or 304 where the request was conditional (body None, as for 204).

    `url` is the request's, without credentials, for relative links to be joined to.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Ask:
    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    content: bytes | None = None
    as_text: bool = False


class SourceClient:
    """All HTTP of one source. Every request is a read, so every request may be repeated.

    Raises the classes of errors.py: SourceRejectedError where the vendor refuses or answers in another shape,
    RateLimitedError(retry_after) where it asks to wait longer than a few seconds, else SourceUnavailableError.
    """

    def __init__(  # noqa: PLR0913 - the collaborators of every provider, most of them optional
        self,
        options: HttpOptions,
        base_url: str,
        auth: Authenticator | None,
        context: SourceContext,
        *,
        limits: Limits = NO_LIMITS,
        classify: Classify | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._source = options.name
        self._auth = auth
        self._context = context
        self._limits = limits
        self._classify = classify
        self._address = BaseUrl(base_url, insecure=options.allow_insecure, private=options.allow_private)
        self._wire = HttpTransport(options, self._address, context, transport)
        self._gate = RateLimiter(options.max_per_second or limits.per_second, context, options.sync_every)
        self._budget = RetryBudget()
        self._breaker = CircuitBreaker(options.sync_every, context.monotonic)
        self._lockout = CredentialLockout(context.monotonic)

    @property
    def skew(self) -> float:
        """The vendor's clock minus ours in seconds, by the last answer that told it."""
        return self._wire.skew

    async def get(
        self, path: str, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> ApiResponse:
        """The JSON at a path below the base URL, or at an absolute URL of the same origin."""
        return await self._call(_Ask("GET", self._url(path, params), headers or {}))

    async def get_text(
        self, path: str, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> ApiResponse:
        """As `get`, for the few answers that are not JSON: `body` is a str."""
        return await self._call(_Ask("GET", self._url(path, params), headers or {}, as_text=True))

    async def post(
        self,
        path: str,
        *,
        json: object | None = None,
        form: Mapping[str, str] | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiResponse:
        """The JSON that a search answers; `json` or `form` is what is sent."""
        if form is not None:
            content, kind = str(httpx.QueryParams(dict(form))).encode(), "application/x-www-form-urlencoded"
        else:
            content, kind = orjson.dumps(json), "application/json"
        return await self._call(
            _Ask("POST", self._url(path, params), {"content-type": kind, **(headers or {})}, content)
        )

    async def close(self) -> None:
        """Frees connections."""
        await self._wire.close()
        if self._auth is not None:
            await self._auth.close()

    def _url(self, path: str, params: Params | None) -> httpx.URL:
        try:
            url = self._address.url(path)
        except SourceRejectedError:
            self._context.telemetry.request(self._source, "blocked")
            raise
        if not params:
            return url
        pairs = params.items() if isinstance(params, Mapping) else params
        return _with_params(url, [(key, str(value)) for key, value in pairs])

    async def _call(self, ask: _Ask) -> ApiResponse:
        """Attempts until one succeeds, the error is final, or patience or budget end."""
        self._breaker.enter()
        self._budget.request()
        attempts = 1 if self._breaker.is_open else ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                answer = await self._attempt(ask)
            except RateLimitedError as error:
                if not self._may_wait(error, attempt, attempts):
                    raise
            except SourceUnavailableError as error:
                if attempt == attempts or error.reason in _NO_RETRY or not self._budget.spend():
                    self._breaker.failed()
                    raise
                await self._context.sleep(retry_wait(attempt, self._context.jitter()))
            else:
                self._breaker.succeeded()
                self._gate.passed()
                return answer
        raise AssertionError("the last attempt returns or raises")

    def _may_wait(self, error: RateLimitedError, attempt: int, attempts: int) -> bool:
        """Holds the gate for as long as the vendor says, or else for a time of our own.

        True where the wait is short enough for another attempt, which the gate then delays.
        """
        told = error.retry_after > 0
        again = attempt < attempts and (not told or self._gate.sleeps(error.retry_after)) and self._budget.spend()
        if not told:
            error.retry_after = retry_wait(attempt, self._context.jitter()) if again else self._gate.penalty()
        self._gate.hold(error.retry_after)
        if not again:
            self._context.telemetry.next_attempt(self._source, self._context.in_seconds(error.retry_after))
        return again

    async def _attempt(self, ask: _Ask) -> ApiResponse:
        """One request, or two where the first is answered by 401 and the credential can be renewed."""
        credential = await self._credential()
        reply, error = await self._exchange(ask, credential)
        if self._auth is not None and _is_refusal(error) and await self._renewed(self._auth, credential):
            reply, error = await self._exchange(ask, await self._auth.credential())
        if _is_refusal(error):
            self._lockout.refused(self._auth.identity() if self._auth else None)
        if error is not None:
            raise error
        self._lockout.accepted()
        return self._answer(ask, reply)

    async def _credential(self) -> Credential:
        if self._auth is None:
            return Credential()
        identity = self._auth.identity()
        self._lockout.enter(identity)
        try:
            return await self._auth.credential()
        except SourceRejectedError:
            self._lockout.refused(identity)
            raise

    async def _renewed(self, auth: Authenticator, refused: Credential) -> bool:
        try:
            return await auth.renew(refused)
        except SourceRejectedError:
            self._lockout.refused(auth.identity())
            raise

    async def _exchange(self, ask: _Ask, credential: Credential) -> tuple[RawResponse, SourceError | None]:
        await self._gate.enter()
        url = _with_params(ask.url, list(credential.params.items())) if credential.params else ask.url
        headers = {"accept": "application/json", **ask.headers, **credential.headers}
        reply = await self._wire.send(ask.method, url, headers, ask.content)
        now = self._context.clock()
        wait = self._limits.wait(reply.headers) if self._limits.wait else None
        if wait and reply.status < 400:
            self._gate.hold(wait)
        error = self._classify(reply.status, reply.headers, reply.body) if self._classify else None
        if isinstance(error, RateLimitedError) and error.retry_after <= 0:
            error.retry_after = requested_wait(reply.headers, now, self._limits.wait)
        return reply, error or error_for_status(reply, ask.url.path, now, self._limits.wait)

    def _answer(self, ask: _Ask, reply: RawResponse) -> ApiResponse:
        url = str(ask.url)
        if reply.status == 304 and not any(name in ask.headers for name in _CONDITIONS):
            raise SourceRejectedError(Reason.BLOCKED_ORIGIN, f"{ask.url.path}: 304 to a request without a condition")
        if reply.status in (204, 304):
            return ApiResponse(reply.status, reply.headers, None, url)
        if ask.as_text:
            return ApiResponse(reply.status, reply.headers, _decoded(reply), url)
        try:
            body = parse_json(reply.body, reply.content_type)
        except SourceError as error:
            raise type(error)(error.reason, f"{ask.url.path}: {error}") from None
        return ApiResponse(reply.status, reply.headers, body, url)


def _with_params(url: httpx.URL, pairs: list[tuple[str, str]]) -> httpx.URL:
    """The URL with parameters added; a parameter already in it (a next link's) is replaced."""
    replaced = {key for key, _ in pairs}
    kept = [(key, value) for key, value in url.params.multi_items() if key not in replaced]
    return url.copy_with(params=kept + pairs)


def _is_refusal(error: SourceError | None) -> bool:
    return isinstance(error, SourceRejectedError) and error.reason is Reason.UNAUTHORIZED


def _decoded(reply: RawResponse) -> str:
    try:
        return reply.body.decode(charset(reply.content_type))
    except (UnicodeDecodeError, LookupError):
        raise SourceUnavailableError(Reason.PROTOCOL, "the answer's text is not in its declared charset") from None
