"""Twilio's two generations of lists: a relative link in the body, and an absolute one under `meta`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from exporter.errors import RateLimitedError, Reason, SourceError, SourceRejectedError
from exporter.sources.http.client import SourceClient
from exporter.sources.http.pagination import LinkPaginator, ListRequest, PageSize, VendorPage, walk
from exporter.sources.provider import error_body, rows_under

CALL_PAGES = LinkPaginator("next_page_uri", PageSize("PageSize", 1000))
META_PAGES = LinkPaginator("meta.next_page_url", PageSize("PageSize", 100))

STATISTICS_MINUTES = 15


def classify(status: int, headers: Mapping[str, str], body: bytes) -> SourceError | None:  # noqa: ARG001
    """Too many at once: such a request was not processed, and no header says when to come back."""
    if status == 429:
        return RateLimitedError("too many requests at once", 0.0)
    if status == 404 and _code(body) == 20404:
        return SourceRejectedError(Reason.NOT_FOUND, "Twilio has no such account, workspace or queue")
    return None


def header_wait(headers: Mapping[str, str]) -> float | None:
    """A second, once TaskRouter's statistics are used up: their headers do not say until when."""
    return 1.0 if headers.get("x-rate-limit-remaining") == "0" else None


def _code(body: bytes) -> int:
    found = error_body(body)
    return int(found.get("code") or 0) if isinstance(found, dict) else 0


class VoiceApi:
    """Calls and telephone numbers of one account."""

    def __init__(self, client: SourceClient, account_sid: str) -> None:
        self._client = client
        self._path = f"/2010-04-01/Accounts/{account_sid}/Calls.json"
        self._numbers = f"/2010-04-01/Accounts/{account_sid}/IncomingPhoneNumbers.json"

    def calls(self, since: datetime, until: datetime) -> AsyncIterator[VendorPage]:
        """Calls, legs among them, that started on the UTC days from one midnight until another."""
        params = {"StartTime>": _day(since), "StartTime<": _day(until)}
        return walk(self._client, ListRequest(self._path, params, CALL_PAGES, partial(rows_under, name="calls")))

    async def numbers(self) -> dict[str, str]:
        """The account's telephone numbers with their names, those that have one."""
        listed = ListRequest(self._numbers, {}, CALL_PAGES, partial(rows_under, name="incoming_phone_numbers"))
        rows = [row async for batch in walk(self._client, listed) for row in batch.rows]
        return {
            row["phone_number"]: row["friendly_name"] for row in rows if row["phone_number"] and row["friendly_name"]
        }

    async def probe(self) -> None:
        """Asks for one call and one number; raises SourceError where they may not be read."""
        rows_under(await self._client.get(self._path, {"PageSize": "1"}), "calls")
        rows_under(await self._client.get(self._numbers, {"PageSize": "1"}), "incoming_phone_numbers")


def _day(at: datetime) -> str:
    """Filters go by whole UTC days, whatever the time."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT00:00:00Z")


class TaskRouterApi:
    """Workers and queues of one workspace."""

    def __init__(self, client: SourceClient, workspace_sid: str) -> None:
        self._client = client
        self._base = f"/v1/Workspaces/{workspace_sid}"

    def workers(self) -> AsyncIterator[VendorPage]:
        """Everybody who takes tasks."""
        return self._all("Workers", "workers")

    async def queues(self) -> dict[str, str]:
        """Names of queues by SID, which stands in for a name that is empty."""
        return {
            str(row["sid"]): str(row["friendly_name"] or row["sid"])
            async for batch in self._all("TaskQueues", "task_queues")
            for row in batch.rows
        }

    async def now(self, queue: str) -> Mapping[str, Any]:
        """The queue at this moment."""
        return await self._statistics(queue, "RealTimeStatistics", {})

    async def period(self, queue: str) -> Mapping[str, Any]:
        """The queue's last quarter of an hour."""
        return await self._statistics(queue, "CumulativeStatistics", {"Minutes": str(STATISTICS_MINUTES)})

    async def probe(self) -> None:
        """Asks for one queue; raises SourceError where the workspace may not be read."""
        rows_under(await self._client.get(f"{self._base}/TaskQueues", {"PageSize": "1"}), "task_queues")

    def _all(self, path: str, name: str) -> AsyncIterator[VendorPage]:
        listed = ListRequest(f"{self._base}/{path}", {}, META_PAGES, partial(rows_under, name=name))
        return walk(self._client, listed)

    async def _statistics(self, queue: str, name: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        response = await self._client.get(f"{self._base}/TaskQueues/{queue}/{name}", params)
        if not isinstance(response.body, dict):
            raise SourceRejectedError(Reason.SCHEMA, f"{name}: not an object")
        return response.body
