"""OAuth 2 at a vendor's token endpoint: client credentials, or a refresh token that each use may replace."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any
from urllib.parse import urlencode

import httpx

from exporter.config.sources.base import HttpOptions, OAuth
from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.sources.base import SourceContext
from exporter.sources.http.auth import Token, TokenAuthenticator, basic_header, reveal
from exporter.sources.http.body import parse_json
from exporter.sources.http.origin import BaseUrl
from exporter.sources.http.refresh_token import RotatingRefreshToken
from exporter.sources.http.status import retry_after
from exporter.sources.http.transport import HttpTransport

FINISH_SECONDS = 3.0
"""Seconds that a request with a refresh token gets to finish when the exporter stops."""


class TokenEndpoint:
    """A vendor's token endpoint, for every kind of grant."""

    def __init__(
        self,
        options: HttpOptions,
        token_url: str,
        context: SourceContext,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._context = context
        base_url = BaseUrl(token_url, insecure=options.allow_insecure, private=options.allow_private)
        self._url = base_url.url(token_url)
        self._transport = HttpTransport(options, base_url, context, transport, max_bytes=1024 * 1024)

    async def post(self, form: dict[str, str], headers: dict[str, str] | None = None) -> dict[str, Any]:
        """The parsed response, which contains `access_token`.

        Raises SourceRejectedError(UNAUTHORIZED) if the grant is refused, RateLimitedError, or else
        SourceUnavailableError: an unusual response means that the endpoint is broken, not the credentials.
        """
        content = urlencode(form).encode()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
            **(headers or {}),
        }
        response = await self._transport.send("POST", self._url, headers, content)
        status = response.status
        if status == 429:
            wait = retry_after(response.headers, self._context.clock())
            raise RateLimitedError("the token endpoint's rate limit is used up", wait)
        if 400 <= status < 500:
            raise SourceRejectedError(Reason.UNAUTHORIZED, f"the token endpoint refused the credentials ({status})")
        if not 200 <= status < 300:
            raise SourceUnavailableError(Reason.SERVER_ERROR, f"the token endpoint failed ({status})")
        try:
            body = parse_json(response.body, response.content_type)
        except SourceRejectedError:
            body = None
        if not isinstance(body, dict) or not _is_token(body.get("access_token")):
            raise SourceUnavailableError(Reason.PROTOCOL, "the token endpoint's response has no access token")
        return body

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()


def _is_token(value: object) -> bool:
    return isinstance(value, str) and value != "" and value.isascii() and value.isprintable()


def token_of(body: dict[str, Any]) -> Token:
    """The token in a token endpoint's response; `expires_in` may be a number, a numeric string or absent."""
    try:
        lifetime = float(body.get("expires_in") or 0)
    except (TypeError, ValueError):
        lifetime = 0.0
    return Token(body["access_token"], lifetime if 0 < lifetime < 1e9 else None)


async def _finished(rotation: Coroutine[Any, Any, Token]) -> Token:
    """The result; a cancellation waits for a moment, because a request that is cut off may have used the token up."""
    task = asyncio.create_task(rotation)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=FINISH_SECONDS)
        task.cancel()
        raise


class OAuthAuthenticator(TokenAuthenticator):
    """The `oauth` section of a source as an authenticator."""

    def __init__(
        self,
        oauth: OAuth,
        options: HttpOptions,
        context: SourceContext,
        token_url: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        url = oauth.token_url or token_url
        if url is None:
            raise SourceRejectedError(Reason.UNAUTHORIZED, "oauth needs a token_url")
        self._oauth = oauth
        self._endpoint = TokenEndpoint(options, url, context, transport)
        refresh_token = oauth.refresh_token
        self._refresh_token = RotatingRefreshToken(refresh_token, options.name, context) if refresh_token else None
        super().__init__(self._grant, context, self._fingerprint)

    async def _grant(self) -> Token:
        if self._refresh_token is None:
            return token_of(await self._request({"grant_type": "client_credentials"}))
        return await _finished(self._rotate(self._refresh_token))

    async def _rotate(self, refresh_token: RotatingRefreshToken) -> Token:
        async with refresh_token.use() as use:
            body = await self._request({"grant_type": "refresh_token", "refresh_token": use.token})
            if _is_token(body.get("refresh_token")):
                use.successor = body["refresh_token"]
        return token_of(body)

    async def _request(self, form: dict[str, str]) -> dict[str, Any]:
        if self._oauth.scope:
            form["scope"] = self._oauth.scope
        secret = reveal(self._oauth.client_secret, self._context)
        headers: dict[str, str] = {}
        if self._oauth.client_auth == "basic":
            headers["authorization"] = basic_header(self._oauth.client_id, secret)
        else:
            form |= {"client_id": self._oauth.client_id, "client_secret": secret}
        return await self._endpoint.post(form, headers)

    def _fingerprint(self) -> Hashable:
        try:
            refresh_token = reveal(self._oauth.refresh_token, self._context) if self._oauth.refresh_token else ""
            return hash((reveal(self._oauth.client_secret, self._context), refresh_token))
        except SourceError:
            return None

    async def close(self) -> None:
        """Closes the connections to the token endpoint."""
        await self._endpoint.close()
