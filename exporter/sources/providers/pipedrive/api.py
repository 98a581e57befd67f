"""Pipedrive's two generations of lists: v2 with cursors, and v1, with offsets, for what v2 does not have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from exporter.errors import InvalidRecordError, RateLimitedError, Reason, SourceError, SourceRejectedError
from exporter.sources.base import SourceContext
from exporter.sources.http.client import ApiResponse, SourceClient
from exporter.sources.http.pagination import (
    CursorPaginator,
    ListRequest,
    PageRequest,
    PageSize,
    Paginator,
    SinglePagePaginator,
    VendorPage,
    walk,
)
from exporter.sources.http.status import Classify
from exporter.sources.parsing import convert
from exporter.sources.provider import record_id, seconds_until_midnight

V2, V1 = "/api/v2", "/v1"

_BLOCKED_SECONDS = 3600.0
"""How long to pause once the network in front of Pipedrive responds with HTML pages."""


def classify(context: SourceContext) -> Classify:
    """Recognizes the used up daily budget, and the 403 in HTML that follows when rate limits are ignored."""

    def read(status: int, headers: Mapping[str, str], body: bytes) -> SourceError | None:
        if status == 403 and "html" in headers.get("content-type", "") + body[:200].decode("latin-1").lower():
            return RateLimitedError("too many requests after the limit was reached", _BLOCKED_SECONDS)
        if status == 429 and headers.get("x-daily-ratelimit-token-remaining") == "0":
            return RateLimitedError(
                "the company's daily budget is used up", seconds_until_midnight(context.clock(), UTC)
            )
        return None

    return read


def header_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds until the burst window ends, if no requests are left in it."""
    if headers.get("x-ratelimit-remaining") != "0":
        return None
    reset = headers.get("x-ratelimit-reset", "")
    return float(reset) if reset.isdecimal() and int(reset) <= 60 else 2.0


def rows_of(response: ApiResponse) -> Sequence[Any]:
    """The rows of a list, null if v1 has none; raises SourceRejectedError(SCHEMA) if there is no list.

    An error may have status 200 and `success: false`.
    """
    body = response.body
    if not isinstance(body, dict) or body.get("success") is not True or "data" not in body:
        raise SourceRejectedError(Reason.SCHEMA, "the response is not a Pipedrive list")
    rows: Sequence[Any] = body["data"] or []
    if not isinstance(rows, list):
        raise SourceRejectedError(Reason.SCHEMA, "the response's data is not a list")
    return rows


@dataclass(frozen=True, slots=True)
class StartPages:
    """Pages of v1, by the number of rows to skip.

    The last `overlap` rows of a page repeat on the next one. If they do not, rows disappeared in between, and others
    may have been missed. `until` ends a list sorted by change, newest first, at rows that changed before it.
    """

    rows: int = 100
    overlap: int = 0
    until: datetime | None = None
    shifts: bool = True

    def request(self, position: str | None) -> PageRequest:
        """How many rows to skip."""
        return PageRequest({"start": position or "0", "limit": str(self.rows)})

    def following(self, response: ApiResponse, rows: int, position: str | None) -> str | None:
        """Where the next page starts. Without a hint in the response only an empty page is certainly the last.

        Call logs have the hint under `pagination`, leads do not, and neither always has `next_start`.
        """
        hint = response.body.get("additional_data") or {}
        hint = hint.get("pagination") or hint
        if rows <= self.overlap or not hint.get("more_items_in_collection", True) or self._reaches_until(response):
            return None
        return str(int(hint.get("next_start") or int(position or 0) + rows) - self.overlap)

    def _reaches_until(self, response: ApiResponse) -> bool:
        """Whether the page, if it is sorted as requested, ends with a row that changed before `until`."""
        rows = response.body["data"] or ()
        changes = [instant for row in rows if (instant := _changed_at(row)) is not None]
        if self.until is None or not rows or len(changes) < len(rows):
            return False
        return changes == sorted(changes, reverse=True) and changes[-1] < self.until


def _changed_at(row: Any) -> datetime | None:
    """When a row last changed; None if it does not say, or not validly: the conversion to records counts that."""
    try:
        return convert.instant(row.get("update_time"), "updated_at", UTC) if isinstance(row, dict) else None
    except InvalidRecordError:
        return None


CURSOR_PAGES = CursorPaginator("additional_data.next_cursor", "cursor", PageSize("limit", 500))
ONE_PAGE = SinglePagePaginator()


@dataclass(frozen=True, slots=True)
class PipedriveList:
    """One of the lists that make up an entity."""

    path: str
    paginator: Paginator
    params: tuple[tuple[str, str], ...] = ()
    since: str | None = "updated_since"
    """The parameter that filters by time of change; None if the list has no such filter."""
    newest_first: tuple[tuple[str, str], ...] = ()
    """Or the parameters that sort by change, newest first, so that a pass need not read to the end."""

    def changes(self, since: datetime) -> PipedriveList:
        """The same list, restricted to changes since then as far as the API allows."""
        if self.since is not None:
            start = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            return replace(self, params=(*self.params, (self.since, start)))
        if self.newest_first and isinstance(self.paginator, StartPages):
            # changes during the pass move rows to the front: they push others back, never past the reader
            newest = replace(self.paginator, until=since, overlap=0)
            return replace(self, params=self.newest_first, paginator=newest)
        return self


_BY_ID = (("sort_by", "id"),)

LISTS: Mapping[str, tuple[PipedriveList, ...]] = {
    "deals": (
        PipedriveList(f"{V2}/deals", CURSOR_PAGES, _BY_ID),
        PipedriveList(f"{V2}/deals/archived", CURSOR_PAGES, _BY_ID),
        # the plain list omits deleted deals; this one has those of the last 30 days
        PipedriveList(f"{V2}/deals", CURSOR_PAGES, (("status", "deleted"), *_BY_ID)),
    ),
    "leads": (
        PipedriveList(f"{V1}/leads", StartPages(overlap=1), (("sort", "id"),)),
        PipedriveList(
            f"{V1}/leads/archived",
            StartPages(overlap=1),
            (("sort", "id"),),
            since=None,
            newest_first=(("sort", "update_time DESC"),),
        ),
    ),
    "activities": (PipedriveList(f"{V2}/activities", CURSOR_PAGES, _BY_ID),),
    "calls": (PipedriveList(f"{V1}/callLogs", StartPages(50), since=None),),
    "people": (PipedriveList(f"{V1}/users", ONE_PAGE, since=None),),
}
"""Entity to its lists, in the order in which they are read."""


class PipedriveApi:
    """The lists of one company."""

    def __init__(self, client: SourceClient) -> None:
        self._client = client

    @property
    def skew(self) -> float:
        """The vendor's clock minus ours, in seconds."""
        return self._client.skew

    def pages(
        self, listing: PipedriveList, params: Mapping[str, str], position: str | None
    ) -> AsyncIterator[VendorPage]:
        """The pages of a list, from a position on."""
        query = {**dict(listing.params), **params}
        return walk(self._client, ListRequest(listing.path, query, listing.paginator, rows_of), position)

    async def rows(self, path: str, paginator: Paginator) -> list[Any]:
        """All rows of a short list."""
        listing = PipedriveList(path, paginator, since=None)
        return [row async for batch in self.pages(listing, {}, None) for row in batch.rows]

    async def names(self, path: str) -> dict[str, str]:
        """Names by id, of stages or pipelines."""
        return {record_id(row): str(row["name"]) for row in await self.rows(path, CURSOR_PAGES)}

    async def probe(self, listing: PipedriveList) -> None:
        """Requests the first page of a list; raises SourceError if it may not be read."""
        paginator = listing.paginator
        params = {**paginator.request(None).params, **({} if paginator is ONE_PAGE else {"limit": "1"})}
        rows_of(await self._client.get(listing.path, params))
