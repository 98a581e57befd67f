"""One pass over one kind of object: lists for everything, searches for what changed, and the archived objects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from exporter.errors import IncompletePassError, Reason
from exporter.passes import Listing, Page, Pass
from exporter.records import Record
from exporter.sources.cursor import finish_last_page, next_instant
from exporter.sources.parsing.rows import Taken, take
from exporter.sources.providers.hubspot.api import SEARCH_ROWS, HubspotApi, rows_of, total_of
from exporter.sources.providers.hubspot.objects import ObjectKind
from exporter.sources.providers.hubspot.places import Cursor, Place
from exporter.sources.providers.hubspot.shape import Shape

LAG = timedelta(seconds=60)
"""How long a change may stay out of search; no bound is published."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a pass is to bring: the kind, its properties, their reader and a fingerprint of it all."""

    kind: ObjectKind
    properties: tuple[str, ...]
    shape: Shape
    fingerprint: str
    lookback: timedelta


class Reading:
    """The pages of one pass. Made anew for each."""

    def __init__(self, api: HubspotApi, wanted: Wanted, sync_pass: Pass, now: datetime) -> None:
        self._api = api
        self._wanted = wanted
        self._sync_pass = sync_pass
        self._now = now
        self._known = Cursor.of(sync_pass.cursor, wanted.fingerprint)
        self._place = Place.of(sync_pass.resume, wanted.fingerprint)
        self._bin_read = self._known is None or self._known.archived_due(sync_pass.started_at)

    def pages(self) -> AsyncIterator[Page]:
        """All pages; the last one carries the cursor and, after a full pass, the listing."""
        return finish_last_page(self._all(), self._finished)

    def _finished(self, last: Page) -> Page:
        return replace(last, resume=None, cursor=self._cursor(), listing=Listing() if self._known is None else None)

    async def _all(self) -> AsyncIterator[Page]:
        if not self._place.archived:
            live = self._listed(archived=False) if self._known is None else self._changed(self._known)
            async for page in live:
                yield page
            self._place = replace(self._place, archived=True, after=None)
        if self._bin_read:
            async for page in self._listed(archived=True):
                yield page

    async def _listed(self, archived: bool) -> AsyncIterator[Page]:
        wanted = self._wanted
        properties = (wanted.kind.modified,) if archived else wanted.properties
        total = None if archived else await self._api.total(wanted.kind.name)
        async for batch in self._api.objects(wanted.kind.name, properties, archived, self._place.after):
            pages = self._place.archived_pages + archived
            yield self._page(batch.rows, replace(self._place, after=batch.following, archived_pages=pages), total)

    async def _changed(self, known: Cursor) -> AsyncIterator[Page]:
        wanted, last = self._wanted, int(self._place.after or 0)
        since, total = known.changed - wanted.lookback, None
        while True:
            answer = await self._api.changed(wanted.kind.name, wanted.properties, wanted.kind.modified, since, last)
            rows = rows_of(answer)
            total = total_of(answer) if total is None else total
            if not rows:
                return
            last = _last_id(rows, last)
            yield self._page(rows, replace(self._place, after=str(last)), total)
            if len(rows) < SEARCH_ROWS and not answer.body.get("paging"):
                return

    def _page(self, rows: Sequence[Any], place: Place, total: int | None) -> Page:
        taken = take(rows, self._record, self._now)
        self._place = replace(place, latest=_latest(taken, place.latest))
        # a token before the first page of the archived ones would repeat all live ones
        following = replace(self._place, archived=True) if place.after is None else self._place
        return Page(taken.records, taken.rejected, resume=following.token(self._wanted.fingerprint), total=total)

    def _record(self, row: Any) -> Record:
        shape, kind = self._wanted.shape, self._wanted.kind
        if row.get("archived") is True:
            return shape.tombstone(row, kind.record_class)
        return kind.record(row, shape)

    def _cursor(self) -> str | None:
        """None for an account without a single object: reading all of it again costs nothing."""
        known, place = self._known, self._place
        previous = known.changed if known else None
        changed = next_instant(self._sync_pass, previous, place.latest, skew=self._api.skew, lag=LAG)
        if changed is None:
            return None
        if known is not None and not self._bin_read:
            return replace(known, changed=changed).text()
        return Cursor(self._wanted.fingerprint, changed, self._sync_pass.started_at, place.archived_pages).text()


def _latest(taken: Taken, before: datetime | None) -> datetime | None:
    times = [record.updated_at for record in taken.records if record.updated_at is not None]
    return max([*times, before] if before else times, default=None)


def _last_id(rows: Sequence[Any], before: int) -> int:
    """The highest id of a page; raises IncompletePassError where the search does not move on."""
    try:
        ids = [int(row["id"]) for row in rows]
    except (KeyError, TypeError, ValueError):
        raise IncompletePassError(Reason.SCHEMA, "a search found objects without a number for an id") from None
    if min(ids) <= before:
        raise IncompletePassError(Reason.PAGINATION_LOOP, "a search by id came back to what it had read")
    return max(ids)
