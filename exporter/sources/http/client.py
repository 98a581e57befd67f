"""The HTTP client of all providers: one policy for origin, credentials, deadlines, rate limits and retries."""

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

_NO_RETRY = frozenset({Reason.TLS, Reason.BREAKER_OPEN, Reason.STORE})
_CONDITIONS = ("if-modified-since", "if-none-match")


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A usable response: 2xx, or 304 if the request was conditional (body None, as for 204).

    `url` is the request's, without credentials, as the base of relative links.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _ApiRequest:
    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    content: bytes | None = None
    as_text: bool = False


class SourceClient:
    """All HTTP of one source. Every request only reads, so every request may be retried.

    Raises SourceRejectedError if the vendor refuses or the response has an unexpected structure,
    RateLimitedError(retry_after) for a wait longer than a few seconds, else SourceUnavailableError.
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
        self._base_url = BaseUrl(base_url, insecure=options.allow_insecure, private=options.allow_private)
        self._transport = HttpTransport(options, self._base_url, context, transport)
        self._limiter = RateLimiter(options.max_per_second or limits.per_second, context, options.sync_every)
        self._budget = RetryBudget()
        self._breaker = CircuitBreaker(options.sync_every, context.monotonic)
        self._lockout = CredentialLockout(context.monotonic)

    @property
    def skew(self) -> float:
        """The vendor's clock minus ours in seconds, by the last response with a date."""
        return self._transport.skew

    async def get(
        self, path: str, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> ApiResponse:
        """The JSON at a path below the base URL, or at an absolute URL of the same origin."""
        return await self._call(_ApiRequest("GET", self._url(path, params), headers or {}))

    async def get_text(
        self, path: str, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> ApiResponse:
        """Like `get`, for responses that are not JSON: `body` is a str."""
        return await self._call(_ApiRequest("GET", self._url(path, params), headers or {}, as_text=True))

    async def post(
        self,
        path: str,
        *,
        json: object | None = None,
        form: Mapping[str, str] | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiResponse:
        """The JSON response of a search, with `json` or `form` as the request body."""
        if form is not None:
            content, content_type = str(httpx.QueryParams(dict(form))).encode(), "application/x-www-form-urlencoded"
        else:
            content, content_type = orjson.dumps(json), "application/json"
        headers = {"content-type": content_type, **(headers or {})}
        return await self._call(_ApiRequest("POST", self._url(path, params), headers, content))

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()
        if self._auth is not None:
            await self._auth.close()

    def _url(self, path: str, params: Params | None) -> httpx.URL:
        try:
            url = self._base_url.url(path)
        except SourceRejectedError:
            self._context.telemetry.request(self._source, "blocked")
            raise
        if not params:
            return url
        pairs = params.items() if isinstance(params, Mapping) else params
        return _with_params(url, [(key, str(value)) for key, value in pairs])

    async def _call(self, request: _ApiRequest) -> ApiResponse:
        """Retries until an attempt succeeds, the error is final, or attempts or retry budget are used up."""
        self._breaker.enter()
        self._budget.request()
        attempts = 1 if self._breaker.is_open else ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                response = await self._attempt(request)
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
                self._limiter.succeeded()
                return response
        raise AssertionError("the last attempt returns or raises")

    def _may_wait(self, error: RateLimitedError, attempt: int, attempts: int) -> bool:
        """Pauses the limiter for the wait that the vendor asks for, or else for one of our own.

        True if the wait is short enough for another attempt, which the limiter then delays.
        """
        has_wait = error.retry_after > 0
        retry = (
            attempt < attempts and (not has_wait or self._limiter.sleeps(error.retry_after)) and self._budget.spend()
        )
        if not has_wait:
            error.retry_after = retry_wait(attempt, self._context.jitter()) if retry else self._limiter.penalty()
        self._limiter.pause(error.retry_after)
        if not retry:
            self._context.telemetry.next_attempt(self._source, self._context.in_seconds(error.retry_after))
        return retry

    async def _attempt(self, request: _ApiRequest) -> ApiResponse:
        """One request, or two if the first gets a 401 and the credential can be renewed."""
        credential = Credential()
        if self._auth is not None:
            identity = self._auth.identity()
            self._lockout.enter(identity)
            try:
                credential = await self._auth.credential()
            except SourceRejectedError:
                self._lockout.refused(identity)
                raise
        response, error = await self._exchange(request, credential)
        if self._auth is not None and _is_unauthorized(error) and await self._renewed(self._auth, credential):
            response, error = await self._exchange(request, await self._auth.credential())
        if _is_unauthorized(error):
            self._lockout.refused(self._auth.identity() if self._auth else None)
        if error is not None:
            raise error
        self._lockout.accepted()
        return _parse(request, response)

    async def _renewed(self, auth: Authenticator, refused: Credential) -> bool:
        try:
            return await auth.renew(refused)
        except SourceRejectedError:
            self._lockout.refused(auth.identity())
            raise

    async def _exchange(self, request: _ApiRequest, credential: Credential) -> tuple[RawResponse, SourceError | None]:
        await self._limiter.enter()
        url = _with_params(request.url, list(credential.params.items())) if credential.params else request.url
        headers = {"accept": "application/json", **request.headers, **credential.headers}
        response = await self._transport.send(request.method, url, headers, request.content)
        now = self._context.clock()
        wait = self._limits.wait(response.headers) if self._limits.wait else None
        if wait and response.status < 400:
            self._limiter.pause(wait)
        error = self._classify(response.status, response.headers, response.body) if self._classify else None
        if isinstance(error, RateLimitedError) and error.retry_after <= 0:
            error.retry_after = requested_wait(response.headers, now, self._limits.wait)
        return response, error or error_for_status(response, request.url.path, now, self._limits.wait)


def _with_params(url: httpx.URL, pairs: list[tuple[str, str]]) -> httpx.URL:
    """The URL with parameters added; a parameter already in it (from a next link) is replaced."""
    replaced = {key for key, _ in pairs}
    remaining = [(key, value) for key, value in url.params.multi_items() if key not in replaced]
    return url.copy_with(params=remaining + pairs)


def _is_unauthorized(error: SourceError | None) -> bool:
    return isinstance(error, SourceRejectedError) and error.reason is Reason.UNAUTHORIZED


def _parse(request: _ApiRequest, response: RawResponse) -> ApiResponse:
    path, url = request.url.path, str(request.url)
    if response.status == 304 and not any(name in request.headers for name in _CONDITIONS):
        raise SourceRejectedError(Reason.BLOCKED_ORIGIN, f"{path}: 304 to a request without a condition")
    if response.status in (204, 304):
        return ApiResponse(response.status, response.headers, None, url)
    body: Any
    if request.as_text:
        try:
            body = response.body.decode(charset(response.content_type))
        except (UnicodeDecodeError, LookupError):
            message = "the response's text does not match its declared charset"
            raise SourceUnavailableError(Reason.PROTOCOL, message) from None
    else:
        try:
            body = parse_json(response.body, response.content_type)
        except SourceError as error:
            raise type(error)(error.reason, f"{path}: {error}") from None
    return ApiResponse(response.status, response.headers, body, url)
