"""A Pipedrive company as a source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from exporter.config.sources.pipedrive import PipedriveOptions
from exporter.errors import Reason, SourceRejectedError
from exporter.passes import Listing, Page, Pass
from exporter.sources.base import Access, SourceContext
from exporter.sources.cursor import changes_since
from exporter.sources.http.auth import HeaderAuth
from exporter.sources.http.client import Limits, SourceClient
from exporter.sources.http.oauth import OAuthAuth
from exporter.sources.parsing.rows import Make
from exporter.sources.provider import ProviderSource, page_of, required
from exporter.sources.providers.pipedrive.api import PARTS, V1, V2, WHOLE, Part, PipedriveApi, classify, header_wait
from exporter.sources.providers.pipedrive.payloads import activity, call, deal, lead, person, team_by_user
from exporter.sources.providers.pipedrive.places import Place

BASE_URL = "https://api.pipedrive.com"
TOKEN_URL = "https://oauth.pipedrive.com/oauth/token"  # noqa: S105 - an address
PER_SECOND = 5.0
"""Half the burst of the smallest plan, 20 in two seconds."""
KEPT = timedelta(days=29)
"""How long deleted deals are listed; Pipedrive says 30 days."""

IDLE = timedelta(days=1)
"""The cursor is the last change seen, but at most so old: where nothing changes, it must not outlive `KEPT`."""

_SCOPES = {"deals": "deals:read", "leads": "leads:read", "activities": "activities:read", "people": "users:read"}


def create(options: PipedriveOptions, context: SourceContext) -> PipedriveSource:
    """The source that the options describe; raises SourceRejectedError where its address is not allowed."""
    auth = (
        HeaderAuth("x-api-token", options.token, context)
        if options.token
        else OAuthAuth(required(options.oauth), options, context, TOKEN_URL)
    )
    base_url, limits = options.base_url or BASE_URL, Limits(PER_SECOND, header_wait)
    client = SourceClient(options, base_url, auth, context, limits=limits, classify=classify(context))
    return PipedriveSource(options, context, client)


class PipedriveSource(ProviderSource[PipedriveOptions]):
    """Each entity is one list or several, read one after the other."""

    default_lookback = timedelta(minutes=5)

    def __init__(self, options: PipedriveOptions, context: SourceContext, client: SourceClient) -> None:
        super().__init__(options, context, client)
        self._api = PipedriveApi(client)

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """All lists of the entity; what changed since the cursor where the list can say so."""
        sync_pass = _within_reach(sync_pass)
        make = await self._make(sync_pass.entity)
        parts, place = self._parts(sync_pass), Place.from_text(sync_pass.resume) if sync_pass.resume else Place()
        while place.part < len(parts):
            part = parts[place.part]
            async for batch in self._api.pages(part, self._custom(part), place.position):
                page = page_of(batch.rows, make, self._context.clock())
                place = place.after(batch, part, page.records)
                if place.part < len(parts):
                    yield replace(page, resume=place.to_text())
                else:
                    cursor = place.cursor(sync_pass, sync_pass.started_at - IDLE, self._api.skew)
                    yield replace(page, cursor=cursor, listing=self._listing(sync_pass, place))

    def _parts(self, sync_pass: Pass) -> tuple[Part, ...]:
        """The lists of the entity, asked for changes where there is a cursor."""
        parts, since = PARTS[sync_pass.entity], changes_since(sync_pass, self._lookback)
        return parts if since is None else tuple(part.changes(since) for part in parts)

    def _custom(self, part: Part) -> dict[str, str]:
        custom = ",".join(self._options.custom_fields) if part.path.startswith(f"{V2}/deals") else ""
        return {"custom_fields": custom} if custom else {}

    def _listing(self, sync_pass: Pass, place: Place) -> Listing | None:
        """Call logs show only the token's own user; archived leads cannot be asked for by change."""
        whole = sync_pass.cursor is None or sync_pass.entity == "people"
        return Listing() if whole and sync_pass.entity != "calls" and not place.shifted else None

    async def _make(self, entity: str) -> Make:
        if entity == "deals":
            stages, pipelines = await self._api.names(f"{V2}/stages"), await self._api.names(f"{V2}/pipelines")
            return partial(deal, stages=stages, pipelines=pipelines, wanted=self._options.custom_fields)
        if entity == "people":
            return partial(person, teams=await self._teams())
        makes: dict[str, Make] = {
            "leads": partial(lead, fields=self._options.lead_fields, zone=self._context.zone),
            "activities": partial(activity, zone=self._context.zone),
            "calls": call,
        }
        return makes[entity]

    async def _teams(self) -> dict[str, str]:
        """Teams by user, where the plan has teams."""
        try:
            rows: list[Any] = await self._api.all(f"{V1}/legacyTeams", WHOLE)
        except SourceRejectedError as error:
            if error.reason not in (Reason.FORBIDDEN, Reason.NOT_FOUND, Reason.BAD_REQUEST):
                raise
            return {}
        return team_by_user(rows)

    def _permission(self, entity: str) -> str:
        return f"the scope {_SCOPES.get(entity, 'phone-integration')}"

    async def _access(self, entity: str) -> Access:
        found = await super()._access(entity)
        if entity == "people" and found.allowed and not await self._teams():
            return replace(found, missing="there are no teams: the plan, or the token's user, has none to show")
        return found

    async def _probe(self, entity: str) -> None:
        """Asks for the first page of each list that the entity needs."""
        for part in PARTS[entity]:
            await self._api.one(part.path, part.paginator)


def _within_reach(sync_pass: Pass) -> Pass:
    """The pass, in full where deals may have been deleted that are no longer listed."""
    expired = sync_pass.cursor is not None and datetime.fromisoformat(sync_pass.cursor) < sync_pass.started_at - KEPT
    return replace(sync_pass, cursor=None) if expired and sync_pass.entity == "deals" else sync_pass
