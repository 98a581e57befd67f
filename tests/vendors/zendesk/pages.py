"""Pages as Zendesk cuts them: exports behind a cursor that never ends, lists behind one that does."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request

from tests.vendors.zendesk.access import refusal

MOST_EXPORTED, MOST_LISTED = 1000, 100
WITHHELD = 60
"""Seconds of the latest changes that an export leaves out."""

Body = dict[str, Any]


def epoch(text: str) -> int:
    """Seconds since 1970 of a time as Zendesk writes it."""
    return int(datetime.fromisoformat(text).timestamp())


def start_time(request: Request, now: int) -> int:
    """The second from which changes are asked for; raises ApiError where it is missing or too recent."""
    start = int(request.query_params["start_time"]) if "start_time" in request.query_params else None
    if start is None:
        raise refusal(400, "StartTimeMissing", "start_time must be given")
    if start > now - WITHHELD:
        raise refusal(422, "InvalidValue", "Too recent start_time. Use a start_time older than 60 seconds")
    return start


def position(request: Request, now: int) -> tuple[int, tuple[int, int]]:
    """From which second an export goes on, and behind which row; a start time comes once, then a cursor."""
    text = request.query_params.get("cursor")
    if text is None:
        start = start_time(request, now)
        return start, (start, -1)
    if "start_time" in request.query_params:
        raise refusal(400, "InvalidValue", "one of cursor and start_time")
    try:
        at, key = orjson.loads(base64.urlsafe_b64decode(text))
        return int(at), (int(at), int(key))
    except (ValueError, TypeError):
        raise refusal(400, "InvalidCursor", "the cursor is not valid") from None


def exported(
    request: Request,
    name: str,
    keyed: Iterable[tuple[int, int, Any]],
    row: Callable[[Any], Body],
    place: tuple[int, int],
    now: int,
) -> Body:
    """One page of an export by (change, id); the cursor stays where the stream ends."""
    size = int(request.query_params.get("per_page", str(MOST_EXPORTED)))
    if not 1 <= size <= MOST_EXPORTED:
        raise refusal(400, "InvalidValue", f"per_page must be at most {MOST_EXPORTED}")
    behind = sorted((one for one in keyed if place < one[:2] and one[0] <= now - WITHHELD), key=lambda one: one[:2])
    page = behind[:size]
    cursor = base64.urlsafe_b64encode(orjson.dumps(page[-1][:2] if page else place)).decode()
    ended = len(behind) <= size
    return {name: [row(one) for *_, one in page], "after_cursor": cursor, "before_cursor": None, "end_of_stream": ended}


def listed(request: Request, name: str, rows: Sequence[Body]) -> Body:
    """One page of a list by cursor."""
    size, start = (
        int(request.query_params.get(f"page[{key}]", str(value))) for key, value in (("size", 100), ("after", 0))
    )
    if not 1 <= size <= MOST_LISTED:
        raise refusal(400, "InvalidPaginationParameter", f"page[size] must be at most {MOST_LISTED}")
    end = start + size
    return {
        name: rows[start:end],
        "meta": {"has_more": end < len(rows), "after_cursor": str(end), "before_cursor": None},
    }
