"""One pass over one kind of object: lists for everything, searches for what changed, and the archived objects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from exporter.errors import IncompletePassError, Reason
from exporter.passes import Listing, Page, Pass
from exporter.records import Record
from exporter.sources.cursor import StoredPosition, finish_last_page, next_instant
from exporter.sources.parsing.plausibility import latest_plausible
from exporter.sources.provider import page_of
from exporter.sources.providers.hubspot.api import SEARCH_ROWS, HubspotApi, rows_of, total_of
from exporter.sources.providers.hubspot.objects import ObjectKind, PropertyReader

LAG = timedelta(seconds=60)
"""How long a change may be missing from search results; HubSpot publishes no bound."""

SECONDS_PER_ARCHIVED_PAGE = 10
"""Seconds before the recycle bin is listed again, per page of its last listing: one request in ten seconds."""


@dataclass(frozen=True, slots=True)
class HubspotCursor(StoredPosition):
    """What a completed pass leaves. Another `fingerprint` of the query means that everything is read again."""

    fingerprint: str
    changed: datetime
    archived_at: datetime
    """When the archived objects were last listed."""
    archived_pages: int

    @classmethod
    def of(cls, text: str | None, fingerprint: str) -> HubspotCursor | None:
        """The stored cursor; None if everything must be read."""
        cursor = cls.from_text(text) if text else None
        return cursor if cursor and cursor.fingerprint == fingerprint else None

    def archived_due(self, now: datetime) -> bool:
        """Whether it is time to list the archived objects again."""
        return now - self.archived_at >= timedelta(seconds=SECONDS_PER_ARCHIVED_PAGE * self.archived_pages)


@dataclass(frozen=True, slots=True)
class HubspotPosition(StoredPosition):
    """How far a pass has come."""

    fingerprint: str
    archived: bool = False
    """Whether it reads the archived objects, which come after the live ones."""
    after: str | None = None
    """The list's position, or the last id of a search."""
    latest: datetime | None = None
    """The latest change read so far."""
    archived_pages: int = 0

    @classmethod
    def of(cls, token: str | None, fingerprint: str) -> HubspotPosition:
        """Where to resume: at the beginning if there is no token or the query has changed."""
        position = cls.from_text(token) if token else None
        return position if position and position.fingerprint == fingerprint else cls(fingerprint)


@dataclass(frozen=True, slots=True)
class ObjectQuery:
    """What a pass asks for: the kind, its properties and their reader, and a fingerprint of all that."""

    kind: ObjectKind
    properties: tuple[str, ...]
    reader: PropertyReader
    fingerprint: str
    lookback: timedelta


class ObjectPass:
    """The pages of one pass over one kind of object."""

    def __init__(self, api: HubspotApi, query: ObjectQuery, sync_pass: Pass) -> None:
        self._api = api
        self._query = query
        self._sync_pass = sync_pass
        self._previous = HubspotCursor.of(sync_pass.cursor, query.fingerprint)
        self._position = HubspotPosition.of(sync_pass.resume, query.fingerprint)
        self._reads_archive = self._previous is None or self._previous.archived_due(sync_pass.started_at)

    def pages(self) -> AsyncIterator[Page]:
        """All pages; the last one has the cursor and, in a full pass, the listing."""
        return finish_last_page(self._all(), self._finish)

    def _finish(self, last: Page) -> Page:
        listing = Listing() if self._previous is None else None
        return replace(last, resume=None, cursor=self._cursor(), listing=listing)

    async def _all(self) -> AsyncIterator[Page]:
        if not self._position.archived:
            live = self._listed(archived=False) if self._previous is None else self._changed(self._previous)
            async for page in live:
                yield page
            self._position = replace(self._position, archived=True, after=None)
        if self._reads_archive:
            async for page in self._listed(archived=True):
                yield page

    async def _listed(self, archived: bool) -> AsyncIterator[Page]:
        kind = self._query.kind
        properties = (kind.modified,) if archived else self._query.properties
        total = None if archived else await self._api.total(kind.name)
        async for batch in self._api.objects(kind.name, properties, archived, self._position.after):
            pages = self._position.archived_pages + archived
            yield self._page(batch.rows, replace(self._position, after=batch.following, archived_pages=pages), total)

    async def _changed(self, previous: HubspotCursor) -> AsyncIterator[Page]:
        kind, last_id = self._query.kind, int(self._position.after or 0)
        since, total = previous.changed - self._query.lookback, None
        while True:
            response = await self._api.changed(kind.name, self._query.properties, kind.modified, since, last_id)
            rows = rows_of(response)
            total = total_of(response) if total is None else total
            if not rows:
                return
            last_id = _last_id(rows, last_id)
            yield self._page(rows, replace(self._position, after=str(last_id)), total)
            if len(rows) < SEARCH_ROWS and not response.body.get("paging"):
                return

    def _page(self, rows: Sequence[Any], position: HubspotPosition, total: int | None) -> Page:
        page = page_of(rows, self._record, total=total)
        changes = [position.latest, *(record.updated_at for record in page.records)]
        latest = latest_plausible(changes, self._sync_pass.started_at)
        self._position = replace(position, latest=latest)
        # resuming at the first page of the archived objects would otherwise read all live ones again
        resume = replace(self._position, archived=True) if position.after is None else self._position
        return replace(page, resume=resume.to_text())

    def _record(self, row: Any) -> Record:
        kind, reader = self._query.kind, self._query.reader
        if row.get("archived") is True:
            return reader.tombstone(row, kind.record_class)
        return kind.record(row, reader)

    def _cursor(self) -> str | None:
        """None for an account without a single object: reading everything again costs nothing."""
        previous, position = self._previous, self._position
        last_change = previous.changed if previous else None
        changed = next_instant(self._sync_pass, last_change, position.latest, skew=self._api.skew, lag=LAG)
        if changed is None:
            return None
        if previous is not None and not self._reads_archive:
            return replace(previous, changed=changed).to_text()
        archived_at = self._sync_pass.started_at
        return HubspotCursor(position.fingerprint, changed, archived_at, position.archived_pages).to_text()


def _last_id(rows: Sequence[Any], previous: int) -> int:
    """The highest id of a page; raises IncompletePassError if the search does not advance."""
    try:
        ids = [int(row["id"]) for row in rows]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise IncompletePassError(Reason.SCHEMA, "a search found objects without a number for an id") from None
    if min(ids) <= previous:
        raise IncompletePassError(Reason.PAGINATION_LOOP, "a search by id came back to what it had read")
    return max(ids)
