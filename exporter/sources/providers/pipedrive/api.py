"""Pipedrive's two generations of lists: v2 by cursor, and what is still only in v1, by number of rows to skip."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from exporter.errors import InvalidRecordError, RateLimitedError, Reason, SourceError, SourceRejectedError
from exporter.sources.base import SourceContext
from exporter.sources.http.client import Answer, SourceClient
from exporter.sources.http.pagination import Batch, CursorPages, Listed, Paginator, SinglePage, Size, Step, walk
from exporter.sources.http.status import Classify
from exporter.sources.parsing import convert
from exporter.sources.provider import seconds_until_midnight

V2, V1 = "/api/v2", "/v1"
ROWS_V2, ROWS_V1 = 500, 100

_STORM = 3600.0
"""Seconds of quiet after the network in front of Pipedrive has begun to answer with pages of HTML."""


def classify(context: SourceContext) -> Classify:
    """The provider's reading of an answer: two kinds of 429, and the 403 in HTML that follows when they are ignored."""

    def read(status: int, headers: Mapping[str, str], body: bytes) -> SourceError | None:
        if status == 403 and "html" in headers.get("content-type", "") + body[:200].decode("latin-1").lower():
            return RateLimitedError("too many requests after the limit was reached", _STORM)
        if status == 429 and headers.get("x-daily-ratelimit-token-remaining") == "0":
            return RateLimitedError(
                "the company's daily budget is used up", seconds_until_midnight(context.clock(), UTC)
            )
        return None

    return read


def header_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds until the burst window is over, once nothing is left in it."""
    if headers.get("x-ratelimit-remaining") != "0":
        return None
    reset = headers.get("x-ratelimit-reset", "")
    return float(reset) if reset.isdecimal() and int(reset) <= 60 else 2.0


def rows_of(answer: Answer) -> Sequence[Any]:
    """The rows of a list. `success: false` comes with status 200; no rows are null in v1."""
    body = answer.body
    if not isinstance(body, dict) or body.get("success") is not True or "data" not in body:
        raise SourceRejectedError(Reason.SCHEMA, "the answer is not a list of Pipedrive's")
    rows: Sequence[Any] = body["data"] or []
    if not isinstance(rows, list):
        raise SourceRejectedError(Reason.SCHEMA, "the answer's data is not a list")
    return rows


CURSOR = CursorPages("additional_data.next_cursor", "cursor", Size("limit", ROWS_V2))
WHOLE = SinglePage()


@dataclass(frozen=True, slots=True)
class StartPages:
    """Pages of v1 while there is more in the collection. Rows that vanish meanwhile shift the rest.

    So the last `overlap` rows of a page come again on the next one: where they do not, others may have been missed.
    `until` ends a list that is sorted by change, the newest first, where it has come to older ones.
    """

    rows: int = ROWS_V1
    overlap: int = 0
    until: datetime | None = None
    shifts: bool = True

    def ask(self, position: str | None) -> Step:
        """How many rows to skip."""
        return Step({"start": position or "0", "limit": str(self.rows)})

    def following(self, answer: Answer, rows: int, position: str | None) -> str | None:
        """Where the next page starts; without a hint only an empty page is surely the last.

        The hint of call logs lies under `pagination`, that of leads does not, and neither always has `next_start`.
        """
        hint = answer.body.get("additional_data") or {}
        hint = hint.get("pagination") or hint
        if rows <= self.overlap or not hint.get("more_items_in_collection", True) or self._far_enough(answer):
            return None
        return str(int(hint.get("next_start") or int(position or 0) + rows) - self.overlap)

    def _far_enough(self, answer: Answer) -> bool:
        """Whether the page, which must be in the order that was asked for, ends with what is old enough."""
        rows = answer.body["data"] or ()
        changes = [at for row in rows if (at := _changed_at(row)) is not None]
        if self.until is None or not rows or len(changes) < len(rows):
            return False
        return changes == sorted(changes, reverse=True) and changes[-1] < self.until


def _changed_at(row: Any) -> datetime | None:
    """When a row changed last, None where it does not say so; what is wrong with it is counted where it is taken."""
    try:
        return convert.instant(row.get("update_time"), "updated_at", UTC) if isinstance(row, dict) else None
    except InvalidRecordError:
        return None


@dataclass(frozen=True, slots=True)
class Part:
    """One of the lists that make up an entity."""

    path: str
    paginator: Paginator
    params: tuple[tuple[str, str], ...] = ()
    since: str | None = "updated_since"
    """The parameter that asks only for changes; None where there is none."""
    newest_first: tuple[tuple[str, str], ...] = ()
    """Or parameters that put the newest changes first, so that the list need not be read to its end."""

    def changes(self, since: datetime) -> Part:
        """The same list, asked only for what changed since then, as far as that can be asked."""
        if self.since is not None:
            return replace(
                self, params=(*self.params, (self.since, since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")))
            )
        if self.newest_first and isinstance(self.paginator, StartPages):
            # what changes meanwhile comes to the front: it pushes rows back, never past the reader
            newest = replace(self.paginator, until=since, overlap=0)
            return replace(self, params=self.newest_first, paginator=newest)
        return self


DEALS = (
    Part(f"{V2}/deals", CURSOR, (("sort_by", "id"),)),
    Part(f"{V2}/deals/archived", CURSOR, (("sort_by", "id"),)),
    # the plain list leaves out what was deleted; this one has the deletions of the last 30 days
    Part(f"{V2}/deals", CURSOR, (("status", "deleted"), ("sort_by", "id"))),
)
LEADS = (
    Part(f"{V1}/leads", StartPages(overlap=1), (("sort", "id"),)),
    Part(
        f"{V1}/leads/archived",
        StartPages(overlap=1),
        (("sort", "id"),),
        since=None,
        newest_first=(("sort", "update_time DESC"),),
    ),
)
ACTIVITIES = (Part(f"{V2}/activities", CURSOR, (("sort_by", "id"),)),)
CALLS = (Part(f"{V1}/callLogs", StartPages(50), since=None),)
USERS = (Part(f"{V1}/users", WHOLE, since=None),)

PARTS: Mapping[str, tuple[Part, ...]] = {
    "deals": DEALS, "leads": LEADS, "activities": ACTIVITIES, "calls": CALLS, "people": USERS,
}  # fmt: skip


class PipedriveApi:
    """Reads of one company."""

    def __init__(self, client: SourceClient) -> None:
        self._client = client

    @property
    def skew(self) -> float:
        """The vendor's clock minus ours, in seconds."""
        return self._client.skew

    def pages(self, part: Part, params: Mapping[str, str], position: str | None) -> AsyncIterator[Batch]:
        """The pages of one list."""
        asked = {**dict(part.params), **params}
        return walk(self._client, Listed(part.path, asked, part.paginator, rows_of), position)

    async def all(self, path: str, paginator: Paginator) -> list[Any]:
        """All rows of a short list."""
        listed = Part(path, paginator, since=None)
        return [row async for batch in self.pages(listed, {}, None) for row in batch.rows]

    async def names(self, path: str) -> dict[str, str]:
        """Names by id, of stages or pipelines."""
        return {str(row["id"]): str(row["name"]) for row in await self.all(path, CURSOR)}

    async def one(self, path: str, paginator: Paginator) -> None:
        """Asks for the first page; raises SourceError where it may not be read."""
        params = {**paginator.ask(None).params, **({} if paginator is WHOLE else {"limit": "1"})}
        rows_of(await self._client.get(path, params))
