"""Pipedrive's pagination: by cursor in version 2, by offset in version 1."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request

from tests.vendors.pipedrive.access import api_error
from tests.vendors.pipedrive.payloads import Row

MAX_LIMIT_V2 = 500

Body = dict[str, Any]


def changed_interval(request: Request) -> tuple[int, int]:
    """The interval [start, end) of changes that a request asks for, in seconds since 1970."""
    since, until = (request.query_params.get(f"updated_{bound}") for bound in ("since", "until"))
    return instant(since), instant(until) if until else 2**40


def instant(text: str | None) -> int:
    """A time in seconds since 1970, or 0 if `text` is missing. Raises ValueError for an invalid time."""
    return int(datetime.fromisoformat(text).timestamp()) if text else 0


SortableRecords = Sequence[tuple[int, int, int, Any]]
"""Records with their sort keys: (id, change time, creation time, record)."""


def keyset_page(request: Request, records: SortableRecords, build_row: Callable[[Any], Row]) -> Body:
    """One page of version 2 in the requested order; its cursor is the position of the next page."""
    query = request.query_params
    limit, sort_by = int(query.get("limit", "100")), query.get("sort_by", "id")
    descending = query.get("sort_direction", "asc") == "desc"
    if not 1 <= limit <= MAX_LIMIT_V2:
        raise api_error(400, f"limit must not be greater than {MAX_LIMIT_V2}")
    column = {"id": 0, "update_time": 1, "add_time": 2}.get(sort_by)
    if column is None:
        raise api_error(400, "sort_by must be one of id, update_time, add_time")
    keyed = sorted(((row[column], row[0], row[3]) for row in records), key=lambda row: row[:2], reverse=descending)
    position = _read_cursor(query["cursor"]) if "cursor" in query else None
    if position is not None:
        keyed = [row for row in keyed if (row[:2] <= position if descending else row[:2] >= position)]
    rows = [build_row(record) for *_, record in keyed[:limit]]
    next_cursor = _cursor(sort_by, keyed[limit]) if len(keyed) > limit else None
    return success(rows, {"next_cursor": next_cursor})


def _cursor(sort_by: str, first: tuple[int, int, Any]) -> str:
    position = {"field": sort_by, "fieldValue": first[0], "id": first[1]}
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[int, int]:
    try:
        position = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return int(position["fieldValue"]), int(position["id"])
    except (ValueError, KeyError, TypeError):
        raise api_error(400, "the cursor is not valid") from None


def list_page(request: Request, rows: list[Row]) -> Body:
    """One page of a short list."""
    return keyset_page(request, [(row["id"], 0, 0, row) for row in rows], lambda row: row)


def offset_page(request: Request, records: Sequence[Any], max_limit: int) -> tuple[int, int, Sequence[Any]]:
    """The start, the limit and the records of a page of version 1."""
    query = request.query_params
    start, limit = int(query.get("start", "0")), min(int(query.get("limit", "100")), max_limit)
    if start < 0 or limit < 1:
        raise api_error(400, "start and limit must be numbers from 0 and 1")
    return start, limit, records[start : start + limit]


def success(rows: list[Row] | None, additional: Body | None = None) -> Body:
    """The envelope of every list."""
    body: Body = {"success": True, "data": rows}
    return body if additional is None else {**body, "additional_data": additional}
