"""Zendesk's lists: exports by cursor, lists by cursor, and Talk's export whose next page never ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.errors import IncompletePassError, Reason, SourceRejectedError
from exporter.sources.http.client import Answer, SourceClient
from exporter.sources.http.pagination import Batch, CursorPages, Listed, Size, Step, walk

EXPORT_ROWS = 1000
TALK_ROWS = 1000
"""Calls on a full page."""
TALK = "/api/v2/channels/voice"

LIST = CursorPages("meta.after_cursor", "page[after]", Size("page[size]", 100), more="meta.has_more")


@dataclass(frozen=True, slots=True)
class ExportPages:
    """An incremental export: a start time once, then the cursor it gives, until the end of the stream."""

    start_time: int
    shifts: bool = False

    def ask(self, position: str | None) -> Step:
        """The cursor, or where to begin."""
        size = {"per_page": str(EXPORT_ROWS)}
        return Step({**size, "cursor": position} if position else {**size, "start_time": str(self.start_time)})

    def following(self, answer: Answer, rows: int, position: str | None) -> str | None:  # noqa: ARG002
        """The cursor while the stream goes on; raises SourceRejectedError(SCHEMA) where it cannot be told."""
        ended, cursor = answer.body.get("end_of_stream"), end_of(answer)
        if not isinstance(ended, bool) or (cursor is None and not ended):
            raise SourceRejectedError(Reason.SCHEMA, "the export says neither that it ends nor how it goes on")
        return None if ended else cursor


def end_of(answer: Answer) -> str | None:
    """The cursor from which the next pass goes on."""
    cursor = answer.body.get("after_cursor")
    return str(cursor) if cursor else None


@dataclass(frozen=True, slots=True)
class TalkPages:
    """Talk's export by time: its next page is never null, so a page of one row or none is the last.

    The last row comes again as the first one of the next page.
    """

    start_time: int
    shifts: bool = False

    def ask(self, position: str | None) -> Step:
        """The link itself, or where to begin."""
        return Step(link=position) if position else Step({"start_time": str(self.start_time)})

    def following(self, answer: Answer, rows: int, position: str | None) -> str | None:
        """The next link, unless it leads back to this page.

        Raises IncompletePassError(CAPPED) for a full page that does so, because it hides what comes after it.
        """
        link, count = answer.body.get("next_page"), answer.body.get("count")
        if not link or rows <= 1 or (isinstance(count, int) and count <= 1):
            return None
        if link != position:
            return str(link)
        if rows >= TALK_ROWS:
            raise IncompletePassError(Reason.CAPPED, f"{TALK_ROWS} calls or more changed within one second")
        return None


def rows_of(answer: Answer, name: str) -> Sequence[Any]:
    """The rows under a name; raises SourceRejectedError(SCHEMA) for an answer without them."""
    found = answer.body.get(name) if isinstance(answer.body, dict) else None
    if not isinstance(found, list):
        raise SourceRejectedError(Reason.SCHEMA, f"the answer holds no {name}")
    return found


class ZendeskApi:
    """Reads of one account."""

    def __init__(self, client: SourceClient) -> None:
        self._client = client

    def export(self, name: str, start_time: int, position: str | None) -> AsyncIterator[Batch]:
        """Tickets or users that changed since a time, or behind a cursor."""
        params = {"include": "metric_sets"} if name == "tickets" else {}
        listed = Listed(f"/api/v2/incremental/{name}/cursor", params, ExportPages(start_time), _under(name))
        return walk(self._client, listed, position)

    def calls(self, start_time: int, position: str | None) -> AsyncIterator[Batch]:
        """Calls that changed since a time."""
        listed = Listed(f"{TALK}/stats/incremental/calls", {}, TalkPages(start_time), _under("calls"))
        return walk(self._client, listed, position)

    def ratings(self, start_time: int, position: str | None) -> AsyncIterator[Batch]:
        """Satisfaction ratings given or changed since a time."""
        params = {"start_time": str(start_time)}
        return walk(
            self._client, Listed("/api/v2/satisfaction_ratings", params, LIST, _under("satisfaction_ratings")), position
        )

    async def groups(self) -> dict[str, str]:
        """Names of groups by id."""
        listed = Listed("/api/v2/groups", {}, LIST, _under("groups"))
        return {str(row["id"]): str(row["name"]) async for batch in walk(self._client, listed) for row in batch.rows}

    async def metrics(self, ticket: str) -> Mapping[str, Any]:
        """A ticket's metrics, where the export left them out."""
        answer = await self._client.get(f"/api/v2/tickets/{ticket}/metrics")
        found = answer.body.get("ticket_metric") if isinstance(answer.body, dict) else None
        if not isinstance(found, dict):
            raise SourceRejectedError(Reason.SCHEMA, "the answer holds no ticket_metric")
        return found

    async def queue(self) -> Mapping[str, Any]:
        """The queue at this moment."""
        answer = await self._client.get(f"{TALK}/stats/current_queue_activity")
        found = answer.body.get("current_queue_activity") if isinstance(answer.body, dict) else None
        if not isinstance(found, dict):
            raise SourceRejectedError(Reason.SCHEMA, "the answer holds no current_queue_activity")
        return found

    async def probe(self, path: str, params: Mapping[str, str]) -> None:
        """Asks for something small; raises SourceError where it may not be read."""
        await self._client.get(path, params)


def _under(name: str) -> Any:
    return lambda answer: rows_of(answer, name)
