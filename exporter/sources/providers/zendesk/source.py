"""A Zendesk account as a source."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from exporter.config.sources.zendesk import ZendeskOptions
from exporter.errors import Reason, SourceRejectedError
from exporter.passes import Page, Pass
from exporter.sources.access_check import access
from exporter.sources.base import Access, SourceContext
from exporter.sources.cursor import finish_last_page, next_cursor
from exporter.sources.http.auth import Authenticator, BasicAuth
from exporter.sources.http.client import Limits, SourceClient
from exporter.sources.http.oauth import OAuthAuth
from exporter.sources.http.pagination import Batch
from exporter.sources.parsing.rows import Make, take
from exporter.sources.providers.zendesk.api import TALK, ZendeskApi, end_of
from exporter.sources.providers.zendesk.payloads import call, measurements, person, survey, ticket
from exporter.sources.providers.zendesk.refusals import classify, header_wait

TOKEN_PATH = "/oauth/tokens"  # noqa: S105 - a path
PER_SECOND = 3.0
"""The smallest plan allows 200 requests a minute."""
LAG = timedelta(seconds=60)
"""Exports leave out the most recent minute."""
EVERYBODY = 1
"""The users' export begins here whatever the history: an agent may not have been changed for years."""
RATING_LOOKBACK = timedelta(hours=1)
CALL_LOOKBACK = timedelta(hours=4)
"""Calls settle late: wrap-up and status came up to three hours after the call began."""

_PROBES: Mapping[str, tuple[tuple[str, bool], ...]] = {
    "tickets": (("/api/v2/incremental/tickets/cursor", True), ("/api/v2/groups", False)),
    "people": (("/api/v2/incremental/users/cursor", True), ("/api/v2/groups", False)),
    "surveys": (("/api/v2/satisfaction_ratings", False),),
    "calls": ((f"{TALK}/stats/incremental/calls", True), ("/api/v2/groups", False)),
    "measurements": ((f"{TALK}/stats/current_queue_activity", False),),
}


def create(options: ZendeskOptions, context: SourceContext) -> ZendeskSource:
    """The source that the options describe; raises SourceRejectedError where its address is not allowed."""
    client = SourceClient(
        options,
        options.base_url,
        _authenticator(options, context),
        context,
        limits=Limits(PER_SECOND, header_wait),
        classify=classify,
    )
    return ZendeskSource(options, context, ZendeskApi(client), client)


def _authenticator(options: ZendeskOptions, context: SourceContext) -> Authenticator:
    if options.oauth is not None:
        return OAuthAuth(options.oauth, options, context, options.base_url + TOKEN_PATH)
    if options.api_token is None:
        raise AssertionError("the config asks for one of oauth and api_token")
    return BasicAuth(f"{options.api_token.email}/token", options.api_token.token, context)


class ZendeskSource:
    """Tickets and users by export cursor, ratings and calls by time with a lookback, the queue as it is now."""

    lag = LAG

    def __init__(self, options: ZendeskOptions, context: SourceContext, api: ZendeskApi, client: SourceClient) -> None:
        self.name = options.name
        self.entities: tuple[str, ...] = options.entities
        self._options = options
        self._context = context
        self._api = api
        self._client = client

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of one pass over an entity."""
        pages = {
            "tickets": self._exported,
            "people": self._exported,
            "surveys": self._timed,
            "calls": self._timed,
            "measurements": self._measured,
        }[sync_pass.entity](sync_pass)
        async for page in pages:
            yield page

    def _begin(self, sync_pass: Pass) -> datetime:
        return sync_pass.started_at - self._options.history

    async def _exported(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """The cursor is the export's own and moves with every page, so that it is also the resume token.

        Never a listing: what changed within the last minute is left out, and what was deleted comes as a row.
        """
        name = "tickets" if sync_pass.entity == "tickets" else "users"
        groups = await self._api.groups()
        make: Make = partial(person, groups=groups)
        if name == "tickets":
            make = partial(ticket, groups=groups, rated_in=self._options.satisfaction_field)
        start = int(self._begin(sync_pass).timestamp()) if name == "tickets" else EVERYBODY
        async for batch in self._api.export(name, start, sync_pass.resume or sync_pass.cursor):
            page = await self._page(batch, make, with_metrics=name == "tickets")
            cursor = end_of(batch.answer) or sync_pass.resume or sync_pass.cursor
            if batch.following is None:
                yield replace(page, cursor=cursor)
            else:
                yield replace(page, resume=cursor)

    async def _page(self, batch: Batch, make: Make, *, with_metrics: bool) -> Page:
        rows = [await self._with_metrics(row) for row in batch.rows] if with_metrics else batch.rows
        taken = take(rows, make, self._context.clock())
        return Page(taken.records, taken.rejected)

    async def _with_metrics(self, row: Any) -> Any:
        if not isinstance(row, dict) or row.get("metric_set") or row.get("status") == "deleted" or "id" not in row:
            return row
        try:
            return {**row, "metric_set": await self._api.metrics(str(row["id"]))}
        except SourceRejectedError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            return row  # the ticket was deleted after it was exported

    def _timed(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Ratings and calls: their change time is the cursor, with a lookback for what settles late."""

        def finish(last: Page) -> Page:
            return replace(
                last, resume=None, cursor=next_cursor(sync_pass, sync_pass.started_at, skew=self._client.skew)
            )

        return finish_last_page(self._since(sync_pass), finish)

    async def _since(self, sync_pass: Pass) -> AsyncIterator[Page]:
        calls = sync_pass.entity == "calls"
        default = CALL_LOOKBACK if calls else RATING_LOOKBACK
        lookback = default if self._options.lookback is None else self._options.lookback
        since = (
            datetime.fromisoformat(sync_pass.cursor) - max(lookback, LAG)
            if sync_pass.cursor
            else self._begin(sync_pass)
        )
        start, position = json.loads(sync_pass.resume) if sync_pass.resume else (int(since.timestamp()), None)
        batches = self._api.calls(start, position) if calls else self._api.ratings(start, position)
        make: Make = partial(call, groups=await self._api.groups()) if calls else survey
        async for batch in batches:
            taken = take(batch.rows, make, self._context.clock())
            yield Page(taken.records, taken.rejected, resume=json.dumps([start, batch.following]))

    async def _measured(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """One reading at each pass; those of before stay."""
        found = await self._api.queue()
        yield Page(tuple(measurements(found, sync_pass.started_at)), cursor=sync_pass.started_at.isoformat())

    async def check(self) -> tuple[Access, ...]:
        """Asks for the beginning of each list: `users/me` answers even to strangers and would prove nothing."""
        return tuple([await access(entity, "", self._probe(entity)) for entity in self.entities])

    async def _probe(self, entity: str) -> None:
        recent = str(int((self._context.clock() - timedelta(minutes=5)).timestamp()))
        for path, timed in _PROBES[entity]:
            await self._api.probe(path, {"start_time": recent} if timed else {})

    async def close(self) -> None:
        """Frees connections."""
        await self._client.close()
