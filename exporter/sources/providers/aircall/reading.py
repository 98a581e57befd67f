"""One pass over calls, in windows of time small enough for Aircall to list them whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

from exporter.errors import IncompletePassError, Reason, SourceRejectedError
from exporter.passes import Listing, Page, Pass
from exporter.sources.cursor import finish_last_page, next_cursor
from exporter.sources.http.client import Answer, SourceClient
from exporter.sources.http.pagination import Batch, Listed, NumberedPages, Size, walk
from exporter.sources.parsing.json_path import find
from exporter.sources.parsing.rows import take
from exporter.sources.providers.aircall.payloads import call
from exporter.sources.providers.aircall.places import Place

LAG = timedelta(seconds=30)
"""How long a call may take to be listed."""
ROWS = 50
"""The most that Aircall gives in one page."""
CAP = 10_000
"""Aircall gives no more than so many rows of one query, whatever its paging says, and without an error."""

PAGES = NumberedPages(Size("per_page", ROWS), total="meta.total")


class Reading:
    """The pages of one pass. Made anew for each. `since` is where it starts, by the start of calls."""

    def __init__(self, client: SourceClient, sync_pass: Pass, since: datetime, now: datetime) -> None:
        self._client = client
        self._sync_pass = sync_pass
        self._now = now
        self._end = int(sync_pass.started_at.timestamp())
        self._place = Place.of(sync_pass.resume) if sync_pass.resume else Place(int(since.timestamp()))

    def pages(self) -> AsyncIterator[Page]:
        """All pages; the last one carries the cursor and, after a full pass, the listing."""
        return finish_last_page(self._all(), self._finished)

    def _finished(self, last: Page) -> Page:
        cursor = next_cursor(self._sync_pass, self._place.latest, skew=self._client.skew, lag=LAG)
        return replace(last, resume=None, cursor=cursor, listing=self._listing())

    async def _all(self) -> AsyncIterator[Page]:
        promised: int | None = None
        while self._place.until is not None or self._place.since < self._end:
            if self._place.until is None:
                until, left = await self._fitting(self._place.since)
                promised = left if promised is None else promised
                self._place = replace(self._place, until=until)
            span = _span(self._place.since, self._place.until or self._end)
            listed = Listed("/calls", span, PAGES, lambda answer: rows_of(answer, "calls"))
            async for batch in walk(self._client, listed, self._place.position):
                yield self._page(batch, promised)

    def _page(self, batch: Batch, promised: int | None) -> Page:
        total = total_of(batch.answer)
        if total > CAP:
            raise IncompletePassError(Reason.CAPPED, f"a window has grown to {total} calls")
        taken = take(batch.rows, call, self._now)
        place = self._place.after(taken.records, len(batch.rows), total, batch.following)
        self._place = place if batch.following is not None else place.next_window(self._end)
        return Page(taken.records, taken.rejected, resume=self._place.token(), total=promised)

    async def _fitting(self, since: int) -> tuple[int, int]:
        """The end of a window with few enough calls, and how many there are up to the end of all windows."""
        until = self._end
        left = count = await self._count(since, until)
        while count > CAP:
            if until - since <= 1:
                raise IncompletePassError(Reason.CAPPED, f"more than {CAP} calls started within a second")
            until = since + (until - since) // 2
            count = await self._count(since, until)
        return until, left

    async def _count(self, since: int, until: int) -> int:
        return total_of(await self._client.get("/calls", {**_span(since, until), "per_page": "1"}))

    def _listing(self) -> Listing | None:
        """What a full pass covers: from the oldest call still there, since Aircall drops old ones after a while."""
        place = self._place
        if self._sync_pass.cursor is not None or place.shrunk or place.oldest is None:
            return None
        return Listing(column="started_at", since=place.oldest)


def rows_of(answer: Answer, name: str) -> list[object]:
    """The rows of a list; raises SourceRejectedError(SCHEMA) for any other body."""
    rows = answer.body.get(name) if isinstance(answer.body, dict) else None
    if isinstance(rows, list):
        return rows
    raise SourceRejectedError(Reason.SCHEMA, f"the answer holds no {name}")


def total_of(answer: Answer) -> int:
    """How many rows the query has; without it the silent cap could not be noticed."""
    total = find(answer.body, "meta.total")
    if isinstance(total, int) and not isinstance(total, bool):
        return total
    raise SourceRejectedError(Reason.SCHEMA, "the answer does not say how many rows there are")


def _span(since: int, until: int) -> dict[str, str]:
    return {"from": str(since), "to": str(until), "order": "asc"}
