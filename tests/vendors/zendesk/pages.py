"""Zendesk's pagination: exports with a cursor that never ends, lists with one that does."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request

from tests.vendors.zendesk.access import api_error

MAX_EXPORT_PAGE, MAX_LIST_PAGE = 1000, 100
EXPORT_DELAY = 60
"""Exports omit the changes of this many seconds before now."""

Body = dict[str, Any]


def epoch(text: str) -> int:
    """A Zendesk time in seconds since 1970."""
    return int(datetime.fromisoformat(text).timestamp())


def start_time(request: Request, now: int) -> int:
    """The second from which changes are requested. Raises ApiError if it is missing or too recent."""
    start = int(request.query_params["start_time"]) if "start_time" in request.query_params else None
    if start is None:
        raise api_error(400, "StartTimeMissing", "start_time must be given")
    if start > now - EXPORT_DELAY:
        raise api_error(422, "InvalidValue", "Too recent start_time. Use a start_time older than 60 seconds")
    return start


def export_position(request: Request, now: int) -> tuple[int, tuple[int, int]]:
    """The start second and the last exported (second, id) of an export: given by the start time first, then by the cursor."""
    text = request.query_params.get("cursor")
    if text is None:
        start = start_time(request, now)
        return start, (start, -1)
    if "start_time" in request.query_params:
        raise api_error(400, "InvalidValue", "one of cursor and start_time")
    try:
        at, key = orjson.loads(base64.urlsafe_b64decode(text))
        return int(at), (int(at), int(key))
    except (ValueError, TypeError):
        raise api_error(400, "InvalidCursor", "the cursor is not valid") from None


def export_page(
    request: Request,
    name: str,
    keyed: Iterable[tuple[int, int, Any]],
    row: Callable[[Any], Body],
    position: tuple[int, int],
    now: int,
) -> Body:
    """One page of an export in order of (change, id); at the end of the stream the cursor stays the same."""
    size = int(request.query_params.get("per_page", str(MAX_EXPORT_PAGE)))
    if not 1 <= size <= MAX_EXPORT_PAGE:
        raise api_error(400, "InvalidValue", f"per_page must be at most {MAX_EXPORT_PAGE}")
    remaining = sorted(
        (record for record in keyed if position < record[:2] and record[0] <= now - EXPORT_DELAY),
        key=lambda record: record[:2],
    )
    page = remaining[:size]
    cursor = base64.urlsafe_b64encode(orjson.dumps(page[-1][:2] if page else position)).decode()
    end_of_stream = len(remaining) <= size
    return {
        name: [row(record) for *_, record in page],
        "after_cursor": cursor,
        "before_cursor": None,
        "end_of_stream": end_of_stream,
    }


def list_page(request: Request, name: str, rows: Sequence[Body]) -> Body:
    """One page of a list by cursor."""
    size, start = (
        int(request.query_params.get(f"page[{key}]", str(value))) for key, value in (("size", 100), ("after", 0))
    )
    if not 1 <= size <= MAX_LIST_PAGE:
        raise api_error(400, "InvalidPaginationParameter", f"page[size] must be at most {MAX_LIST_PAGE}")
    end = start + size
    return {
        name: rows[start:end],
        "meta": {"has_more": end < len(rows), "after_cursor": str(end), "before_cursor": None},
    }
