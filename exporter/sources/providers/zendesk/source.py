"""A Zendesk account as a source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from exporter.config.sources.zendesk import ZendeskOptions
from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.passes import Page, Pass
from exporter.sources.base import SourceContext
from exporter.sources.cursor import StoredPosition, changes_since, finish_last_page, next_cursor
from exporter.sources.http.auth import Authenticator, BasicAuthenticator
from exporter.sources.http.client import Limits, SourceClient
from exporter.sources.http.oauth import OAuthAuthenticator
from exporter.sources.parsing.rows import ParseRow
from exporter.sources.provider import ProviderSource, page_of, record_id, required
from exporter.sources.providers.zendesk.api import TALK, ZendeskApi, classify, header_wait, next_position
from exporter.sources.providers.zendesk.payloads import call, measurements, person, survey, ticket

TOKEN_PATH = "/oauth/tokens"  # noqa: S105 - a path
PER_SECOND = 3.0
"""The smallest plan allows 200 requests a minute."""
LAG = timedelta(seconds=60)
"""Exports leave out the most recent minute."""
ALL_USERS = 1
"""The start time of the users' export, whatever the history: an agent may not have changed for years."""
RATING_LOOKBACK = timedelta(hours=1)
CALL_LOOKBACK = timedelta(hours=4)
"""Calls settle late: wrap-up and status may arrive up to three hours after the call began."""

_PROBES: Mapping[str, tuple[tuple[str, bool], ...]] = {
    "tickets": (("/api/v2/incremental/tickets/cursor", True), ("/api/v2/groups", False)),
    "people": (("/api/v2/incremental/users/cursor", True), ("/api/v2/groups", False)),
    "surveys": (("/api/v2/satisfaction_ratings", False),),
    "calls": ((f"{TALK}/stats/incremental/calls", True), ("/api/v2/groups", False)),
    "measurements": ((f"{TALK}/stats/current_queue_activity", False),),
}
"""The paths of each entity, and whether they need a start time."""


@dataclass(frozen=True, slots=True)
class ListPosition(StoredPosition):
    """The start time of a list in epoch seconds, and the position in its pages."""

    start_time: int
    position: str | None = None


def create(options: ZendeskOptions, context: SourceContext) -> ZendeskSource:
    """The source that the options describe; raises SourceRejectedError if its address is not allowed."""
    if options.api_token is not None:
        user = f"{options.api_token.email}/token"
        auth: Authenticator = BasicAuthenticator(user, options.api_token.token, context)
    else:
        auth = OAuthAuthenticator(required(options.oauth), options, context, options.base_url + TOKEN_PATH)
    limits = Limits(PER_SECOND, header_wait)
    client = SourceClient(options, options.base_url, auth, context, limits=limits, classify=classify)
    return ZendeskSource(options, context, client)


class ZendeskSource(ProviderSource[ZendeskOptions]):
    """Reads tickets and users by export cursor, ratings and calls by time, and the queue as it is now."""

    lag = LAG

    def __init__(self, options: ZendeskOptions, context: SourceContext, client: SourceClient) -> None:
        super().__init__(options, context, client)
        self._api = ZendeskApi(client)

    def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of one pass over an entity."""
        return {
            "tickets": self._exported,
            "people": self._exported,
            "surveys": self._timed,
            "calls": self._timed,
            "measurements": self._measured,
        }[sync_pass.entity](sync_pass)

    async def _exported(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """The cursor is the export's own and moves with every page, so that it is also the resume token.

        Never a listing: the export leaves out changes of the last minute, and deleted tickets are rows of it.
        """
        groups = await self._api.groups()
        if sync_pass.entity == "tickets":
            name, start = "tickets", int((sync_pass.started_at - self._options.history).timestamp())
            make: ParseRow = partial(ticket, groups=groups, rating_field=self._options.satisfaction_field)
        else:
            name, start, make = "users", ALL_USERS, partial(person, groups=groups)
        position = sync_pass.resume or sync_pass.cursor
        async for batch in self._api.export(name, start, position):
            rows = [await self._with_metrics(row) for row in batch.rows] if name == "tickets" else batch.rows
            page = page_of(rows, make)
            cursor = next_position(batch.response) or position
            yield replace(page, cursor=cursor) if batch.following is None else replace(page, resume=cursor)

    async def _with_metrics(self, row: Any) -> Any:
        if not isinstance(row, dict) or row.get("metric_set") or row.get("status") == "deleted":
            return row
        try:
            return {**row, "metric_set": await self._api.metrics(record_id(row))}
        except InvalidRecordError:
            return row
        except SourceRejectedError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            return row  # the ticket was deleted after it was exported

    def _timed(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Ratings and calls: their change time is the cursor, with a lookback for what settles late."""

        def finish(last: Page) -> Page:
            cursor = next_cursor(sync_pass, sync_pass.started_at, skew=self._client.skew)
            return replace(last, resume=None, cursor=cursor)

        return finish_last_page(self._since(sync_pass), finish)

    async def _since(self, sync_pass: Pass) -> AsyncIterator[Page]:
        calls = sync_pass.entity == "calls"
        default = CALL_LOOKBACK if calls else RATING_LOOKBACK
        lookback = default if self._options.lookback is None else self._options.lookback
        since = changes_since(sync_pass, max(lookback, LAG)) or sync_pass.started_at - self._options.history
        start = ListPosition(int(since.timestamp()))
        start = ListPosition.from_text(sync_pass.resume) if sync_pass.resume else start
        batches = (self._api.calls if calls else self._api.ratings)(start.start_time, start.position)
        make: ParseRow = partial(call, groups=await self._api.groups()) if calls else survey
        async for batch in batches:
            resume = replace(start, position=batch.following).to_text()
            yield page_of(batch.rows, make, resume=resume)

    async def _measured(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """The current numbers at each pass; earlier ones stay."""
        queue = await self._api.queue()
        yield Page(tuple(measurements(queue, sync_pass.started_at)), cursor=sync_pass.started_at.isoformat())

    async def _probe(self, entity: str) -> None:
        """Asks for the beginning of each list: `users/me` answers even strangers and would prove nothing."""
        recent = str(int((self._context.clock() - timedelta(minutes=5)).timestamp()))
        for path, timed in _PROBES[entity]:
            await self._api.probe(path, {"start_time": recent} if timed else {})
