"""A HubSpot account as a source."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

from exporter.config.sources.hubspot import HubspotOptions
from exporter.passes import Listing, Page, Pass
from exporter.sources.access_check import access
from exporter.sources.base import Access, SourceContext
from exporter.sources.http.auth import Authenticator, BearerAuth
from exporter.sources.http.client import Limits, SourceClient
from exporter.sources.http.oauth import OAuthAuth
from exporter.sources.parsing.rows import take
from exporter.sources.providers.hubspot.api import HubspotApi
from exporter.sources.providers.hubspot.objects import BY_ENTITY, LEADS, OWNERS_SCOPE, ObjectKind
from exporter.sources.providers.hubspot.owners import owner
from exporter.sources.providers.hubspot.pipelines import Stages, read_stages
from exporter.sources.providers.hubspot.reading import LAG, Reading, Wanted
from exporter.sources.providers.hubspot.refusals import classify, header_wait
from exporter.sources.providers.hubspot.shape import Shape

BASE_URL = "https://api.hubapi.com"
TOKEN_PATH = "/oauth/2026-03/token"  # noqa: S105 - a path; the v1 endpoint ends in February 2027
PER_SECOND = 9.0
"""The smallest plan allows 100 requests in ten seconds; the headers tell when another app has used them up."""
LOOKBACK = timedelta(minutes=5)


def create(options: HubspotOptions, context: SourceContext) -> HubspotSource:
    """The source that the options describe; raises SourceRejectedError where its address is not allowed."""
    base = (options.base_url or BASE_URL).rstrip("/")
    client = SourceClient(
        options,
        base,
        _authenticator(options, base, context),
        context,
        limits=Limits(PER_SECOND, header_wait),
        classify=classify(context),
    )
    return HubspotSource(options, context, HubspotApi(client, options.api_version, context))


def _authenticator(options: HubspotOptions, base: str, context: SourceContext) -> Authenticator:
    if options.token is not None:
        return BearerAuth(options.token, context)
    if options.oauth is None:
        raise AssertionError("the config asks for one of token and oauth")
    return OAuthAuth(options.oauth, options, context, base + TOKEN_PATH)


class HubspotSource:
    """Objects by lists and searches, owners always whole."""

    lag = LAG

    def __init__(self, options: HubspotOptions, context: SourceContext, api: HubspotApi) -> None:
        self.name = options.name
        # people first: numbers of teams and persons wait for them
        self.entities = tuple(sorted(options.reads, key=lambda entity: entity != "people"))
        self._options = options
        self._context = context
        self._api = api

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of one pass over an entity."""
        if sync_pass.entity == "people":
            pages = self._people()
        else:
            wanted = await self._wanted(self._kind(sync_pass.entity))
            pages = Reading(self._api, wanted, sync_pass, self._context.clock()).pages()
        async for page in pages:
            yield page

    def _kind(self, entity: str) -> ObjectKind:
        return LEADS if entity == "leads" and self._options.leads_from == "leads" else BY_ENTITY[entity]

    async def _wanted(self, kind: ObjectKind) -> Wanted:
        options = self._options
        stages = read_stages(await self._api.pipelines(kind.name), kind.meaning) if kind.meaning else Stages()
        extra = {str(entity): names for entity, names in options.properties.items()}.get(kind.entity, ())
        properties = tuple(dict.fromkeys((*kind.properties(stages), *extra)))
        # stages that are added later are no reason to read everything again, so they are left out
        asked_for = "\n".join((kind.name, *kind.properties(Stages()), *extra))
        return Wanted(
            kind,
            properties,
            Shape(kind.modified, self._context.zone, stages, extra),
            hashlib.sha256(asked_for.encode()).hexdigest()[:16],
            LOOKBACK if options.lookback is None else options.lookback,
        )

    async def _people(self) -> AsyncIterator[Page]:
        """Everybody at each pass: former owners keep their names, and nothing tells when one leaves."""
        now = self._context.clock()
        for archived in (False, True):
            async for batch in self._api.owners(archived):
                taken = take(batch.rows, owner, now)
                last = archived and batch.following is None
                yield Page(taken.records, taken.rejected, listing=Listing() if last else None)

    async def check(self) -> tuple[Access, ...]:
        """Asks for one record of each entity, and for its pipelines."""
        return tuple([await self._access(entity) for entity in self.entities])

    async def _access(self, entity: str) -> Access:
        kind = None if entity == "people" else self._kind(entity)
        return await access(entity, f"the scope {kind.scope if kind else OWNERS_SCOPE}", self._probe(kind))

    async def _probe(self, kind: ObjectKind | None) -> None:
        await self._api.peek(kind.name if kind else None)
        if kind is not None and kind.meaning is not None:
            await self._api.pipelines(kind.name)

    async def close(self) -> None:
        """Frees connections."""
        await self._api.close()
