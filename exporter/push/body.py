"""What is posted: a body of JSON or CSV, and the rows in it, each with its number."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.errors import InvalidRecordError, PostError, Reason, SourceError
from exporter.sources.http.body import parse_json
from exporter.sources.parsing import convert
from exporter.sources.providers.csv_table import UNDECODED, Table

MOST_BYTES = 1024 * 1024
"""Largest body."""

MOST_ROWS = 10_000
"""Most records of one post."""

Numbered = tuple[int, Any]
"""A row's number and its content: the n-th of a JSON list, or the line of a CSV."""

Refused = dict[int, InvalidRecordError]
"""A row's number to why it cannot be taken."""


@dataclass(frozen=True, slots=True)
class Post:
    """A body and what its address says of it.

    `entity` is None where each record names its own. `complete` says that all there is was sent.
    """

    body: bytes
    is_csv: bool = False
    entity: str | None = None
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """What a body holds, in order."""

    rows: list[Numbered]
    refused: Refused = field(default_factory=dict)


def rows_of(post: Post) -> Rows:
    """The rows of a body. Raises PostError where it is not JSON or CSV in UTF-8, or holds too many."""
    rows = _csv_rows(post.body) if post.is_csv else _json_rows(post.body)
    if len(rows.rows) + len(rows.refused) > MOST_ROWS:
        raise PostError(Reason.TOO_LARGE, f"more than {MOST_ROWS} records: send them in several posts")
    return rows


def _json_rows(body: bytes) -> Rows:
    try:
        content = parse_json(body, "application/json")
    except SourceError:
        raise PostError(Reason.NOT_JSON, "the body is not whole JSON in UTF-8, or is nested too deep") from None
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        raise PostError(Reason.SCHEMA, "the body is neither an object, which is a record, nor a list of them")
    if b"\\u" not in body:
        return Rows(list(enumerate(content, 1)))
    refused = {
        number: InvalidRecordError(Reason.BAD_TYPE, "record", str(number))
        for number, row in enumerate(content, 1)
        if not _is_unicode(row)
    }
    return Rows([(number, row) for number, row in enumerate(content, 1) if number not in refused], refused)


def _is_unicode(row: Any) -> bool:
    """False for text that holds half a surrogate pair: no database takes it, and mending an id might join two.

    Also for what is nested so deep that nobody can tell.
    """
    try:
        json.dumps(row, ensure_ascii=False, default=str).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _csv_rows(body: bytes) -> Rows:
    text = io.StringIO(body.decode("utf-8-sig", UNDECODED), newline="")
    try:
        table = Table("the CSV", csv.reader(text, strict=True))
        named = [header for header in table.headers if header]
        if len(set(named)) < len(named):
            raise PostError(Reason.SCHEMA, "the CSV has a header more than once")
        return _fitting(table)
    except SourceError as error:
        raise PostError(Reason.SCHEMA, str(error)) from None


def _fitting(table: Table) -> Rows:
    found = Rows([])
    ids: Sequence[str] = ("id",) if "id" in table.headers else ()
    for chunk in table.chunks():
        fitting, odd = table.fitting(chunk, ids)
        found.rows.extend((line, _named(table.headers, row)) for row, line in fitting)
        for error in odd:
            number = int(error.where.removeprefix("line "))
            # not the header's text, which is the sender's
            found.refused[number] = InvalidRecordError(error.reason, "line", str(number), _certain(error.record_id))
    return found


def _certain(record_id: str | None) -> str | None:
    """The id as a record would have it; None where its bytes are not in the encoding."""
    return convert.text(record_id, "id") if record_id is not None and record_id.isprintable() else None


def _named(headers: Sequence[str], row: Sequence[str]) -> Mapping[str, str]:
    return dict(zip(headers, row, strict=False))
