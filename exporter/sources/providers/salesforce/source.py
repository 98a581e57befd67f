"""A Salesforce org as a source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from exporter.config.fields import Secret
from exporter.config.sources.base import OAuth
from exporter.config.sources.salesforce import SalesforceOptions
from exporter.errors import Reason, SourceRejectedError
from exporter.passes import Page, Pass
from exporter.sources.access_check import access
from exporter.sources.base import Access, SourceContext
from exporter.sources.http.auth import Authenticator
from exporter.sources.http.client import Limits, SourceClient
from exporter.sources.http.oauth import OAuthAuth
from exporter.sources.providers.salesforce.assertion import AssertionAuth
from exporter.sources.providers.salesforce.payloads import Shape
from exporter.sources.providers.salesforce.reading import LAG, LOOKBACK, Reading, Wanted
from exporter.sources.providers.salesforce.refusals import classify, quota_wait
from exporter.sources.providers.salesforce.soql import OBJECTS

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path
PER_SECOND = 5.0


def create(options: SalesforceOptions, context: SourceContext) -> SalesforceSource:
    """The source that the options describe; raises SourceRejectedError where its address is not allowed."""
    client = SourceClient(
        options,
        options.base_url,
        _authenticator(options, context),
        context,
        limits=Limits(PER_SECOND, quota_wait(options.quota_share)),
        classify=classify,
    )
    return SalesforceSource(options, context, client)


def _authenticator(options: SalesforceOptions, context: SourceContext) -> Authenticator:
    url = options.base_url + TOKEN_PATH
    if options.jwt is not None:
        return AssertionAuth(options, options.jwt, url, context)
    secret: Secret | None = options.client_secret
    if secret is None:
        raise AssertionError("the config asks for one of client_secret and jwt")
    return OAuthAuth(OAuth(client_id=options.client_id, client_secret=secret), options, context, url)


class SalesforceSource:
    """Each entity is one object, read by SOQL."""

    lag = LAG

    def __init__(self, options: SalesforceOptions, context: SourceContext, client: SourceClient) -> None:
        self.name = options.name
        self.entities: tuple[str, ...] = options.entities
        self._options = options
        self._context = context
        self._client = client
        self._base = f"/services/data/{options.api_version}"

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of one pass over an entity."""
        wanted = await self._wanted(sync_pass.entity)
        async for page in Reading(self._client, self._base, wanted, sync_pass, self._context.clock()).pages():
            yield page

    async def _wanted(self, entity: str) -> Wanted:
        """Fields that the org has and the user may read, asked anew at each pass: both change without notice."""
        extra = tuple(dict[str, tuple[str, ...]](self._options.fields).get(entity, ()))  # type: ignore[arg-type]
        fields = OBJECTS[entity].fields(await self._readable(entity), extra)
        shape = Shape(self._context.zone, self._options.lead_states, extra)
        lookback = LOOKBACK if self._options.lookback is None else self._options.lookback
        return Wanted(fields, shape, lookback)

    async def _readable(self, entity: str) -> list[str]:
        answer = await self._client.get(f"{self._base}/sobjects/{OBJECTS[entity].name}/describe")
        fields: Any = answer.body.get("fields") if isinstance(answer.body, dict) else None
        if not isinstance(fields, list):
            raise SourceRejectedError(Reason.SCHEMA, f"{OBJECTS[entity].name}: no description of its fields")
        return [str(field["name"]) for field in fields if isinstance(field, dict) and "name" in field]

    async def check(self) -> tuple[Access, ...]:
        """Asks for each object's description, which lists only what the user may read."""
        return tuple([await access(entity, "", self._probe(entity)) for entity in self.entities])

    async def _probe(self, entity: str) -> None:
        try:
            await self._wanted(entity)
        except SourceRejectedError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            raise SourceRejectedError(Reason.FORBIDDEN, f"read access to {OBJECTS[entity].name}") from None

    async def close(self) -> None:
        """Frees connections."""
        await self._client.close()
