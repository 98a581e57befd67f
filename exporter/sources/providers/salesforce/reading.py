"""One pass over one object, in pages that each start after the last stamp and id; deleted rows are included."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.errors import IncompletePassError, Reason, SourceRejectedError, SourceUnavailableError
from exporter.passes import Listing, Page, Pass
from exporter.sources.cursor import changes_since, finish_last_page, next_cursor
from exporter.sources.http.client import ApiResponse, SourceClient
from exporter.sources.provider import page_of
from exporter.sources.providers.salesforce.payloads import RecordMapper
from exporter.sources.providers.salesforce.soql import LastRow, StampRange, select

LAG = timedelta(seconds=60)
"""How long a committed change may be missing from query results."""

_HALVINGS = 4
_BEGIN = datetime(1999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SoqlQuery:
    """What a pass asks for: the entity's fields, and how its rows become records."""

    fields: tuple[str, ...]
    mapper: RecordMapper
    lookback: timedelta


class SoqlPass:
    """The pages of one pass."""

    def __init__(self, client: SourceClient, base: str, query: SoqlQuery, sync_pass: Pass) -> None:
        self._client = client
        self._base = base
        self._query = query
        self._sync_pass = sync_pass
        self._last_row = LastRow.from_text(sync_pass.resume) if sync_pass.resume else None

    def pages(self) -> AsyncIterator[Page]:
        """All pages; the last one has the cursor and, in a full pass, the listing."""
        return finish_last_page(self._all(), self._finish)

    def _finish(self, last: Page) -> Page:
        latest = self._last_row.stamp if self._last_row else _BEGIN
        cursor = next_cursor(self._sync_pass, latest, skew=self._client.skew, lag=LAG)
        listing = Listing() if self._sync_pass.cursor is None else None
        return replace(last, resume=None, cursor=cursor, listing=listing)

    async def _all(self) -> AsyncIterator[Page]:
        since = changes_since(self._sync_pass, self._query.lookback)
        stamps = StampRange(since, self._last_row)
        while True:
            response, stamps = await self._first_part(stamps)
            rows = [row async for batch in self._parts(response) for row in batch]
            promised = response.body.get("totalSize")
            if isinstance(promised, int) and len(rows) < promised:
                raise IncompletePassError(Reason.CAPPED, f"{promised} rows promised, {len(rows)} given")
            if rows:
                yield self._page(rows)
                stamps = StampRange(since, self._last_row, stamps.until)
            elif stamps.until is None:
                return
            else:
                stamps = StampRange(stamps.until)

    async def _first_part(self, stamps: StampRange) -> tuple[ApiResponse, StampRange]:
        """The first part of the result, for a shorter range of time if the whole takes the server too long."""
        for _ in range(_HALVINGS):
            try:
                return await self._select(stamps), stamps
            except SourceUnavailableError as error:
                if error.reason is not Reason.TIMEOUT:
                    raise
                start = stamps.after.stamp if stamps.after else (stamps.since or _BEGIN)
                end = stamps.until or self._sync_pass.started_at
                stamps = replace(stamps, until=start + max((end - start) / 2, timedelta(seconds=1)))
        return await self._select(stamps), stamps

    async def _select(self, stamps: StampRange) -> ApiResponse:
        # queryAll includes the recycle bin, which is the only way to learn of a deletion
        query = select(self._sync_pass.entity, self._query.fields, stamps)
        return await self._client.get(f"{self._base}/queryAll", {"q": query})

    async def _parts(self, response: ApiResponse) -> AsyncIterator[list[Any]]:
        """The rows of a result, which Salesforce may split into parts."""
        links: set[str] = set()
        while True:
            body = response.body
            if not isinstance(body, dict) or not isinstance(body.get("records"), list) or "done" not in body:
                raise SourceRejectedError(Reason.SCHEMA, "the response is not the result of a query")
            yield body["records"]
            if body["done"]:
                return
            link = str(body.get("nextRecordsUrl"))
            if link in links:
                raise IncompletePassError(Reason.PAGINATION_LOOP, "the same part of a result came again")
            links.add(link)
            response = await self._client.get(link)

    def _page(self, rows: list[Any]) -> Page:
        entity = self._sync_pass.entity
        page = page_of(rows, lambda row: self._query.mapper.record(entity, row))
        self._last_row = _last_row(rows, self._last_row)
        return replace(page, resume=self._last_row.to_text())


def _last_row(rows: list[Any], previous: LastRow | None) -> LastRow:
    """The key of the last row; raises IncompletePassError if the query does not advance."""
    try:
        last = LastRow(datetime.fromisoformat(rows[-1]["SystemModstamp"]), str(rows[-1]["Id"]))
    except (KeyError, TypeError, ValueError):
        raise SourceRejectedError(Reason.SCHEMA, "a row has no SystemModstamp or Id") from None
    if previous is not None and (last.stamp, last.id) <= (previous.stamp, previous.id):
        raise IncompletePassError(Reason.PAGINATION_LOOP, "a page ends where the one before it ended")
    return last
