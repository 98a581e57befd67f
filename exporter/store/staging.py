"""Staged pages: the records of unfinished passes, each page with the token that resumes after it.

A page is stored as one JSON text with a list per column. Columnar JSON is half the size of rows, DuckDB unfolds it
twice as fast, and binding one parameter per value costs five times as much.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any

import duckdb
import orjson

from exporter.passes import Page
from exporter.records import ColumnKind, Record, columns
from exporter.store.schema import table_columns

INSERT_PAGE = "INSERT INTO pages VALUES (?, ?, ?, ?, FALSE, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a pass stages its pages: each entity of a source has one slot for full passes and one for incremental ones.

    So a full pass that takes hours can pause at a page while the newest changes are read and published.
    """

    source: str
    entity: str
    full: bool

    @property
    def key(self) -> list[object]:
        """Values for `source = ? AND entity = ? AND whole = ?`."""
        return [self.source, self.entity, self.full]


def page_values(slot: Slot, number: int, page: Page) -> list[object]:
    """The values for INSERT_PAGE; pages are numbered in order of arrival over all slots.

    The ids of rejected records are stored as present, so that no listing marks these records as deleted.
    """
    present = [error.record_id for error in page.rejected if error.record_id is not None]
    present_json = orjson.dumps(present).decode() if present else None
    records_json = payload(slot.entity, page.records) if page.records else None
    unnamed = len(page.rejected) - len(present)
    return [*slot.key, number, len(page.records), page.resume, present_json, records_json, unnamed]


def last_page(connection: duckdb.DuckDBPyConnection) -> int:
    """The highest number of a staged page, 0 if there is none."""
    row = connection.execute("SELECT max(page) FROM pages").fetchone()
    return (row[0] or 0) if row else 0


def progress(connection: duckdb.DuckDBPyConnection, slot: Slot) -> tuple[int, str | None]:
    """The number of records that the slot's own pass staged, and the resume token of its last page."""
    row = connection.execute(
        "SELECT coalesce(sum(records), 0)::BIGINT, arg_max(coalesce(resume, ''), page) FROM pages"
        " WHERE source = ? AND entity = ? AND whole = ? AND NOT visiting",
        slot.key,
    ).fetchone()
    records, resume = row or (0, None)
    return records, resume or None


def clear(connection: duckdb.DuckDBPyConnection, slot: Slot) -> None:
    """Deletes the slot's pages."""
    connection.execute("DELETE FROM pages WHERE source = ? AND entity = ? AND whole = ?", slot.key)


def hand_over(connection: duckdb.DuckDBPyConnection, slot: Slot) -> None:
    """Moves the slot's pages to the unfinished full pass, as visiting pages.

    Otherwise the full pass, whose listing began earlier, would mark what was just published as deleted or outdated.
    """
    connection.execute(
        "UPDATE pages SET whole = TRUE, visiting = TRUE WHERE source = ? AND entity = ? AND whole = ?", slot.key
    )


def payload(entity: str, records: Sequence[Record]) -> str:
    """The records as `{column: [value, ...]}`; a column without any value is null.

    Raises ValueError for an instant without a time zone.
    """
    names, getter, instants = _plan(entity)
    content = dict(zip(names, map(list, zip(*map(getter, records), strict=True)), strict=True))
    for name in instants:
        content[name] = [value if value is None else _utc(value) for value in content[name]]
    content["attributes"] = [_attributes_json(value) for value in content["attributes"]]
    sparse = {name: None if values.count(None) == len(values) else values for name, values in content.items()}
    try:
        return orjson.dumps(sparse, default=_decimal_text).decode()
    except orjson.JSONEncodeError:  # a lone surrogate
        clean = {
            name: values and [_unicode(value) if isinstance(value, str) else value for value in values]
            for name, values in sparse.items()
        }
        return orjson.dumps(clean, default=_decimal_text).decode()


def payload_structure(entity: str) -> str:
    """The payload's structure, in the format of DuckDB's from_json."""
    return orjson.dumps({name: [sql_type] for name, sql_type in table_columns(entity)[1:]}).decode()


@cache
def _plan(entity: str) -> tuple[tuple[str, ...], Callable[[Record], tuple[Any, ...]], tuple[str, ...]]:
    names = tuple(name for name, _ in table_columns(entity)[1:])
    instants = tuple(c.name for c in columns(entity) if c.kind is ColumnKind.INSTANT)
    return names, attrgetter(*names), ("updated_at", *instants)


def _utc(value: datetime) -> datetime:
    # DuckDB drops the offset when it reads a TIMESTAMP, so it must be zero
    if value.tzinfo is UTC:
        return value
    if value.tzinfo is None:
        raise ValueError("an instant without a time zone cannot be stored")
    return value.astimezone(UTC)


def _attributes_json(attributes: Mapping[str, str]) -> str:
    if not attributes:
        return "{}"
    try:
        return orjson.dumps(dict(attributes), option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:
        clean = {_unicode(key): _unicode(text) for key, text in attributes.items()}
        return orjson.dumps(clean, option=orjson.OPT_SORT_KEYS).decode()


def _decimal_text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} cannot be stored")


def _unicode(text: str) -> str:
    """The text with lone surrogates replaced, which no database accepts."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
