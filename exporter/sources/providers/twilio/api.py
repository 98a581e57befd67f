"""Twilio's two generations of APIs: Voice links to the next page relatively, TaskRouter absolutely, under `meta`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError
from exporter.sources.http.client import SourceClient
from exporter.sources.http.pagination import LinkPaginator, ListRequest, PageSize, VendorPage, walk
from exporter.sources.provider import error_body, rows_under

VOICE_PAGES = LinkPaginator("next_page_uri", PageSize("PageSize", 1000))
TASKROUTER_PAGES = LinkPaginator("meta.next_page_url", PageSize("PageSize", 100))

STATISTICS_MINUTES = 15


def classify(status: int, headers: Mapping[str, str], body: bytes) -> SourceError | None:  # noqa: ARG001
    """Recognizes too many concurrent requests, which were not processed, and a wrong SID."""
    if status == 429:
        return RateLimitedError("too many requests at once", 0.0)  # no header says when to retry
    error = error_body(body) if status == 404 else None
    if isinstance(error, dict) and int(error.get("code") or 0) == 20404:
        return SourceRejectedError(Reason.NOT_FOUND, "Twilio has no such account, workspace or queue")
    return None


def header_wait(headers: Mapping[str, str]) -> float | None:
    """One second, if TaskRouter allows no more statistics: its headers do not say for how long."""
    return 1.0 if headers.get("x-rate-limit-remaining") == "0" else None


class VoiceApi:
    """Calls and phone numbers of one account."""

    def __init__(self, client: SourceClient, account_sid: str) -> None:
        self._client = client
        self._calls = f"/2010-04-01/Accounts/{account_sid}/Calls.json"
        self._numbers = f"/2010-04-01/Accounts/{account_sid}/IncomingPhoneNumbers.json"

    def calls(self, since: datetime, until: datetime) -> AsyncIterator[VendorPage]:
        """Calls and their legs that started on the UTC days in [since, until), both at midnight."""
        params = {"StartTime>": _day(since), "StartTime<": _day(until)}
        return walk(self._client, ListRequest(self._calls, params, VOICE_PAGES, partial(rows_under, name="calls")))

    async def numbers(self) -> dict[str, str]:
        """Name by phone number, of the account's numbers that have a name."""
        listing = ListRequest(self._numbers, {}, VOICE_PAGES, partial(rows_under, name="incoming_phone_numbers"))
        rows = [row async for batch in walk(self._client, listing) for row in batch.rows]
        return {
            row["phone_number"]: row["friendly_name"] for row in rows if row["phone_number"] and row["friendly_name"]
        }

    async def probe(self) -> None:
        """Requests one call and one number; raises SourceError if they may not be read."""
        rows_under(await self._client.get(self._calls, {"PageSize": "1"}), "calls")
        rows_under(await self._client.get(self._numbers, {"PageSize": "1"}), "incoming_phone_numbers")


def _day(instant: datetime) -> str:
    """Filters have a resolution of UTC days, whatever the time says."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT00:00:00Z")


class TaskRouterApi:
    """Workers and queues of one workspace."""

    def __init__(self, client: SourceClient, workspace_sid: str) -> None:
        self._client = client
        self._base = f"/v1/Workspaces/{workspace_sid}"

    def workers(self) -> AsyncIterator[VendorPage]:
        """All workers."""
        return self._list("Workers", "workers")

    async def queues(self) -> dict[str, str]:
        """Name by SID of each queue; the SID if the name is empty."""
        return {
            str(row["sid"]): str(row["friendly_name"] or row["sid"])
            async for batch in self._list("TaskQueues", "task_queues")
            for row in batch.rows
        }

    async def real_time(self, queue: str) -> Mapping[str, Any]:
        """Current statistics of a queue."""
        return await self._statistics(queue, "RealTimeStatistics", {})

    async def cumulative(self, queue: str) -> Mapping[str, Any]:
        """Statistics of a queue's last 15 minutes."""
        return await self._statistics(queue, "CumulativeStatistics", {"Minutes": str(STATISTICS_MINUTES)})

    async def probe(self) -> None:
        """Requests one queue; raises SourceError if the workspace may not be read."""
        rows_under(await self._client.get(f"{self._base}/TaskQueues", {"PageSize": "1"}), "task_queues")

    def _list(self, path: str, name: str) -> AsyncIterator[VendorPage]:
        listing = ListRequest(f"{self._base}/{path}", {}, TASKROUTER_PAGES, partial(rows_under, name=name))
        return walk(self._client, listing)

    async def _statistics(self, queue: str, name: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        response = await self._client.get(f"{self._base}/TaskQueues/{queue}/{name}", params)
        if not isinstance(response.body, dict):
            raise SourceRejectedError(Reason.SCHEMA, f"{name}: not an object")
        return response.body
