"""The sql provider: rows of a table or query, in the order of change and id, by a user that may only SELECT."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

from exporter.config.sources.sql import SqlEntity, SqlOptions
from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.passes import Listing, Page, Pass
from exporter.records import Record
from exporter.sources.base import Access, SourceContext
from exporter.sources.blocking import Cancellation, call_in_thread, in_thread
from exporter.sources.parsing.column_map import FieldGetter, RecordMap
from exporter.sources.provider import ProviderSource, page_of
from exporter.sources.providers.sql_connection import FETCHED_ROWS, may_write, rows
from exporter.sources.providers.sql_statement import EntitySelection, RowKey, SqlStatement

_DATE = re.compile(r"\d{4}-\d\d-\d\d")

SqlRow = Sequence[Any]


def create(options: SqlOptions, context: SourceContext) -> SqlSource:
    """The source that the options describe."""
    return SqlSource(options, context)


class SqlSource(ProviderSource[SqlOptions]):
    """Reads in a thread. An interrupted pass continues after the last stored row."""

    default_lookback = timedelta(minutes=5)
    """Transactions that began earlier may commit later, behind rows that were read already."""

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """All rows by id in a full pass, otherwise the changes since the cursor, by change column and id."""
        (entity,) = (entity for entity in self._options.entities if entity.entity == sync_pass.entity)
        reader = _SqlReader(self._options, entity, self._context, sync_pass, self._lookback)
        async with aclosing(in_thread(reader.pages)) as pages:
            async for page in pages:
                yield page

    async def check(self) -> tuple[Access, ...]:
        """Reads one row of each table or query, and warns if the user has more rights than it needs."""
        return tuple([await call_in_thread(partial(self._try_entity, entity)) for entity in self._options.entities])

    def _try_entity(self, entity: SqlEntity, cancellation: Cancellation) -> Access:
        try:
            statement = EntitySelection(entity, self._options.engine).one_row()
            with rows(self._options, self._context, statement, cancellation) as result:
                next(result, None)
            if entity.table and may_write(self._options, self._context, entity.table, cancellation):
                warning = "the user may also write: grant no more than SELECT"
                return Access(entity.entity, allowed=True, missing=warning)
        except SourceRejectedError as error:
            return Access(entity.entity, allowed=False, missing=str(error))
        return Access(entity.entity, allowed=True)


class _SqlReader:
    """One pass over one table or query."""

    def __init__(
        self, options: SqlOptions, entity: SqlEntity, context: SourceContext, sync_pass: Pass, lookback: timedelta
    ) -> None:
        self._lookback = lookback
        self._options = options
        self._entity = entity
        self._context = context
        self._sync_pass = sync_pass
        self._selection = EntitySelection(entity, options.engine)
        self._indexes = {name: index for index, name in enumerate(self._selection.names)}
        self._map = RecordMap(entity.entity, entity.columns, context.zone, self._getter)
        self._incremental = bool(entity.updated) and sync_pass.cursor is not None
        self._latest: Any = None

    def pages(self, cancellation: Cancellation) -> Generator[Page, None, None]:
        """The pages, in a thread. The last one carries the cursor and, in a full pass, the listing."""
        with rows(self._options, self._context, self._statement(), cancellation) as result:
            pending: Page | None = None
            while chunk := list(islice(result, FETCHED_ROWS)):
                if pending is not None:
                    yield pending
                pending = self._page(chunk)
        cursor = None if self._latest is None else json.dumps(_encode(self._latest))
        yield replace(pending or Page(()), cursor=cursor, listing=None if self._incremental else Listing())

    def _statement(self) -> SqlStatement:
        after, self._latest = _read_token(self._sync_pass.resume) if self._sync_pass.resume else (None, None)
        if not self._incremental:
            return self._selection.everything(after)
        cursor = _decode(json.loads(self._sync_pass.cursor or "null"))
        self._latest = self._latest if self._latest is not None else cursor
        since = cursor - self._lookback if isinstance(cursor, datetime | date) else cursor
        return self._selection.changes(since, after)

    def _page(self, chunk: list[SqlRow]) -> Page:
        updated = None
        for row in chunk if self._entity.updated else ():
            updated = row[self._indexes[self._entity.updated or ""]]
            self._latest = self._later(updated)
        key = RowKey(updated if self._incremental else None, chunk[-1][self._indexes[self._selection.id]])
        return page_of(chunk, self._record, resume=_token(key, self._latest))

    def _later(self, value: Any) -> Any:
        """The latest change so far. A change after the start of the pass, from a wrong clock, is ignored."""
        instant = self._instant(value)
        if value is None or (instant is not None and instant > self._sync_pass.started_at):
            return self._latest
        return value if self._latest is None or value > self._latest else self._latest

    def _instant(self, value: Any) -> datetime | None:
        """The value of a change column as an instant, if it is a time. SQLite stores times as text."""
        if isinstance(value, str) and _DATE.match(value):
            with suppress(ValueError):
                value = datetime.fromisoformat(value)
        if not isinstance(value, datetime):
            return None
        return (value if value.tzinfo else value.replace(tzinfo=self._context.zone)).astimezone(UTC)

    def _record(self, row: SqlRow) -> Record:
        deleted = self._entity.deleted
        if deleted is not None and _means_deleted(row[self._indexes[deleted.field]], deleted.equals):
            return self._map.tombstone(row)
        return self._map.record(row)

    def _getter(self, field: str, _optional: bool) -> FieldGetter:
        index = self._indexes[field]

        def get(row: SqlRow) -> Any:
            value = row[index]
            if isinstance(value, bytes | bytearray | memoryview):
                raise InvalidRecordError(Reason.BAD_TYPE, field)
            if isinstance(value, date) and not isinstance(value, datetime):
                return value.isoformat()
            if isinstance(value, timedelta):
                return value.total_seconds()
            return value if isinstance(value, str | int | float | Decimal | datetime | None) else str(value)

        return get


def _means_deleted(value: Any, equals: object) -> bool:
    if equals is None:
        return bool(value) and value not in ("0", "false", "f", "n", "no")
    return value == equals or str(value) == str(equals)


def _encode(value: Any) -> list[str]:
    """A value of a key as JSON that preserves its type."""
    if isinstance(value, datetime):
        return ["instant", value.isoformat()]
    if isinstance(value, date):
        return ["date", value.isoformat()]
    kind = {int: "int", float: "float", Decimal: "decimal"}.get(type(value), "text")
    return [kind, str(value)]


def _decode(encoded: Sequence[str] | None) -> Any:
    if encoded is None:
        return None
    kinds: dict[str, Any] = {
        "instant": datetime.fromisoformat,
        "date": date.fromisoformat,
        "int": int,
        "float": float,
        "decimal": Decimal,
        "text": str,
    }
    return kinds[encoded[0]](encoded[1])


def _token(key: RowKey, latest: Any) -> str:
    values = (key.updated, key.id, latest)
    return json.dumps([None if value is None else _encode(value) for value in values])


def _read_token(token: str) -> tuple[RowKey, Any]:
    updated, row_id, latest = map(_decode, json.loads(token))
    return RowKey(updated, row_id), latest
