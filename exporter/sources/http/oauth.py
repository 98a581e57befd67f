"""OAuth 2 at a vendor's token endpoint: client credentials, or a refresh token that each use may replace."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Hashable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from exporter.config.fields import Secret
from exporter.config.sources.base import HttpOptions, OAuth
from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.sources.base import SourceContext
from exporter.sources.http.auth import Token, TokenAuthenticator, basic_header, reveal
from exporter.sources.http.body import parse_json
from exporter.sources.http.origin import BaseUrl
from exporter.sources.http.status import retry_after
from exporter.sources.http.transport import HttpTransport

_log = logging.getLogger(__name__)


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
        form = {"grant_type": "client_credentials"}
        if self._refresh_token is not None:
            form = {"grant_type": "refresh_token", "refresh_token": await self._refresh_token.current()}
        if self._oauth.scope:
            form["scope"] = self._oauth.scope
        secret = reveal(self._oauth.client_secret, self._context)
        headers: dict[str, str] = {}
        if self._oauth.client_auth == "basic":
            headers["authorization"] = basic_header(self._oauth.client_id, secret)
        else:
            form |= {"client_id": self._oauth.client_id, "client_secret": secret}
        body = await self._endpoint.post(form, headers)
        if self._refresh_token is not None and _is_token(body.get("refresh_token")):
            await self._refresh_token.replace(body["refresh_token"])
        return token_of(body)

    def _fingerprint(self) -> Hashable:
        try:
            refresh_token = reveal(self._oauth.refresh_token, self._context) if self._oauth.refresh_token else ""
            return hash((reveal(self._oauth.client_secret, self._context), refresh_token))
        except SourceError:
            return None

    async def close(self) -> None:
        """Closes the connections to the token endpoint."""
        await self._endpoint.close()


class RotatingRefreshToken:
    """A refresh token that the vendor may replace; the new one is on disk before it is used.

    The file is in the data directory, with mode 0600. A changed secret in the config overrides it.
    """

    def __init__(self, configured: Secret, source: str, context: SourceContext) -> None:
        self._configured = configured
        self._context = context
        self._path = context.data_dir / f"{source}.refresh-token" if context.data_dir else None
        self._rotated: tuple[str, str] | None = None
        """The digest of the configured token that was replaced, and its replacement."""
        self._saved = True

    async def current(self) -> str:
        """The token to use now; raises SourceUnavailableError(STORE) while a new one could not be saved."""
        configured = reveal(self._configured, self._context)
        if not self._saved:
            await self._save()
        if self._rotated is None and self._path is not None:
            self._rotated = await asyncio.to_thread(_load, self._path)
        if self._rotated is not None and self._rotated[0] == _digest(configured):
            return self._rotated[1]
        return configured

    async def replace(self, token: str) -> None:
        """Saves the vendor's new token. A failure to save is raised only by the next `current`."""
        configured = reveal(self._configured, self._context)
        if token == (self._rotated[1] if self._rotated else configured):
            return
        self._rotated, self._saved = (_digest(configured), token), False
        try:
            await self._save()
        except SourceUnavailableError:
            _log.error("the vendor's new refresh token could not be saved in the data directory")

    async def _save(self) -> None:
        if self._path is not None and self._rotated is not None:
            try:
                await asyncio.to_thread(_store, self._path, self._rotated)
            except OSError:
                message = "the new refresh token cannot be saved in the data directory"
                raise SourceUnavailableError(Reason.STORE, message) from None
        self._saved = True


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _load(path: Path) -> tuple[str, str] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return str(content["replaces"]), str(content["token"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _store(path: Path, rotated: tuple[str, str]) -> None:
    """Writes a temporary file and renames it, so that the file is always complete."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"replaces": rotated[0], "token": rotated[1]}, file)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
