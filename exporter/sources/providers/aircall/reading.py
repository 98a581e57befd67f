"""One pass over calls, in windows of time small enough for Aircall to list them whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from exporter.errors import IncompletePassError, Reason, SourceRejectedError
from exporter.passes import Listing, Page, Pass
from exporter.records import Record
from exporter.sources.cursor import StoredPosition, finish_last_page, next_cursor
from exporter.sources.http.client import ApiResponse, SourceClient
from exporter.sources.http.pagination import ListRequest, NumberedPaginator, PageSize, VendorPage, walk
from exporter.sources.parsing.json_path import find
from exporter.sources.parsing.plausibility import latest_plausible
from exporter.sources.provider import page_of, rows_under
from exporter.sources.providers.aircall.payloads import call

LAG = timedelta(seconds=30)
"""How long a call may take to be listed."""
ROWS = 50
"""The page size limit."""
CAP = 10_000
"""Aircall silently returns no more than this many rows of one query, whatever its paging says."""

PAGES = NumberedPaginator(PageSize("per_page", ROWS), total="meta.total")


@dataclass(frozen=True, slots=True)
class CallWindow(StoredPosition):
    """A window of calls by their start, `since` to `until` in epoch seconds, and the position in its pages."""

    since: int
    until: int | None = None
    """None until it is cut to a size that can be listed whole."""
    position: str | None = None
    rows: int = 0
    """Rows read of the window."""
    promised: int | None = None
    """The smallest number of rows that a response has given for the window."""
    oldest: datetime | None = None
    latest: datetime | None = None
    shrunk: bool = False
    """Calls vanished while pages were read, which may have moved others to a page already read."""

    def after(
        self, records: Sequence[Record], rows: int, total: int, position: str | None, now: datetime
    ) -> CallWindow:
        """The window after one more page."""
        starts = [at for record in records if (at := getattr(record, "started_at", None)) is not None]
        return replace(
            self,
            position=position,
            rows=self.rows + rows,
            promised=total if self.promised is None else min(total, self.promised),
            oldest=min([*starts, self.oldest] if self.oldest else starts, default=None),
            latest=latest_plausible([*starts, self.latest], now),
            shrunk=self.shrunk or (self.promised is not None and total < self.promised),
        )

    def next_window(self, end: int) -> CallWindow:
        """The window after this one's last page; raises IncompletePassError(CAPPED) if rows are missing.

        Windows share their border second, so that it does not matter whether Aircall's bounds are inclusive.
        """
        if self.rows < (self.promised or 0):
            raise IncompletePassError(Reason.CAPPED, f"{self.promised} calls promised, {self.rows} given")
        since = end if self.until is None else self.until
        return replace(self, since=since, until=None, position=None, rows=0, promised=None)


class CallPass:
    """The pages of one pass over the calls that started at `since` or later."""

    def __init__(self, client: SourceClient, sync_pass: Pass, since: datetime) -> None:
        self._client = client
        self._sync_pass = sync_pass
        self._end = int(sync_pass.started_at.timestamp())
        start = CallWindow(int(since.timestamp()))
        self._window = CallWindow.from_text(sync_pass.resume) if sync_pass.resume else start

    def pages(self) -> AsyncIterator[Page]:
        """All pages; the last one has the cursor and, in a full pass, the listing."""
        return finish_last_page(self._all(), self._finish)

    def _finish(self, last: Page) -> Page:
        window, listing = self._window, None
        if self._sync_pass.cursor is None and window.oldest is not None and not window.shrunk:
            # Aircall drops old calls after a while: these were not deleted
            listing = Listing(column="started_at", since=window.oldest)
        cursor = next_cursor(self._sync_pass, window.latest, skew=self._client.skew, lag=LAG)
        return replace(last, resume=None, cursor=cursor, listing=listing)

    async def _all(self) -> AsyncIterator[Page]:
        total: int | None = None
        while self._window.until is not None or self._window.since < self._end:
            if self._window.until is None:
                until, remaining = await self._fitting(self._window.since)
                total = remaining if total is None else total
                self._window = replace(self._window, until=until)
            span = _span(self._window.since, self._window.until or self._end)
            listed = ListRequest("/calls", span, PAGES, partial(rows_under, name="calls"))
            async for batch in walk(self._client, listed, self._window.position):
                yield self._page(batch, total)

    def _page(self, batch: VendorPage, total: int | None) -> Page:
        rows_in_window = total_of(batch.response)
        if rows_in_window > CAP:
            raise IncompletePassError(Reason.CAPPED, f"a window has grown to {rows_in_window} calls")
        page = page_of(batch.rows, call, total=total)
        window = self._window.after(
            page.records, len(batch.rows), rows_in_window, batch.following, self._sync_pass.started_at
        )
        self._window = window if batch.following is not None else window.next_window(self._end)
        return replace(page, resume=self._window.to_text())

    async def _fitting(self, since: int) -> tuple[int, int]:
        """The end of a window with few enough calls, and how many calls there are from `since` to the pass's end."""
        until = self._end
        remaining = count = await self._count(since, until)
        while count > CAP:
            if until - since <= 1:
                raise IncompletePassError(Reason.CAPPED, f"more than {CAP} calls started within a second")
            until = since + (until - since) // 2
            count = await self._count(since, until)
        return until, remaining

    async def _count(self, since: int, until: int) -> int:
        return total_of(await self._client.get("/calls", {**_span(since, until), "per_page": "1"}))


def total_of(response: ApiResponse) -> int:
    """How many rows the query matches; raises SourceRejectedError(SCHEMA): without it the cap would go unnoticed."""
    total = find(response.body, "meta.total")
    if isinstance(total, int) and not isinstance(total, bool):
        return total
    raise SourceRejectedError(Reason.SCHEMA, "the response does not say how many rows there are")


def _span(since: int, until: int) -> dict[str, str]:
    return {"from": str(since), "to": str(until), "order": "asc"}
