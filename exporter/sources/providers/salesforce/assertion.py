"""The JWT bearer grant: an assertion signed with the app's key stands in for a secret (RFC 7523)."""

from __future__ import annotations

from datetime import timedelta

from exporter.config.sources.salesforce import JwtBearer, SalesforceOptions
from exporter.errors import Reason, SourceError, SourceRejectedError
from exporter.sources.base import SourceContext
from exporter.sources.http.auth import Token, TokenAuth
from exporter.sources.http.oauth import TokenEndpoint, token_of

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIVES = timedelta(minutes=3)


class AssertionAuth(TokenAuth):
    """Signs an assertion whenever a token is needed. The audience is the org's own My Domain address."""

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
        expires = self._context.clock() + _LIVES
        claims = {
            "iss": self._options.client_id,
            "sub": self._jwt.user,
            "aud": self._options.base_url,
            "exp": int(expires.timestamp()),
        }
        try:
            return jwt.encode(claims, reveal_pem(self._jwt, self._context), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise SourceRejectedError(Reason.UNAUTHORIZED, "jwt.private_key is no RSA key in PEM form") from None

    def _fingerprint(self) -> int | None:
        try:
            return hash(reveal_pem(self._jwt, self._context))
        except SourceError:
            return None

    async def close(self) -> None:
        """Closes the connections to the token endpoint."""
        await self._endpoint.close()


def reveal_pem(jwt: JwtBearer, context: SourceContext) -> str:
    """The key's text, which, unlike other secrets, has several lines."""
    try:
        return jwt.private_key.reveal(context.environ, context.base)
    except LookupError as error:
        raise SourceRejectedError(Reason.UNAUTHORIZED, f"no credentials: {error.args[0]}") from None
