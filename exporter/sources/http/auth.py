"""Authentication of requests. Secrets are read at each use, so that a rotated secret file takes effect."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from exporter.config.fields import Secret
from exporter.errors import Reason, SourceRejectedError, SourceUnavailableError
from exporter.sources.base import SourceContext


@dataclass(frozen=True, slots=True)
class Credential:
    """What is added to one request. Never printed."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)


class Authenticator(Protocol):
    """Provides the credential of each request. Subclass it; only `credential` is required."""

    async def credential(self) -> Credential:
        """The credential for the next request; raises SourceRejectedError(UNAUTHORIZED) if a secret is missing."""
        ...

    async def renew(self, refused: Credential) -> bool:
        """Called after a 401; True if a credential other than the refused one is now available."""
        return await self.credential() != refused

    def identity(self) -> Hashable:
        """Changes when the configured secret changes, and only then; a change ends a lockout early."""
        return None

    async def close(self) -> None:
        """Closes connections."""
        return


def reveal(secret: Secret, context: SourceContext) -> str:
    """The secret's value; raises SourceRejectedError(UNAUTHORIZED) that names where it was looked up."""
    try:
        value = secret.reveal(context.environ, context.base)
    except LookupError as error:
        raise SourceRejectedError(Reason.UNAUTHORIZED, f"no credentials: {error.args[0]}") from None
    if not (value.isascii() and value.isprintable()):
        message = f"the secret in {secret.env or secret.file} contains line breaks or non-ASCII characters"
        raise SourceRejectedError(Reason.UNAUTHORIZED, message)
    return value


class _SecretAuthenticator(Authenticator):
    """Base of authenticators whose credential is the configured secret itself."""

    def __init__(self, secret: Secret, context: SourceContext) -> None:
        self._secret = secret
        self._context = context

    def _value(self) -> str:
        return reveal(self._secret, self._context)

    def identity(self) -> Hashable:
        """The secret's hash; None while it cannot be read."""
        try:
            return hash(self._value())
        except SourceRejectedError:
            return None


class BearerAuthenticator(_SecretAuthenticator):
    """`Authorization: Bearer SECRET`."""

    async def credential(self) -> Credential:
        """The header."""
        return Credential(headers={"authorization": f"Bearer {self._value()}"})


class BasicAuthenticator(_SecretAuthenticator):
    """HTTP basic authentication."""

    def __init__(self, user: str, password: Secret, context: SourceContext) -> None:
        super().__init__(password, context)
        self._user = user

    async def credential(self) -> Credential:
        """The header."""
        return Credential(headers={"authorization": basic_header(self._user, self._value())})


def basic_header(user: str, password: str) -> str:
    """The value of an Authorization header for HTTP basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class HeaderAuthenticator(_SecretAuthenticator):
    """The secret in a header that the vendor names."""

    def __init__(self, name: str, value: Secret, context: SourceContext, prefix: str = "") -> None:
        super().__init__(value, context)
        self._name = name.lower()
        self._prefix = prefix

    async def credential(self) -> Credential:
        """The header."""
        return Credential(headers={self._name: self._prefix + self._value()})


class QueryAuthenticator(_SecretAuthenticator):
    """The secret in the query string, for vendors that support nothing better."""

    def __init__(self, name: str, value: Secret, context: SourceContext) -> None:
        super().__init__(value, context)
        self._name = name

    async def credential(self) -> Credential:
        """The parameter."""
        return Credential(params={self._name: self._value()})


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and its lifetime in seconds (None: until it is refused)."""

    value: str = field(repr=False)
    lifetime: float | None = None
    scheme: str = "Bearer"


ObtainToken = Callable[[], Awaitable[Token]]


class TokenAuthenticator(Authenticator):
    """Access tokens that expire. One refresh serves all tasks, and a token is used as long as it is valid.

    `obtain` requests a token; it raises SourceUnavailableError if a retry may help and
    SourceRejectedError(UNAUTHORIZED) if the vendor refuses. `secrets` gives the fingerprint of what it sends.
    """

    EARLY_SECONDS = 60.0
    """A token is replaced this long before it expires."""
    RETRY_SECONDS = 30.0
    """The wait after an early refresh that failed."""

    def __init__(
        self, obtain: ObtainToken, context: SourceContext, secrets: Callable[[], Hashable] = lambda: None
    ) -> None:
        self._obtain = obtain
        self._context = context
        self._secrets = secrets
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._fetched_at = 0.0
        self._retry_at = 0.0

    async def credential(self) -> Credential:
        """The current token, replaced shortly before it expires."""
        async with self._lock:
            token = self._token
            if token is None or self._remaining(token) <= 0:
                return _token_header(await self._fetch())
            due = self._remaining(token) <= min(self.EARLY_SECONDS, (token.lifetime or 0) / 2)
            if due and self._context.monotonic() >= self._retry_at:
                try:
                    token = await self._fetch()
                except (SourceUnavailableError, SourceRejectedError):  # the old token is still valid
                    self._retry_at = self._context.monotonic() + self.RETRY_SECONDS
            return _token_header(token)

    async def renew(self, refused: Credential) -> bool:
        """Fetches a new token unless another task did so after the refused request was sent."""
        async with self._lock:
            if self._token is None or _token_header(self._token) == refused:
                self._token = None
                await self._fetch()
            return True

    def identity(self) -> Hashable:
        """The fingerprint of the secrets with which tokens are requested."""
        return self._secrets()

    async def _fetch(self) -> Token:
        token = await self._obtain()
        self._token, self._fetched_at = token, self._context.monotonic()
        return token

    def _remaining(self, token: Token) -> float:
        if token.lifetime is None:
            return float("inf")
        return self._fetched_at + token.lifetime - self._context.monotonic()


def _token_header(token: Token) -> Credential:
    return Credential(headers={"authorization": f"{token.scheme} {token.value}"})
