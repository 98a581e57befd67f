"""Zendesk's endpoints: exports by cursor, lists by cursor, Talk's endless export, errors and rate limits."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from exporter.errors import IncompletePassError, Reason, SourceError, SourceRejectedError
from exporter.sources.http.client import ApiResponse, SourceClient
from exporter.sources.http.pagination import CursorPaginator, ListRequest, PageRequest, PageSize, VendorPage, walk
from exporter.sources.provider import VendorRow, error_body, record_id, rows_under

EXPORT_ROWS = 1000
TALK_ROWS = 1000
"""Calls on a full page."""
TALK = "/api/v2/channels/voice"

LIST = CursorPaginator("meta.after_cursor", "page[after]", PageSize("page[size]", 100), more="meta.has_more")

_EXPORT_LIMIT = re.compile(r"remaining=(\d+);\s*resets=(\d+)")
_WINDOW = 60.0


def classify(status: int, headers: Mapping[str, str], body: bytes) -> SourceError | None:  # noqa: ARG001
    """The error that a response stands for: a feature that the plan lacks answers like a wrong address."""
    if status == 404 and _error_title(body) == "InvalidEndpoint":
        return SourceRejectedError(Reason.FORBIDDEN, "the account's plan does not have this")
    if status == 403:
        return SourceRejectedError(
            Reason.FORBIDDEN,
            "the token may not read this: check that its scope is spelt right and its user is an admin",
        )
    return None


def _error_title(body: bytes) -> str:
    """The error's name; Zendesk writes errors in four shapes."""
    parsed = error_body(body)
    error = parsed.get("error") if isinstance(parsed, dict) else None
    return str(error.get("title", "")) if isinstance(error, dict) else str(error or "")


def header_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds until the used-up limits are reset: the account's and each export's own."""
    waits = [
        float(limit[2])
        for name, value in headers.items()
        if name.startswith("zendesk-ratelimit-") and (limit := _EXPORT_LIMIT.search(value)) and limit[1] == "0"
    ]
    if headers.get("ratelimit-remaining") == "0":
        reset = headers.get("ratelimit-reset", "")
        waits.append(min(float(reset), _WINDOW) if reset.isdecimal() else _WINDOW)
    return max(waits, default=None)


@dataclass(frozen=True, slots=True)
class ExportPages:
    """An incremental export: by start time at first, then by its cursor until the end of the stream."""

    start_time: int
    shifts: bool = False

    def request(self, position: str | None) -> PageRequest:
        """The cursor, or the start time."""
        size = {"per_page": str(EXPORT_ROWS)}
        return PageRequest({**size, "cursor": position} if position else {**size, "start_time": str(self.start_time)})

    def following(self, response: ApiResponse, rows: int, position: str | None) -> str | None:  # noqa: ARG002
        """The cursor until the stream ends; raises SourceRejectedError(SCHEMA) if the response does not say."""
        end_of_stream, cursor = response.body.get("end_of_stream"), next_position(response)
        if not isinstance(end_of_stream, bool) or (cursor is None and not end_of_stream):
            raise SourceRejectedError(Reason.SCHEMA, "the export has neither an end nor a next cursor")
        return None if end_of_stream else cursor


def next_position(response: ApiResponse) -> str | None:
    """The cursor at which the next page, or the next pass, starts."""
    cursor = response.body.get("after_cursor")
    return str(cursor) if cursor else None


@dataclass(frozen=True, slots=True)
class TalkPages:
    """Talk's export by time: its next page is never null, so a page with at most one row is the last.

    The last row of a page is repeated as the first row of the next.
    """

    start_time: int
    shifts: bool = False

    def request(self, position: str | None) -> PageRequest:
        """The link, or the start time."""
        return PageRequest(link=position) if position else PageRequest({"start_time": str(self.start_time)})

    def following(self, response: ApiResponse, rows: int, position: str | None) -> str | None:
        """The next link, unless it leads back to this page.

        Raises IncompletePassError(CAPPED) if it leads back to a full page, which hides the calls after it.
        """
        link, count = response.body.get("next_page"), response.body.get("count")
        if not link or rows <= 1 or (isinstance(count, int) and count <= 1):
            return None
        if link != position:
            return str(link)
        if rows >= TALK_ROWS:
            raise IncompletePassError(Reason.CAPPED, f"{TALK_ROWS} calls or more changed within one second")
        return None


class ZendeskApi:
    """Reads of one account."""

    def __init__(self, client: SourceClient) -> None:
        self._client = client

    def export(self, name: str, start_time: int, position: str | None) -> AsyncIterator[VendorPage]:
        """Tickets or users that changed since a time, or after a cursor."""
        params = {"include": "metric_sets"} if name == "tickets" else {}
        listed = ListRequest(f"/api/v2/incremental/{name}/cursor", params, ExportPages(start_time), _under(name))
        return walk(self._client, listed, position)

    def calls(self, start_time: int, position: str | None) -> AsyncIterator[VendorPage]:
        """Calls that changed since a time."""
        listed = ListRequest(f"{TALK}/stats/incremental/calls", {}, TalkPages(start_time), _under("calls"))
        return walk(self._client, listed, position)

    def ratings(self, start_time: int, position: str | None) -> AsyncIterator[VendorPage]:
        """Satisfaction ratings that were given or changed since a time."""
        params = {"start_time": str(start_time)}
        listed = ListRequest("/api/v2/satisfaction_ratings", params, LIST, _under("satisfaction_ratings"))
        return walk(self._client, listed, position)

    async def groups(self) -> dict[str, str]:
        """Names of groups by id."""
        listed = ListRequest("/api/v2/groups", {}, LIST, _under("groups"))
        return {record_id(row): str(row["name"]) async for batch in walk(self._client, listed) for row in batch.rows}

    async def metrics(self, ticket_id: str) -> VendorRow:
        """A ticket's metrics, for tickets that the export gives without."""
        return await self._object(f"/api/v2/tickets/{ticket_id}/metrics", "ticket_metric")

    async def queue(self) -> VendorRow:
        """The current numbers of the queue."""
        return await self._object(f"{TALK}/stats/current_queue_activity", "current_queue_activity")

    async def _object(self, path: str, name: str) -> VendorRow:
        response = await self._client.get(path)
        value = response.body.get(name) if isinstance(response.body, dict) else None
        if not isinstance(value, dict):
            raise SourceRejectedError(Reason.SCHEMA, f"the response has no {name}")
        return value

    async def probe(self, path: str, params: Mapping[str, str]) -> None:
        """Sends a small request; raises SourceError if it is not allowed."""
        await self._client.get(path, params)


def _under(name: str) -> Callable[[ApiResponse], Sequence[Any]]:
    return partial(rows_under, name=name)
