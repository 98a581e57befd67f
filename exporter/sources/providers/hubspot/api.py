"""HubSpot's endpoints that are read, in every version of its paths."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from exporter.sources.base import SourceContext
from exporter.sources.http.client import ApiResponse, SourceClient
from exporter.sources.http.pagination import CursorPaginator, ListRequest, PageSize, VendorPage, walk
from exporter.sources.provider import rows_under

ROWS = 100
"""The page size limit of a list."""
SEARCH_ROWS = 200
"""The page size limit of a search."""
SECONDS_BETWEEN_SEARCHES = 0.25
"""An account is allowed five searches a second over all its apps: this one takes four."""

_PAGES = CursorPaginator("paging.next.after", "after", PageSize("limit", ROWS))

rows_of = partial(rows_under, name="results")


class HubspotApi:
    """Lists, searches, pipelines and owners of one account. Raises what the client raises."""

    def __init__(self, client: SourceClient, version: str, context: SourceContext) -> None:
        self._client = client
        self._version = version
        self._context = context
        self._search_lock = asyncio.Lock()
        self._next_search = 0.0

    @property
    def skew(self) -> float:
        """The vendor's clock minus ours, in seconds."""
        return self._client.skew

    def path(self, area: str, rest: str = "") -> str:
        """`/crm/objects/2026-03/deals`, or `/crm/v3/objects/deals`."""
        version = self._version
        return f"/crm/v3/{area}{rest}" if version == "v3" else f"/crm/{area}/{version}{rest}"

    def objects(
        self, kind: str, properties: Sequence[str], archived: bool, after: str | None
    ) -> AsyncIterator[VendorPage]:
        """Pages of live or archived objects in order of id, from a position on."""
        params = {"archived": _flag(archived), "properties": ",".join(properties)}
        return walk(self._client, ListRequest(self.path("objects", f"/{kind}"), params, _PAGES, rows_of), after)

    def owners(self, archived: bool) -> AsyncIterator[VendorPage]:
        """Pages of current or former owners."""
        return walk(self._client, ListRequest(self.path("owners"), {"archived": _flag(archived)}, _PAGES, rows_of))

    async def pipelines(self, kind: str) -> Any:
        """All pipelines of a kind of object; they are not paged."""
        return (await self._client.get(self.path("pipelines", f"/{kind}"))).body

    async def total(self, kind: str) -> int | None:
        """The number of live objects, for progress."""
        return total_of(await self._search(kind, {"filterGroups": [], "properties": [], "limit": 1}))

    async def changed(
        self, kind: str, properties: Sequence[str], modified: str, since: datetime, after_id: int
    ) -> ApiResponse:
        """One page of the objects changed since an instant, in order of id, with ids above the given one.

        Filtering by id instead of paging by position reaches past the cap of 10,000 results of a search, and skips
        nothing when objects change between pages.
        """
        filters = [
            {"propertyName": modified, "operator": "GTE", "value": str(int(since.timestamp() * 1000))},
            {"propertyName": "hs_object_id", "operator": "GTE", "value": str(after_id + 1)},
        ]
        search = {"filterGroups": [{"filters": filters}], "properties": list(properties), "limit": SEARCH_ROWS}
        return await self._search(kind, search)

    async def peek(self, kind: str | None) -> None:
        """Asks for one object (None: one owner), only to see whether that is allowed."""
        path = self.path("owners") if kind is None else self.path("objects", f"/{kind}")
        rows_of(await self._client.get(path, {"limit": 1}))

    async def _search(self, kind: str, search: Mapping[str, Any]) -> ApiResponse:
        async with self._search_lock:
            wait = self._next_search - self._context.monotonic()
            if wait > 0:
                await self._context.sleep(wait)
            self._next_search = self._context.monotonic() + SECONDS_BETWEEN_SEARCHES
        # the documented schema requires all five keys, and `sorts` as texts
        body = {**search, "sorts": ["hs_object_id"], "after": "0"}
        return await self._client.post(self.path("objects", f"/{kind}/search"), json=body)


def total_of(response: ApiResponse) -> int | None:
    """How many objects a search matches, including pages not yet read."""
    total = response.body.get("total") if isinstance(response.body, dict) else None
    return total if isinstance(total, int) else None


def _flag(value: bool) -> str:
    return "true" if value else "false"
