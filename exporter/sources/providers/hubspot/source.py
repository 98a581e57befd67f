"""A HubSpot account as a source."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

from exporter.config.sources.hubspot import HubspotOptions
from exporter.passes import Listing, Page, Pass
from exporter.sources.base import SourceContext
from exporter.sources.http.auth import BearerAuthenticator
from exporter.sources.http.client import Limits, SourceClient
from exporter.sources.http.oauth import OAuthAuthenticator
from exporter.sources.provider import ProviderSource, page_of, required
from exporter.sources.providers.hubspot.api import HubspotApi
from exporter.sources.providers.hubspot.objects import ObjectKind, PropertyReader
from exporter.sources.providers.hubspot.payloads import BY_ENTITY, LEADS, OWNERS_SCOPE, owner
from exporter.sources.providers.hubspot.pipelines import Stages, read_stages
from exporter.sources.providers.hubspot.reading import LAG, ObjectPass, ObjectQuery
from exporter.sources.providers.hubspot.refusals import classify, header_wait

BASE_URL = "https://api.hubapi.com"
TOKEN_PATH = "/oauth/2026-03/token"  # noqa: S105 - a path; the v1 endpoint ends in February 2027
PER_SECOND = 9.0
"""The smallest plan allows 100 requests in ten seconds; the headers tell when other apps have used them up."""

PERMISSIONS = {entity: f"the scope {kind.scope}" for entity, kind in BY_ENTITY.items()}
PERMISSIONS["people"] = f"the scope {OWNERS_SCOPE}"
"""What each entity needs; leads need `crm.objects.leads.read` if they are read from HubSpot's leads object."""


def create(options: HubspotOptions, context: SourceContext) -> HubspotSource:
    """The source that the options describe; raises SourceRejectedError if its address is not allowed."""
    base_url = (options.base_url or BASE_URL).rstrip("/")
    auth = (
        BearerAuthenticator(options.token, context)
        if options.token
        else OAuthAuthenticator(required(options.oauth), options, context, base_url + TOKEN_PATH)
    )
    limits = Limits(PER_SECOND, header_wait)
    client = SourceClient(options, base_url, auth, context, limits=limits, classify=classify(context))
    return HubspotSource(options, context, client)


class HubspotSource(ProviderSource[HubspotOptions]):
    """Reads objects by lists and searches, and all owners at each pass."""

    lag = LAG
    default_lookback = timedelta(minutes=5)

    def __init__(self, options: HubspotOptions, context: SourceContext, client: SourceClient) -> None:
        super().__init__(options, context, client)
        self._api = HubspotApi(client, options.api_version, context)

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of one pass over an entity."""
        if sync_pass.entity == "people":
            pages = self._people()
        else:
            query = await self._query(self._kind(sync_pass.entity))
            pages = ObjectPass(self._api, query, sync_pass).pages()
        async for page in pages:
            yield page

    def _kind(self, entity: str) -> ObjectKind:
        return LEADS if entity == "leads" and self._options.leads_from == "leads" else BY_ENTITY[entity]

    async def _query(self, kind: ObjectKind) -> ObjectQuery:
        status = kind.stage_status
        stages = read_stages(await self._api.pipelines(kind.name), status) if status else Stages()
        extra = {str(entity): names for entity, names in self._options.properties.items()}.get(kind.entity, ())
        properties = tuple(dict.fromkeys((*kind.properties(stages), *extra)))
        # without the stages: one that is added later is no reason to read everything again
        fingerprint = hashlib.sha256("\n".join((kind.name, *kind.properties(Stages()), *extra)).encode())
        reader = PropertyReader(kind.modified, self._context.zone, stages, extra)
        return ObjectQuery(kind, properties, reader, fingerprint.hexdigest()[:16], self._lookback)

    async def _people(self) -> AsyncIterator[Page]:
        """Everybody at each pass: former owners keep their names, and nothing says when an owner leaves."""
        for archived in (False, True):
            async for batch in self._api.owners(archived):
                page = page_of(batch.rows, owner)
                last = archived and batch.following is None
                yield replace(page, listing=Listing() if last else None)

    def _permission(self, entity: str) -> str:
        return PERMISSIONS["people"] if entity == "people" else f"the scope {self._kind(entity).scope}"

    async def _probe(self, entity: str) -> None:
        """Asks for one record, and for the pipelines of an object that has some."""
        kind = None if entity == "people" else self._kind(entity)
        await self._api.peek(kind.name if kind else None)
        if kind is not None and kind.stage_status is not None:
            await self._api.pipelines(kind.name)
