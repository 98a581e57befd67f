"""How requests prove who they are. Secrets are read at each use, so a rotated file is picked up."""

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
    """Gives the credential of each request. Subclass it: only `credential` has to be written."""

    async def credential(self) -> Credential:
        """What to add to the next request; raises SourceRejectedError(UNAUTHORIZED) where a secret is missing."""
        ...

    async def renew(self, refused: Credential) -> bool:
        """Called after a 401: True where another credential than the refused one is now at hand."""
        return await self.credential() != refused

    def identity(self) -> Hashable:
        """Changes when the configured secret changes, and only then; it ends a lockout early."""
        return None

    async def close(self) -> None:
        """Frees connections."""
        return


def reveal(secret: Secret, context: SourceContext) -> str:
    """The secret's value; raises SourceRejectedError(UNAUTHORIZED) that names where it was looked for."""
    try:
        value = secret.reveal(context.environ, context.base)
    except LookupError as error:
        raise SourceRejectedError(Reason.UNAUTHORIZED, f"no credentials: {error.args[0]}") from None
    if not (value.isascii() and value.isprintable()):
        place = secret.env or secret.file
        raise SourceRejectedError(Reason.UNAUTHORIZED, f"the secret in {place} holds line breaks or odd characters")
    return value


class _Static(Authenticator):
    """A credential that is the configured secret itself."""

    def __init__(self, secret: Secret, context: SourceContext) -> None:
        self._secret = secret
        self._context = context

    def _value(self) -> str:
        return reveal(self._secret, self._context)

    def identity(self) -> Hashable:
        """The secret's fingerprint; None while it cannot be read."""
        try:
            return hash(self._value())
        except SourceRejectedError:
            return None


class BearerAuthenticator(_Static):
    """`Authorization: Bearer SECRET`."""

    async def credential(self) -> Credential:
        """The header."""
        return Credential(headers={"authorization": f"Bearer {self._value()}"})


class BasicAuthenticator(_Static):
    """HTTP basic authentication."""

    def __init__(self, user: str, password: Secret, context: SourceContext) -> None:
        super().__init__(password, context)
        self._user = user

    async def credential(self) -> Credential:
        """The header."""
        pair = base64.b64encode(f"{self._user}:{self._value()}".encode()).decode()
        return Credential(headers={"authorization": f"Basic {pair}"})


class HeaderAuthenticator(_Static):
    """The secret in a header of the vendor's choice."""

    def __init__(self, name: str, value: Secret, context: SourceContext, prefix: str = "") -> None:
        super().__init__(value, context)
        self._name = name.lower()
        self._prefix = prefix

    async def credential(self) -> Credential:
        """The header."""
        return Credential(headers={self._name: self._prefix + self._value()})


class QueryAuthenticator(_Static):
    """The secret in the query, where a vendor knows no better."""

    def __init__(self, name: str, value: Secret, context: SourceContext) -> None:
        super().__init__(value, context)
        self._name = name

    async def credential(self) -> Credential:
        """The parameter."""
        return Credential(params={self._name: self._value()})


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and how many seconds it lives (None: until it is refused)."""

    value: str = field(repr=False)
    lives: float | None = None
    scheme: str = "Bearer"


ObtainToken = Callable[[], Awaitable[Token]]


class TokenAuthenticator(Authenticator):
    """Access tokens that expire: one refresh serves all tasks, and an old token is used while it is valid.

    `obtain` asks the vendor for a token; it raises SourceUnavailableError where that may work later and
    SourceRejectedError(UNAUTHORIZED) where the vendor refuses. `secrets` is a fingerprint of what it sends.
    """

    EARLY = 60.0
    PAUSE = 30.0

    def __init__(
        self, obtain: ObtainToken, context: SourceContext, secrets: Callable[[], Hashable] = lambda: None
    ) -> None:
        self._obtain = obtain
        self._context = context
        self._secrets = secrets
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._fetched = 0.0
        self._not_before = 0.0

    async def credential(self) -> Credential:
        """The current token, fetched anew shortly before it ends."""
        async with self._lock:
            if self._token is None or self._left(self._token) <= 0:
                return self._header(await self._fetch())
            if self._left(self._token) <= min(self.EARLY, (self._token.lives or 0) / 2):
                await self._fetch_early()
            return self._header(self._token)

    async def renew(self, refused: Credential) -> bool:
        """Fetches a new token unless another task did so since the refused request was sent."""
        async with self._lock:
            if self._token is None or self._header(self._token) == refused:
                self._token = None
                await self._fetch()
            return True

    def identity(self) -> Hashable:
        """The fingerprint of what tokens are asked for with."""
        return self._secrets()

    async def _fetch(self) -> Token:
        token = await self._obtain()
        self._token, self._fetched = token, self._context.monotonic()
        return token

    async def _fetch_early(self) -> None:
        if self._context.monotonic() < self._not_before:
            return
        try:
            await self._fetch()
        except (SourceUnavailableError, SourceRejectedError):
            self._not_before = self._context.monotonic() + self.PAUSE  # the old token still holds

    def _left(self, token: Token) -> float:
        if token.lives is None:
            return float("inf")
        return self._fetched + token.lives - self._context.monotonic()

    @staticmethod
    def _header(token: Token) -> Credential:
        return Credential(headers={"authorization": f"{token.scheme} {token.value}"})
