"""The JWT bearer grant: an assertion signed with the app's key instead of a secret (RFC 7523)."""

from __future__ import annotations

from datetime import timedelta

from exporter.config.sources.salesforce import JwtBearer, SalesforceOptions
from exporter.errors import Reason, SourceError, SourceRejectedError
from exporter.sources.base import SourceContext
from exporter.sources.http.auth import Token, TokenAuthenticator
from exporter.sources.http.oauth import TokenEndpoint, token_of

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_VALIDITY = timedelta(minutes=3)


class AssertionAuthenticator(TokenAuthenticator):
    """Signs an assertion whenever a token is needed. Its audience is the org's own My Domain address."""

    def __init__(self, options: SalesforceOptions, jwt: JwtBearer, token_url: str, context: SourceContext) -> None:
        self._options = options
        self._jwt = jwt
        self._context = context
        self._endpoint = TokenEndpoint(options, token_url, context)
        super().__init__(self._grant, context, self._fingerprint)

    async def _grant(self) -> Token:
        return token_of(await self._endpoint.post({"grant_type": GRANT, "assertion": self._assertion()}))

    def _assertion(self) -> str:
        try:
            import jwt
        except ImportError:
            text = "JWT bearer needs the extra: pip install kpi-exporter[salesforce]"
            raise SourceRejectedError(Reason.UNAUTHORIZED, text) from None
        claims = {
            "iss": self._options.client_id,
            "sub": self._jwt.user,
            "aud": self._options.base_url,
            "exp": int((self._context.clock() + _VALIDITY).timestamp()),
        }
        try:
            return jwt.encode(claims, self._private_key(), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise SourceRejectedError(Reason.UNAUTHORIZED, "jwt.private_key is not an RSA key in PEM form") from None

    def _private_key(self) -> str:
        """The key's text, which, unlike other secrets, has several lines."""
        try:
            return self._jwt.private_key.reveal(self._context.environ, self._context.base)
        except LookupError as error:
            raise SourceRejectedError(Reason.UNAUTHORIZED, f"no credentials: {error.args[0]}") from None

    def _fingerprint(self) -> int | None:
        try:
            return hash(self._private_key())
        except SourceError:
            return None

    async def close(self) -> None:
        """Closes the connections to the token endpoint."""
        await self._endpoint.close()
