"""One pass over one object, page by page behind the last stamp and id, deleted rows included."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.errors import IncompletePassError, Reason, SourceRejectedError, SourceUnavailableError
from exporter.passes import Listing, Page, Pass
from exporter.sources.cursor import finish_last_page, next_cursor
from exporter.sources.http.client import Answer, SourceClient
from exporter.sources.parsing.rows import take
from exporter.sources.providers.salesforce.payloads import Shape
from exporter.sources.providers.salesforce.soql import Mark, Span, select

LAG = timedelta(seconds=60)
LOOKBACK = timedelta(minutes=10)
"""Rows that were committed late appear behind stamps already read, by minutes."""

_HALVINGS = 4
_BEGIN = datetime(1999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a pass is to bring: the entity's fields and how its rows are read."""

    fields: tuple[str, ...]
    shape: Shape
    lookback: timedelta


class Reading:
    """The pages of one pass. Made anew for each."""

    def __init__(self, client: SourceClient, base: str, wanted: Wanted, sync_pass: Pass, now: datetime) -> None:
        self._client = client
        self._base = base
        self._wanted = wanted
        self._sync_pass = sync_pass
        self._now = now
        self._after = _mark(sync_pass.resume)

    def pages(self) -> AsyncIterator[Page]:
        """All pages; the last one carries the cursor and, after a full pass, the listing."""
        return finish_last_page(self._all(), self._finished)

    def _finished(self, last: Page) -> Page:
        listing = Listing() if self._sync_pass.cursor is None else None
        latest = self._after.stamp if self._after else _BEGIN
        cursor = next_cursor(self._sync_pass, latest, skew=self._client.skew, lag=LAG)
        return replace(last, resume=None, cursor=cursor, listing=listing)

    async def _all(self) -> AsyncIterator[Page]:
        since = None
        if self._sync_pass.cursor is not None:
            since = datetime.fromisoformat(self._sync_pass.cursor) - self._wanted.lookback
        span = Span(since, self._after)
        while True:
            answer, span = await self._first_page(span)
            rows = [row async for part in self._parts(answer) for row in part]
            _all_given(answer, len(rows))
            if rows:
                yield self._page(rows)
                span = Span(since, self._after, span.until)
            elif span.until is None:
                return
            else:
                span = Span(span.until)

    async def _first_page(self, span: Span) -> tuple[Answer, Span]:
        """The answer, from a shorter span of time where the whole took the server too long."""
        for _ in range(_HALVINGS):
            try:
                return await self._query(span), span
            except SourceUnavailableError as error:
                if error.reason is not Reason.TIMEOUT:
                    raise
                span = replace(span, until=self._halved(span))
        return await self._query(span), span

    async def _query(self, span: Span) -> Answer:
        # queryAll also gives what lies in the recycle bin, which is the only word of a deletion
        query = select(self._sync_pass.entity, self._wanted.fields, span)
        return await self._client.get(f"{self._base}/queryAll", {"q": query})

    def _halved(self, span: Span) -> datetime:
        start = span.after.stamp if span.after else (span.since or _BEGIN)
        end = span.until or self._sync_pass.started_at
        return start + max((end - start) / 2, timedelta(seconds=1))

    async def _parts(self, answer: Answer) -> AsyncIterator[list[Any]]:
        """The rows of an answer and of the parts into which Salesforce may cut it."""
        seen: set[str] = set()
        while True:
            body = answer.body
            if not isinstance(body, dict) or not isinstance(body.get("records"), list) or "done" not in body:
                raise SourceRejectedError(Reason.SCHEMA, "the answer is not the result of a query")
            yield body["records"]
            if body["done"]:
                return
            following = str(body.get("nextRecordsUrl"))
            if following in seen:
                raise IncompletePassError(Reason.PAGINATION_LOOP, "the same part of a result came again")
            seen.add(following)
            answer = await self._client.get(following)

    def _page(self, rows: list[Any]) -> Page:
        taken = take(rows, lambda row: self._wanted.shape.record(self._sync_pass.entity, row), self._now)
        self._after = _last(rows, self._after)
        return Page(taken.records, taken.rejected, resume=json.dumps([self._after.stamp.isoformat(), self._after.id]))


def _all_given(answer: Answer, rows: int) -> None:
    """Raises IncompletePassError(CAPPED) where fewer rows came than the answer says that the query found."""
    promised = answer.body.get("totalSize")
    if isinstance(promised, int) and rows < promised:
        raise IncompletePassError(Reason.CAPPED, f"{promised} rows promised, {rows} given")


def _last(rows: list[Any], before: Mark | None) -> Mark:
    """The place behind the last row; raises IncompletePassError where the query does not move on."""
    try:
        mark = Mark(datetime.fromisoformat(rows[-1]["SystemModstamp"]), str(rows[-1]["Id"]))
    except (KeyError, TypeError, ValueError):
        raise SourceRejectedError(Reason.SCHEMA, "a row has no SystemModstamp or Id") from None
    if before is not None and (mark.stamp, mark.id) <= (before.stamp, before.id):
        raise IncompletePassError(Reason.PAGINATION_LOOP, "a page ends where the one before it ended")
    return mark


def _mark(token: str | None) -> Mark | None:
    if token is None:
        return None
    stamp, key = json.loads(token)
    return Mark(datetime.fromisoformat(stamp), key)
