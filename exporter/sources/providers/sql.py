"""The sql provider: rows of a table or query, by change column and id, read with a user that may only SELECT."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from exporter.config.sources.sql import SqlEntity, SqlOptions
from exporter.errors import InvalidRecordError, Reason, SourceRejectedError
from exporter.passes import Listing, Page, Pass
from exporter.records import Record
from exporter.sources.base import Access, SourceContext
from exporter.sources.cursor import complete_until
from exporter.sources.parsing.column_map import FieldGetter, RecordMap
from exporter.sources.provider import ProviderSource, page_of
from exporter.sources.providers.sql_connection import ROWS_AT_ONCE, may_write, rows
from exporter.sources.providers.sql_statement import Key, Selection, Statement

_DATED = re.compile(r"\d{4}-\d\d-\d\d")

Row = Sequence[Any]


def create(options: SqlOptions, context: SourceContext) -> SqlSource:
    """The source that the options describe."""
    return SqlSource(options, context)


class SqlSource(ProviderSource[SqlOptions]):
    """Each page is read in a thread; an interrupted pass goes on behind the last stored row."""

    default_lookback = timedelta(minutes=5)
    """Transactions that began earlier may commit later, behind the rows already read."""

    async def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        """All rows of a full pass by id; else what changed since the cursor, by change column and id."""
        part = self._part(sync_pass.entity)
        pages = _Reading(self._options, part, self._context, sync_pass, self._lookback).pages()
        try:
            while (page := await asyncio.to_thread(next, pages, None)) is not None:
                yield page
        finally:
            pages.close()

    async def check(self) -> tuple[Access, ...]:
        """Whether each table or query can be read, and whether the user could do more than it should."""
        return tuple([await asyncio.to_thread(self._look, part) for part in self._options.entities])

    def _look(self, part: SqlEntity) -> Access:
        try:
            with rows(self._options, self._context, Selection(part, self._options.engine).one_row()) as found:
                next(found, None)
            if part.table and may_write(self._options, self._context, part.table):
                return Access(part.entity, allowed=True, missing="the user may also write: grant no more than SELECT")
        except SourceRejectedError as error:
            return Access(part.entity, allowed=False, missing=str(error))
        return Access(part.entity, allowed=True)

    def _part(self, entity: str) -> SqlEntity:
        return next(part for part in self._options.entities if part.entity == entity)


class _Reading:
    """One pass over one entity."""

    def __init__(
        self, options: SqlOptions, part: SqlEntity, context: SourceContext, sync_pass: Pass, lookback: timedelta
    ) -> None:
        self._lookback = lookback
        self._options = options
        self._part = part
        self._context = context
        self._sync_pass = sync_pass
        self._selection = Selection(part, options.engine)
        self._places = {name: place for place, name in enumerate(self._selection.names)}
        self._map = RecordMap(part.entity, part.columns, context.zone, self._getter)
        self._incremental = bool(part.updated) and sync_pass.cursor is not None
        self._latest: Any = None

    def pages(self) -> Generator[Page, None, None]:
        """Runs in a thread. The last page carries the cursor, and in a full pass the listing."""
        with rows(self._options, self._context, self._statement()) as found:
            held: Page | None = None
            while chunk := list(islice(found, ROWS_AT_ONCE)):
                if held is not None:
                    yield held
                held = self._page(chunk)
        listing = None if self._incremental else Listing()
        last = held or Page(())
        yield Page(last.records, last.rejected, last.resume, self._cursor(), listing)

    def _statement(self) -> Statement:
        after, self._latest = _from_token(self._sync_pass.resume) if self._sync_pass.resume else (None, None)
        if not self._incremental:
            return self._selection.everything(after)
        known = _thawed(json.loads(self._sync_pass.cursor or "null"))
        self._latest = self._latest if self._latest is not None else known
        return self._selection.changes(self._since(known), after)

    def _since(self, known: Any) -> Any:
        return known - self._lookback if isinstance(known, datetime | date) else known

    def _page(self, chunk: list[Row]) -> Page:
        page = page_of(chunk, self._record)
        for row in chunk:
            self._see(row)
        last = chunk[-1]
        updated = last[self._places[self._part.updated]] if self._incremental and self._part.updated else None
        key = Key(updated, last[self._places[self._selection.id]])
        return replace(page, resume=_token(key, self._latest))

    def _see(self, row: Row) -> None:
        """Keeps the latest change, but none that a wrong clock put behind the pass's own start."""
        if self._part.updated is None:
            return
        value = row[self._places[self._part.updated]]
        moment = self._moment(value)
        if value is None or (moment is not None and moment > complete_until(self._sync_pass)):
            return
        if self._latest is None or value > self._latest:
            self._latest = value

    def _moment(self, value: Any) -> datetime | None:
        """When a row says that it changed, where that is a time: SQLite keeps times as text."""
        if isinstance(value, str) and _DATED.match(value):
            with suppress(ValueError):
                value = datetime.fromisoformat(value)
        if not isinstance(value, datetime):
            return None
        return (value if value.tzinfo else value.replace(tzinfo=self._context.zone)).astimezone(UTC)

    def _cursor(self) -> str | None:
        return None if self._latest is None else json.dumps(_frozen(self._latest))

    def _record(self, row: Row) -> Record:
        deleted = self._part.deleted
        if deleted is not None and _means_deleted(row[self._places[deleted.field]], deleted.equals):
            return self._map.tombstone(row)
        return self._map.record(row)

    def _getter(self, field: str, _optional: bool) -> FieldGetter:
        place = self._places[field]

        def get(row: Row) -> Any:
            value = row[place]
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


def _frozen(value: Any) -> list[str]:
    """A key's value as JSON that keeps its type."""
    if isinstance(value, datetime):
        return ["instant", value.isoformat()]
    if isinstance(value, date):
        return ["date", value.isoformat()]
    kind = {int: "int", float: "float", Decimal: "decimal"}.get(type(value), "text")
    return [kind, str(value)]


def _thawed(frozen: Sequence[str] | None) -> Any:
    if frozen is None:
        return None
    kinds: dict[str, Any] = {
        "instant": datetime.fromisoformat,
        "date": date.fromisoformat,
        "int": int,
        "float": float,
        "decimal": Decimal,
        "text": str,
    }
    return kinds[frozen[0]](frozen[1])


def _token(key: Key, latest: Any) -> str:
    parts = (key.updated, key.id, latest)
    return json.dumps([None if part is None else _frozen(part) for part in parts])


def _from_token(token: str) -> tuple[Key, Any]:
    updated, identity, latest = map(_thawed, json.loads(token))
    return Key(updated, identity), latest
