"""Posted bodies: JSON or CSV becomes numbered rows, and the rows of one entity become records."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any

from exporter.config.sources.base import ColumnSource
from exporter.config.sources.push import PushEntity
from exporter.errors import InvalidRecordError, PostError, Reason, SourceError
from exporter.records import Record, columns
from exporter.sources.http.body import parse_json
from exporter.sources.parsing import convert
from exporter.sources.parsing.column_map import RecordMap
from exporter.sources.parsing.json_path import getter
from exporter.sources.parsing.plausibility import find_implausible
from exporter.sources.parsing.rows import ParsedRows, parse_rows
from exporter.sources.providers.csv_table import UNDECODED, CsvTable

MAX_BYTES = 1024 * 1024
"""The largest body."""

MAX_ROWS = 10_000
"""The most records in one post."""

ENTITY, DELETED, ATTRIBUTES = "entity", "deleted", "attributes"
"""Fields with a fixed meaning in every record, beside the columns of its entity."""

NumberedRow = tuple[int, Any]
"""A row with its number: its position in a JSON list, from 1, or its line in a CSV."""

RejectedRows = dict[int, InvalidRecordError]
"""Row numbers to the reason for the rejection."""


@dataclass(frozen=True, slots=True)
class Post:
    """A body and what its address says about it.

    `entity` is None if each record names its entity. `complete` says that the post lists every record there is.
    """

    body: bytes
    is_csv: bool = False
    entity: str | None = None
    complete: bool = False


@dataclass(frozen=True, slots=True)
class BodyRows:
    """The rows of a body, in order, and those that cannot be read."""

    rows: list[NumberedRow]
    rejected: RejectedRows = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EntityRecords:
    """The rows of one entity as records, each with the number of its row, and the rejected rows."""

    records: tuple[tuple[int, Record], ...] = ()
    rejected: RejectedRows = field(default_factory=dict)


def read_rows(post: Post) -> BodyRows:
    """The rows of a body. Raises PostError if it is not JSON or CSV in UTF-8, or has too many rows."""
    content = _csv_rows(post.body) if post.is_csv else _json_rows(post.body)
    if len(content.rows) + len(content.rejected) > MAX_ROWS:
        raise PostError(Reason.TOO_LARGE, f"more than {MAX_ROWS} records: send them in several posts")
    return content


def _json_rows(body: bytes) -> BodyRows:
    try:
        content = parse_json(body, "application/json")
    except SourceError:
        raise PostError(Reason.NOT_JSON, "the body is not valid JSON in UTF-8, or is nested too deeply") from None
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        raise PostError(Reason.SCHEMA, "the body is neither an object, which is one record, nor a list of objects")
    rows = list(enumerate(content, 1))
    if b"\\u" not in body:
        return BodyRows(rows)
    rejected = {
        number: InvalidRecordError(Reason.BAD_TYPE, "record", str(number))
        for number, row in rows
        if not _is_unicode(row)
    }
    return BodyRows([(number, row) for number, row in rows if number not in rejected], rejected)


def _is_unicode(row: Any) -> bool:
    """False if the row has a lone surrogate, or is nested too deeply to check.

    No database stores a lone surrogate, and replacing it in an id could make two ids equal.
    """
    try:
        json.dumps(row, ensure_ascii=False, default=str).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _csv_rows(body: bytes) -> BodyRows:
    text = io.StringIO(body.decode("utf-8-sig", UNDECODED), newline="")
    content = BodyRows([])
    try:
        table = CsvTable("the CSV", csv.reader(text, strict=True))
        headers = [header for header in table.headers if header]
        if len(set(headers)) < len(headers):
            raise PostError(Reason.SCHEMA, "the CSV has the same header more than once")
        ids = ("id",) if "id" in table.headers else ()
        for chunk in table.chunks():
            fitting, errors = table.split(chunk, ids)
            content.rows.extend((line, dict(zip(table.headers, row, strict=False))) for row, line in fitting)
            for error in errors:
                number = int(error.where.removeprefix("line "))
                # an id is certain only if it could be decoded
                certain = error.record_id is not None and error.record_id.isprintable()
                record_id = convert.identifier(error.record_id) if certain else None
                # the field of the error may quote the header, which is the sender's text
                content.rejected[number] = InvalidRecordError(error.reason, "line", str(number), record_id)
    except SourceError as error:
        raise PostError(Reason.SCHEMA, str(error)) from None
    return content


class EntityParser:
    """Converts the rows of one entity to records, by the `columns` of the config or by field name.

    Without `columns`, fields that are not columns of the entity become attributes.
    """

    def __init__(self, options: PushEntity, zone: tzinfo) -> None:
        names = ("id", "updated_at", *(column.name for column in columns(options.entity)))
        by_name = {name: ColumnSource.model_validate({"from": name, "optional": True}) for name in names}
        self.is_mapped = options.columns is not None
        self._field_names = frozenset((*names, ENTITY, DELETED, ATTRIBUTES))
        self._map = RecordMap(options.entity, options.columns or by_name, zone, getter)

    def parse(self, rows: Sequence[NumberedRow], now: datetime) -> EntityRecords:
        """The rows, which are mappings, as records that are plausible at `now`, in order."""
        rejected: RejectedRows = {}
        present: list[NumberedRow] = []
        deleted: list[NumberedRow] = []
        attributes: dict[int, dict[str, str]] = {}
        for number, row in rows:
            try:
                (deleted if convert.flag(row.get(DELETED), DELETED) else present).append((number, row))
                attributes[number] = {} if self.is_mapped else self._attributes(row)
            except InvalidRecordError as error:
                rejected[number] = InvalidRecordError(error.reason, error.field, str(number), self._id(row))
        records = [
            (number, replace(record, attributes=attributes[number]) if attributes[number] else record)
            for number, record in _converted(present, rejected, self._map.parse)
        ]
        records += _converted(deleted, rejected, lambda rows, where: parse_rows(rows, self._map.tombstone, where))
        records.sort(key=lambda numbered: numbered[0])
        for index, fault in find_implausible([record for _, record in records], now).items():
            number = records[index][0]
            rejected[number] = InvalidRecordError(fault.reason, fault.field, str(number), fault.record_id)
        return EntityRecords(tuple(numbered for numbered in records if numbered[0] not in rejected), rejected)

    def _id(self, row: Mapping[str, Any]) -> str | None:
        """The id of a rejected row if it is certain, so that a complete list does not delete its record."""
        try:
            return None if self.is_mapped else convert.identifier(row.get("id"))
        except InvalidRecordError:
            return None

    def _attributes(self, row: Mapping[str, Any]) -> dict[str, str]:
        nested = row.get(ATTRIBUTES) or {}
        if not isinstance(nested, Mapping):
            raise InvalidRecordError(Reason.BAD_TYPE, ATTRIBUTES)
        fields = {name: value for name, value in row.items() if name not in self._field_names} | dict(nested)
        texts = {convert.text(name, ATTRIBUTES): convert.text(value, ATTRIBUTES) for name, value in fields.items()}
        return {name: value for name, value in texts.items() if name is not None and value is not None}


def _converted(
    rows: Sequence[NumberedRow],
    rejected: RejectedRows,
    convert_all: Callable[[list[Any], Callable[[int], str]], ParsedRows],
) -> list[tuple[int, Record]]:
    """The rows that are not yet rejected as records; adds the rejections of `convert_all` to `rejected`."""
    remaining = [(number, row) for number, row in rows if number not in rejected]
    numbers = [number for number, _ in remaining]
    result = convert_all([row for _, row in remaining], lambda position: str(numbers[position - 1]))
    rejected.update((int(error.where), error) for error in result.rejected)
    return list(zip((number for number in numbers if number not in rejected), result.records, strict=True))
