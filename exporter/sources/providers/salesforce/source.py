"""A Salesforce org as a source: credentials, limits, and what its error codes mean beyond the status."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any

from exporter.config.sources.base import OAuth
from exporter.config.sources.salesforce import SalesforceOptions
from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError, SourceUnavailableError
from exporter.passes import Page, Pass
from exporter.sources.base import SourceContext
from exporter.sources.http.auth import Authenticator
from exporter.sources.http.client import Limits, SourceClient
from exporter.sources.http.oauth import OAuthAuthenticator
from exporter.sources.provider import ProviderSource, error_body, required
from exporter.sources.providers.salesforce.assertion import AssertionAuthenticator
from exporter.sources.providers.salesforce.payloads import RecordMapper
from exporter.sources.providers.salesforce.reading import LAG, SoqlPass, SoqlQuery
from exporter.sources.providers.salesforce.soql import OBJECTS

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path
PER_SECOND = 5.0

PERMISSIONS = {entity: f"read access to {kind.name}" for entity, kind in OBJECTS.items()}

QUOTA_PAUSE = 3600.0
"""Seconds without requests once the org's quota is used up; it covers the last 24 hours."""

_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
_CODE = re.compile(r"[A-Z_]{3,60}")
_PERMANENT: Mapping[str, Reason] = {
    "INVALID_FIELD": Reason.SCHEMA, "MALFORMED_QUERY": Reason.SCHEMA, "INVALID_QUERY_FILTER_OPERATOR": Reason.SCHEMA,
    "INVALID_TYPE": Reason.FORBIDDEN, "INSUFFICIENT_ACCESS": Reason.FORBIDDEN, "API_DISABLED_FOR_ORG": Reason.FORBIDDEN,
}  # fmt: skip
_TEMPORARY: Mapping[str, Reason] = {
    "QUERY_TIMEOUT": Reason.TIMEOUT, "SERVER_UNAVAILABLE": Reason.SERVER_ERROR,
    "UNABLE_TO_LOCK_ROW": Reason.SERVER_ERROR, "INVALID_QUERY_LOCATOR": Reason.PROTOCOL,
}  # fmt: skip


def create(options: SalesforceOptions, context: SourceContext) -> SalesforceSource:
    """The source that the options describe; raises SourceRejectedError if its address is not allowed."""
    token_url = options.base_url + TOKEN_PATH
    if options.jwt is not None:
        auth: Authenticator = AssertionAuthenticator(options, options.jwt, token_url, context)
    else:
        oauth = OAuth(client_id=options.client_id, client_secret=required(options.client_secret))
        auth = OAuthAuthenticator(oauth, options, context, token_url)
    limits = Limits(PER_SECOND, quota_wait(options.quota_share))
    client = SourceClient(options, options.base_url, auth, context, limits=limits, classify=classify)
    return SalesforceSource(options, context, client)


def classify(status: int, headers: Mapping[str, str], body: bytes) -> SourceError | None:  # noqa: ARG001
    """The error that a response stands for; None to go by its status."""
    if status < 400:
        return None
    errors = error_body(body)
    first = errors[0] if isinstance(errors, list) and errors else {}
    code = str(first.get("errorCode", "")) if isinstance(first, dict) else ""
    if not _CODE.fullmatch(code):
        return None
    if code == "REQUEST_LIMIT_EXCEEDED":
        return RateLimitedError("the org's API requests of the last 24 hours are used up", QUOTA_PAUSE)
    if code in _TEMPORARY:
        return SourceUnavailableError(_TEMPORARY[code], f"Salesforce gave up ({code})")
    if code in _PERMANENT:
        return SourceRejectedError(_PERMANENT[code], f"the query or the user's right to it is refused ({code})")
    return None


def quota_wait(share: float) -> Callable[[Mapping[str, str]], float | None]:
    """Pauses once all clients of the org together have used so large a share of its quota, by Sforce-Limit-Info."""

    def wait(headers: Mapping[str, str]) -> float | None:
        usage = _USAGE.search(headers.get("sforce-limit-info", ""))
        return QUOTA_PAUSE if usage and int(usage[1]) >= share * int(usage[2]) else None

    return wait


class SalesforceSource(ProviderSource[SalesforceOptions]):
    """Reads each entity from one object, by SOQL."""

    lag = LAG
    default_lookback = timedelta(minutes=10)
    """Rows that are committed late appear minutes later with stamps that have already been read."""

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of one pass over an entity."""
        query = await self._query(sync_pass.entity)
        async for page in SoqlPass(self._client, self._base, query, sync_pass).pages():
            yield page

    @property
    def _base(self) -> str:
        return f"/services/data/{self._options.api_version}"

    async def _query(self, entity: str) -> SoqlQuery:
        """Asks at each pass which fields the user may read, since that changes without notice."""
        response = await self._client.get(f"{self._base}/sobjects/{OBJECTS[entity].name}/describe")
        fields: Any = response.body.get("fields") if isinstance(response.body, dict) else None
        if not isinstance(fields, list):
            raise SourceRejectedError(Reason.SCHEMA, f"{OBJECTS[entity].name}: no description of its fields")
        readable = [str(field["name"]) for field in fields if isinstance(field, dict) and "name" in field]
        extra = tuple(dict[str, tuple[str, ...]](self._options.fields).get(entity, ()))  # type: ignore[arg-type]
        mapper = RecordMapper(self._context.zone, self._options.lead_states, extra)
        return SoqlQuery(OBJECTS[entity].fields(readable, extra), mapper, self._lookback)

    async def _probe(self, entity: str) -> None:
        """Asks for the object's description, which lists only what the user may read."""
        try:
            await self._query(entity)
        except SourceRejectedError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            raise SourceRejectedError(Reason.FORBIDDEN, PERMISSIONS[entity]) from None
