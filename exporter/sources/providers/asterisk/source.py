"""An Asterisk server as a source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from exporter.config.sources.asterisk import AsteriskOptions
from exporter.config.sources.sql import SqlOptions
from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.passes import Page, Pass
from exporter.sources.base import SourceContext
from exporter.sources.blocking import Cancellation, call_in_thread, in_thread
from exporter.sources.cursor import finish_last_page, next_cursor
from exporter.sources.http.client import SourceClient
from exporter.sources.parsing.plausibility import latest_plausible
from exporter.sources.provider import ProviderSource, page_of, required
from exporter.sources.providers.asterisk.ami import AmiClient, measurements
from exporter.sources.providers.asterisk.calls import LONGEST_CALL, detailed, grouped, in_order, queued
from exporter.sources.providers.asterisk.rows import CDR_COLUMNS, QUEUE_COLUMNS, cdr_of, csv_of, event_of, lines_of
from exporter.sources.providers.sql_connection import rows
from exporter.sources.providers.sql_statement import EntitySelection

CALLS_A_PAGE = 1000


def create(options: AsteriskOptions, context: SourceContext) -> AsteriskSource:
    """The source that the options describe; raises SourceRejectedError if the manager's address is not allowed."""
    client = SourceClient(options, options.base_url, None, context) if options.base_url else None
    return AsteriskSource(options, context, client)


class AsteriskSource(ProviderSource[AsteriskOptions]):
    """Reads complete calls that began since the last pass minus the lookback, and the current state of the queues."""

    default_lookback = timedelta(days=1)
    """Calls are found by their start, and change until they end."""

    def __init__(self, options: AsteriskOptions, context: SourceContext, client: SourceClient | None) -> None:
        super().__init__(options, context, *([client] if client else []))
        self._zone = ZoneInfo(options.zone) if options.zone else context.zone

    def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Pages of one pass over an entity."""
        return self._calls(sync_pass) if sync_pass.entity == "calls" else self._queues(sync_pass)

    def _calls(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """Calls, without a listing: rotating logs and clearing tables does not undo a call."""
        since = sync_pass.started_at - self._options.history
        changes: list[datetime] = []
        if sync_pass.cursor is not None:
            changes.append(datetime.fromisoformat(sync_pass.cursor))
            since = max(since, changes[0] - self._lookback)

        def finish(page: Page) -> Page:
            return replace(page, cursor=next_cursor(sync_pass, max(changes, default=None)))

        return finish_last_page(self._pages(sync_pass, since, changes), finish)

    async def _pages(self, sync_pass: Pass, since: datetime, changes: list[datetime]) -> AsyncIterator[Page]:
        """The pages; adds the latest change of each, by Asterisk's clock, to `changes`."""
        async with aclosing(in_thread(partial(self._read_pages, since))) as pages:
            async for page in pages:
                latest = latest_plausible((record.updated_at for record in page.records), sync_pass.started_at)
                changes += [latest] if latest else []
                yield page

    def _read_pages(self, since: datetime, cancellation: Cancellation) -> Generator[Page, None, None]:
        """The pages, in a thread."""
        rejected: list[InvalidRecordError] = []
        calls = self._groups(since, rejected, cancellation)
        while (groups := list(islice(calls, CALLS_A_PAGE))) or rejected:
            page = page_of(groups, self._call)
            invalid = tuple(rejected)
            rejected.clear()
            yield replace(page, rejected=(*page.rejected, *invalid))

    def _call(self, group: list[Any]) -> Any:
        if self._options.calls_from == "cdr":
            return detailed(group, self._options.outbound_contexts)
        return queued(in_order(group, self._zone))

    def _groups(
        self, since: datetime, rejected: list[InvalidRecordError], cancellation: Cancellation
    ) -> Iterator[list[Any]]:
        """The rows of each call that began at or after `since`; adds rows that are not valid to `rejected`.

        Reads from further back, to recognize and skip calls that were in progress at `since`.
        """
        first = since - LONGEST_CALL
        values = self._in_file() if self._options.path else self._in_table(first, cancellation)
        valid = self._valid_rows(values, rejected)
        return (
            group
            for group in grouped(row for row in valid if row.at >= first and row.call not in ("", "NONE"))
            if group[0].at >= since
        )

    def _valid_rows(self, values: Iterable[dict[str, Any]], rejected: list[InvalidRecordError]) -> Iterator[Any]:
        column = self._start_column
        for number, row in enumerate(values, 1):
            try:
                yield event_of(row, self._zone) if column == "time" else cdr_of(row, column, self._zone)
            except InvalidRecordError as error:
                rejected.append(InvalidRecordError(error.reason, error.field, f"row {number}"))

    @property
    def _start_column(self) -> str:
        """The column with the start of a row."""
        if self._options.calls_from == "queue_log":
            return "time"
        return self._options.database.start_column if self._options.database else "start"

    def _in_file(self) -> Iterator[Any]:
        path = self._context.base / (self._options.path or "")
        parse = csv_of if self._options.calls_from == "cdr" else lines_of
        try:
            with path.open(encoding="utf-8", errors="replace", newline="") as lines:
                yield from parse(lines)
        except OSError:
            raise SourceRejectedError(Reason.NOT_FOUND, f"{self._options.path} cannot be read") from None

    def _in_table(self, since: datetime, cancellation: Cancellation) -> Iterator[Any]:
        """The table's rows in the order of time. Times are compared as text in Asterisk's own zone."""
        options = self._sql_options()
        selection = EntitySelection(options.entities[0], options.engine)
        local = since.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")
        with rows(options, self._context, selection.changes(local, None), cancellation) as result:
            for values in result:
                yield dict(zip(selection.names, values, strict=True))

    def _sql_options(self) -> SqlOptions:
        """The table as options of the sql provider."""
        database = required(self._options.database)
        cdr = self._options.calls_from == "cdr"
        columns = CDR_COLUMNS if cdr else QUEUE_COLUMNS
        entity = {
            "entity": "calls",
            "table": database.table or ("cdr" if cdr else "queuelog"),
            "updated": self._start_column,
            "columns": {"id": "uniqueid" if cdr else "id", **{f"attributes.{name}": name for name in columns}},
        }
        connection = database.model_dump(exclude={"table", "start_column", "password"})
        return SqlOptions.model_validate(
            {"name": self.name, "provider": "sql", **connection, "password": database.password, "entities": [entity]}
        )

    async def _queues(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """The state at this moment. Those of earlier passes remain."""
        blocks = await self._ami().queues()
        records = [record for block in blocks for record in measurements(block, sync_pass.started_at)]
        yield Page(tuple(records), cursor=sync_pass.started_at.isoformat())

    def _ami(self) -> AmiClient:
        return AmiClient(self._client, required(self._options.manager), self._context)

    async def _probe(self, entity: str) -> None:
        """Looks for the first row, or requests the queues."""
        if entity == "measurements":
            await self._ami().queues()
        else:
            await call_in_thread(lambda cancellation: next(self._groups(self._context.clock(), [], cancellation), None))
