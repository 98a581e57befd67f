"""A Pipedrive company as a source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from exporter.config.sources.pipedrive import PipedriveOptions
from exporter.errors import Reason, SourceRejectedError
from exporter.passes import Listing, Page, Pass
from exporter.records import Record
from exporter.sources.base import Access, SourceContext
from exporter.sources.cursor import StoredPosition, changes_since, next_cursor
from exporter.sources.http.auth import HeaderAuthenticator
from exporter.sources.http.client import Limits, SourceClient
from exporter.sources.http.oauth import OAuthAuthenticator
from exporter.sources.http.pagination import VendorPage
from exporter.sources.parsing.plausibility import latest_plausible
from exporter.sources.parsing.rows import ParseRow
from exporter.sources.provider import ProviderSource, page_of, required
from exporter.sources.providers.pipedrive.api import (
    LISTS,
    ONE_PAGE,
    V1,
    V2,
    PipedriveApi,
    PipedriveList,
    classify,
    header_wait,
)
from exporter.sources.providers.pipedrive.payloads import activity, call, deal, lead, person, team_by_user

BASE_URL = "https://api.pipedrive.com"
TOKEN_URL = "https://oauth.pipedrive.com/oauth/token"  # noqa: S105 - an address
PER_SECOND = 5.0
"""Half the burst of the smallest plan, which is 20 in two seconds."""

DELETIONS_LISTED = timedelta(days=29)
"""How long deleted deals are listed; Pipedrive documents 30 days."""

OLDEST_CURSOR = timedelta(days=1)
"""The cursor is the latest change read, but at most this old: if nothing changes, it must not outlive the deletions."""

PERMISSIONS = {
    "deals": "the scope deals:read",
    "leads": "the scope leads:read",
    "activities": "the scope activities:read",
    "calls": "the scope phone-integration",
    "people": "the scope users:read",
}


def create(options: PipedriveOptions, context: SourceContext) -> PipedriveSource:
    """The source that the options describe; raises SourceRejectedError if its address is not allowed."""
    auth = (
        HeaderAuthenticator("x-api-token", options.token, context)
        if options.token
        else OAuthAuthenticator(required(options.oauth), options, context, TOKEN_URL)
    )
    base_url, limits = options.base_url or BASE_URL, Limits(PER_SECOND, header_wait)
    client = SourceClient(options, base_url, auth, context, limits=limits, classify=classify(context))
    return PipedriveSource(options, context, client)


class PipedriveSource(ProviderSource[PipedriveOptions]):
    """Reads each entity from its lists, one after the other."""

    default_lookback = timedelta(minutes=5)

    def __init__(self, options: PipedriveOptions, context: SourceContext, client: SourceClient) -> None:
        super().__init__(options, context, client)
        self._api = PipedriveApi(client)

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """All lists of the entity, restricted to changes since the cursor if the list has a filter."""
        sync_pass = _full_if_expired(sync_pass)
        parse_row = await self._parser(sync_pass.entity)
        lists, since = LISTS[sync_pass.entity], changes_since(sync_pass, self._lookback)
        if since is not None:
            lists = tuple(listing.changes(since) for listing in lists)
        progress = PipedriveProgress.from_text(sync_pass.resume) if sync_pass.resume else PipedriveProgress()
        while progress.index < len(lists):
            listing = lists[progress.index]
            async for batch in self._api.pages(listing, self._custom_fields(listing), progress.position):
                page = page_of(batch.rows, parse_row)
                progress = progress.after(batch, listing, page.records, sync_pass.started_at)
                if progress.index < len(lists):
                    yield replace(page, resume=progress.to_text())
                else:
                    yield self._last_page(page, sync_pass, progress)

    def _custom_fields(self, listing: PipedriveList) -> dict[str, str]:
        keys = ",".join(self._options.custom_fields) if listing.path.startswith(f"{V2}/deals") else ""
        return {"custom_fields": keys} if keys else {}

    def _last_page(self, page: Page, sync_pass: Pass, progress: PipedriveProgress) -> Page:
        """The page with its cursor, and with a listing if the pass read everything.

        Call logs never have one: they show only the token's own user.
        """
        oldest = sync_pass.started_at - OLDEST_CURSOR
        latest = max(progress.latest, oldest) if progress.latest else oldest
        full = sync_pass.cursor is None or sync_pass.entity == "people"
        complete = full and sync_pass.entity != "calls" and not progress.shifted
        cursor = next_cursor(sync_pass, latest, skew=self._api.skew)
        return replace(page, cursor=cursor, listing=Listing() if complete else None)

    async def _parser(self, entity: str) -> ParseRow:
        if entity == "deals":
            stages, pipelines = await self._api.names(f"{V2}/stages"), await self._api.names(f"{V2}/pipelines")
            return partial(deal, stages=stages, pipelines=pipelines, custom_fields=self._options.custom_fields)
        if entity == "people":
            return partial(person, teams=await self._teams())
        parsers: dict[str, ParseRow] = {
            "leads": partial(lead, fields=self._options.lead_fields, zone=self._context.zone),
            "activities": partial(activity, zone=self._context.zone),
            "calls": call,
        }
        return parsers[entity]

    async def _teams(self) -> dict[str, str]:
        """Team by user, if the plan has teams."""
        try:
            rows: list[Any] = await self._api.rows(f"{V1}/legacyTeams", ONE_PAGE)
        except SourceRejectedError as error:
            if error.reason not in (Reason.FORBIDDEN, Reason.NOT_FOUND, Reason.BAD_REQUEST):
                raise
            return {}
        return team_by_user(rows)

    def _permission(self, entity: str) -> str:
        return PERMISSIONS[entity]

    async def _access(self, entity: str) -> Access:
        access = await super()._access(entity)
        if entity == "people" and access.allowed and not await self._teams():
            return replace(access, missing="there are no teams: the plan has none, or the token's user sees none")
        return access

    async def _probe(self, entity: str) -> None:
        """Requests the first page of each list of the entity."""
        for listing in LISTS[entity]:
            await self._api.probe(listing)


def _full_if_expired(sync_pass: Pass) -> Pass:
    """The pass; a full one if deals may have been deleted that are no longer listed."""
    if sync_pass.entity != "deals" or sync_pass.cursor is None:
        return sync_pass
    expired = datetime.fromisoformat(sync_pass.cursor) < sync_pass.started_at - DELETIONS_LISTED
    return replace(sync_pass, cursor=None) if expired else sync_pass


@dataclass(frozen=True, slots=True)
class PipedriveProgress(StoredPosition):
    """How far a pass has read an entity's lists."""

    index: int = 0
    """The current list."""
    position: str | None = None
    last_id: str | None = None
    """The last row of the previous page, which repeats if pages overlap."""
    shifted: bool = False
    """Whether rows disappeared during the pass, which may have moved others past the reader."""
    latest: datetime | None = None
    """The latest change read."""

    def after(
        self, batch: VendorPage, listing: PipedriveList, records: Sequence[Record], now: datetime
    ) -> PipedriveProgress:
        """The progress after one more page of the current list."""
        ids = [str(row.get("id")) for row in batch.rows if isinstance(row, dict)]
        overlaps = getattr(listing.paginator, "overlap", 0) > 0
        shifted = self.shifted or (overlaps and self.last_id is not None and self.last_id not in ids)
        latest = latest_plausible([self.latest, *(record.updated_at for record in records)], now)
        if batch.following is None:
            return PipedriveProgress(self.index + 1, shifted=shifted, latest=latest)
        return PipedriveProgress(self.index, batch.following, ids[-1] if overlaps and ids else None, shifted, latest)
