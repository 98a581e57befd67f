"""A Twilio account as a source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from exporter.config.sources.twilio import TwilioOptions
from exporter.errors import Reason, SourceRejectedError
from exporter.passes import Listing, Page, Pass
from exporter.records import Measurement
from exporter.sources.base import SourceContext
from exporter.sources.cursor import changes_since, finish_last_page, next_cursor
from exporter.sources.http.auth import BasicAuthenticator
from exporter.sources.http.client import Limits, SourceClient
from exporter.sources.provider import ProviderSource, page_of
from exporter.sources.providers.twilio.api import TaskRouterApi, VoiceApi, classify, header_wait
from exporter.sources.providers.twilio.legs import call, conversations
from exporter.sources.providers.twilio.taskrouter import measurements, person

VOICE_URL = "https://api.twilio.com"
TASKROUTER_URL = "https://taskrouter.twilio.com"
PER_SECOND = 10.0
DAY = timedelta(days=1)

_TASKROUTER = "an API key with TaskRouter: read the workspace, and the right SID"
PERMISSIONS = {
    "calls": "an API key with Voice: read calls and telephone numbers, and the right SID",
    "people": _TASKROUTER,
    "measurements": _TASKROUTER,
}


def create(options: TwilioOptions, context: SourceContext) -> TwilioSource:
    """The source that the options describe; raises SourceRejectedError if an address is not allowed."""
    return TwilioSource(
        options,
        context,
        _client(options, options.base_url or VOICE_URL, context),
        _client(options, options.taskrouter_url or TASKROUTER_URL, context),
    )


def _client(options: TwilioOptions, base_url: str, context: SourceContext) -> SourceClient:
    auth = BasicAuthenticator(options.key_sid or options.account_sid, options.secret, context)
    return SourceClient(options, base_url, auth, context, limits=Limits(PER_SECOND, header_wait), classify=classify)


class TwilioSource(ProviderSource[TwilioOptions]):
    """Reads calls one UTC day at a time, all workers, and the current state of the queues."""

    default_lookback = timedelta(days=2)
    """Calls can only be filtered by start time, but end, receive their price and change their status later."""

    def __init__(
        self, options: TwilioOptions, context: SourceContext, voice: SourceClient, taskrouter: SourceClient
    ) -> None:
        super().__init__(options, context, voice, taskrouter)
        self._voice = VoiceApi(voice, options.account_sid)
        self._taskrouter = TaskRouterApi(taskrouter, options.workspace_sid or "")

    def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of one pass over an entity."""
        return {"calls": self._calls, "people": self._people, "measurements": self._queues}[sync_pass.entity](sync_pass)

    def _calls(self, sync_pass: Pass) -> AsyncIterator[Page]:
        earliest = sync_pass.started_at - self._options.history
        since = _midnight(max(earliest, changes_since(sync_pass, self._lookback) or earliest))
        first_day = datetime.fromisoformat(sync_pass.resume) if sync_pass.resume else since
        listing = Listing("started_at", since) if sync_pass.cursor is None else None

        def finish(page: Page) -> Page:
            cursor = next_cursor(sync_pass, sync_pass.started_at, skew=self._client.skew)
            return replace(page, resume=None, cursor=cursor, listing=listing)

        return finish_last_page(self._days(first_day, sync_pass.started_at), finish)

    async def _days(self, first_day: datetime, until: datetime) -> AsyncIterator[Page]:
        """One page for each day. The next day is read too: it has the legs of calls that began before midnight."""
        parse_row = partial(call, numbers=await self._voice.numbers())
        day, rows = first_day, await self._day(first_day)
        while day <= until:
            following = await self._day(day + DAY) if day + DAY <= until else []
            call_sids = {str(row["sid"]) for row in rows if not row.get("parent_call_sid")}
            joined = [row for row in [*rows, *following] if (row.get("parent_call_sid") or row["sid"]) in call_sids]
            day, rows = day + DAY, following
            yield page_of(conversations(joined), parse_row, resume=day.isoformat())

    async def _day(self, day: datetime) -> list[Any]:
        """All rows of a UTC day. If Twilio's bounds are inclusive, two days share rows, which are identical."""
        rows = [row async for batch in self._voice.calls(day, day + DAY) for row in batch.rows]
        if not all(isinstance(row, dict) and row.get("sid") for row in rows):
            raise SourceRejectedError(Reason.SCHEMA, "a call has no sid")
        return rows

    async def _people(self, _sync_pass: Pass) -> AsyncIterator[Page]:
        """All workers. There is no listing: a removed worker stays known, so that earlier calls keep a name."""
        async for batch in self._taskrouter.workers():
            yield page_of(batch.rows, person)

    async def _queues(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """The statistics of this moment. Those of earlier passes remain."""
        records: list[Measurement] = []
        for sid, name in (await self._taskrouter.queues()).items():
            real_time, cumulative = await self._taskrouter.real_time(sid), await self._taskrouter.cumulative(sid)
            records += measurements(sid, name, real_time, cumulative, sync_pass.started_at)
        yield Page(tuple(records), cursor=sync_pass.started_at.isoformat())

    def _permission(self, entity: str) -> str:
        return PERMISSIONS[entity]

    async def _probe(self, entity: str) -> None:
        """Requests one call and one number, or one queue."""
        await (self._voice.probe() if entity == "calls" else self._taskrouter.probe())


def _midnight(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
