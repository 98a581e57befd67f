"""An Asterisk as a source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any
from zoneinfo import ZoneInfo

from exporter.config.sources.asterisk import AsteriskOptions
from exporter.config.sources.sql import SqlOptions
from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.passes import Page, Pass
from exporter.records import Measurement
from exporter.sources.base import SourceContext
from exporter.sources.cursor import finish_last_page, next_cursor
from exporter.sources.http.client import SourceClient
from exporter.sources.parsing.plausibility import latest_plausible
from exporter.sources.parsing.rows import ParsedRows, parse_rows
from exporter.sources.provider import ProviderSource, required
from exporter.sources.providers.asterisk.ami import Ami, measurements
from exporter.sources.providers.asterisk.calls import detailed, queued
from exporter.sources.providers.asterisk.grouping import LONGEST, grouped, in_order
from exporter.sources.providers.asterisk.rows import CDR_COLUMNS, QUEUE_COLUMNS, cdr_of, csv_of, event_of, lines_of
from exporter.sources.providers.sql_connection import rows
from exporter.sources.providers.sql_statement import Selection

CALLS_A_PAGE = 1000


def create(options: AsteriskOptions, context: SourceContext) -> AsteriskSource:
    """The source that the options describe; raises SourceRejectedError where the manager's address is not allowed."""
    client = SourceClient(options, options.base_url, None, context) if options.base_url else None
    return AsteriskSource(options, context, client)


class AsteriskSource(ProviderSource[AsteriskOptions]):
    """Calls that began since the last pass and a lookback, each whole; queues as they are now."""

    default_lookback = timedelta(days=1)
    """Calls are read by their beginning and told by what happens later."""

    def __init__(self, options: AsteriskOptions, context: SourceContext, client: SourceClient | None) -> None:
        super().__init__(options, context, *([client] if client else []))
        self._zone = ZoneInfo(options.zone) if options.zone else context.zone

    def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of one pass over an entity."""
        return self._calls(sync_pass) if sync_pass.entity == "calls" else self._queues(sync_pass)

    def _calls(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """No listing: logs are rotated and tables cleared, which does not undo a call."""
        since = sync_pass.started_at - self._options.history
        seen: list[datetime] = []
        if sync_pass.cursor is not None:
            seen.append(datetime.fromisoformat(sync_pass.cursor))
            since = max(since, seen[0] - self._lookback)

        def finish(last: Page) -> Page:
            return replace(last, cursor=next_cursor(sync_pass, max(seen, default=None)))

        return finish_last_page(self._noted(sync_pass, since, seen), finish)

    async def _noted(self, sync_pass: Pass, since: datetime, seen: list[datetime]) -> AsyncIterator[Page]:
        """The pages; `seen` gets the latest event of each, which is by Asterisk's clock."""
        async for page in self._threaded(since):
            latest = latest_plausible((record.updated_at for record in page.records), sync_pass.started_at)
            seen += [latest] if latest else []
            yield page

    async def _threaded(self, since: datetime) -> AsyncIterator[Page]:
        pages = self._pages(since)
        try:
            while (page := await asyncio.to_thread(next, pages, None)) is not None:
                yield page
        finally:
            pages.close()

    def _pages(self, since: datetime) -> Generator[Page]:
        broken: list[InvalidRecordError] = []
        calls = self._groups(since, broken)
        while (group := list(islice(calls, CALLS_A_PAGE))) or broken:
            calls_of_page = parse_rows(group, self._call)
            taken = ParsedRows(calls_of_page.records, (*calls_of_page.rejected, *broken))
            broken.clear()
            yield Page(taken.records, taken.rejected)

    def _call(self, group: list[Any]) -> Any:
        if self._options.calls_from == "cdr":
            return detailed(group, self._options.outbound_contexts)
        return queued(in_order(group, self._zone))

    def _groups(self, since: datetime, broken: list[InvalidRecordError]) -> Iterator[list[Any]]:
        """The rows of each call that began at or after `since`.

        Rows are read from further back, so that a call under way at that time is known for one and left out.
        """
        raw = self._in_file() if self._options.path else self._in_table(since - LONGEST)
        near = (row for row in self._sound(raw, broken) if row.at >= since - LONGEST and row.call not in ("", "NONE"))
        return (group for group in grouped(near) if group[0].at >= since)

    def _sound(self, raw: Iterable[dict[str, Any]], broken: list[InvalidRecordError]) -> Iterator[Any]:
        """Rows that can be told; the others are named in `broken`."""
        start = self._start
        for place, row in enumerate(raw, 1):
            try:
                yield event_of(row, self._zone) if start == "time" else cdr_of(row, start, self._zone)
            except InvalidRecordError as error:
                broken.append(InvalidRecordError(error.reason, error.field, f"row {place}"))

    @property
    def _start(self) -> str:
        """The column that says when a row began."""
        if self._options.calls_from == "queue_log":
            return "time"
        return self._options.database.start_column if self._options.database else "start"

    def _in_file(self) -> Iterator[Any]:
        path = self._context.base / (self._options.path or "")
        try:
            with path.open(encoding="utf-8", errors="replace", newline="") as lines:
                yield from self._parsed(lines)
        except OSError:
            raise SourceRejectedError(Reason.NOT_FOUND, f"{self._options.path} cannot be read") from None

    def _parsed(self, lines: Iterable[str]) -> Iterator[Any]:
        return csv_of(lines) if self._options.calls_from == "cdr" else lines_of(lines)

    def _in_table(self, since: datetime) -> Iterator[Any]:
        """The table's rows by time, as text in Asterisk's own zone, which is how they are compared."""
        options = self._sql()
        selection = Selection(options.entities[0], options.engine)
        local = since.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")
        with rows(options, self._context, selection.changes(local, None)) as found:
            for values in found:
                yield dict(zip(selection.names, values, strict=True))

    def _sql(self) -> SqlOptions:
        """The table as the sql provider knows one."""
        database = required(self._options.database)
        cdr = self._options.calls_from == "cdr"
        columns = CDR_COLUMNS if cdr else QUEUE_COLUMNS
        entity = {
            "entity": "calls",
            "table": database.table or ("cdr" if cdr else "queuelog"),
            "updated": self._start,
            "columns": {"id": "uniqueid" if cdr else "id", **{f"attributes.{name}": name for name in columns}},
        }
        given = database.model_dump(exclude={"table", "start_column", "password"})
        return SqlOptions.model_validate(
            {"name": self.name, "provider": "sql", **given, "password": database.password, "entities": [entity]}
        )

    async def _queues(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """One reading at each pass; those of before stay."""
        blocks = await self._manager().queues()
        found: list[list[Measurement]] = [measurements(block, sync_pass.started_at) for block in blocks]
        yield Page(tuple(chain.from_iterable(found)), cursor=sync_pass.started_at.isoformat())

    def _manager(self) -> Ami:
        return Ami(self._client, required(self._options.manager), self._context)

    async def _probe(self, entity: str) -> None:
        """Looks for the first row, or asks for the queues."""
        if entity == "measurements":
            await self._manager().queues()
        else:
            await asyncio.to_thread(next, self._groups(self._context.clock(), []), None)
