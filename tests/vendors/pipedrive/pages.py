"""Pages as Pipedrive cuts them: behind a cursor in version 2, behind a number of rows in version 1."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request

from tests.vendors.pipedrive.access import refusal
from tests.vendors.pipedrive.payloads import Row

MOST_V2 = 500

Body = dict[str, Any]


def span(request: Request) -> tuple[int, int]:
    """The changes asked for: from when, that second included, until when, without it."""
    since, until = (request.query_params.get(f"updated_{bound}") for bound in ("since", "until"))
    return instant(since), instant(until) if until else 2**40


def instant(text: str | None) -> int:
    """Seconds since 1970; 0 where nothing is asked for. Raises ValueError for what is no time."""
    return int(datetime.fromisoformat(text).timestamp()) if text else 0


SearchRecord = Sequence[tuple[int, int, int, Any]]
"""Records with what they can be sorted by: id, time of change, time of creation."""


def keyset(request: Request, shown: SearchRecord, make: Callable[[Any], Row]) -> Body:
    """One page of version 2, in the order asked for; its cursor is where the next begins."""
    query = request.query_params
    limit, order = int(query.get("limit", "100")), query.get("sort_by", "id")
    downwards = query.get("sort_direction", "asc") == "desc"
    if not 1 <= limit <= MOST_V2:
        raise refusal(400, f"limit must not be greater than {MOST_V2}")
    column = {"id": 0, "update_time": 1, "add_time": 2}.get(order)
    if column is None:
        raise refusal(400, "sort_by must be one of id, update_time, add_time")
    keyed = sorted(((one[column], one[0], one[3]) for one in shown), key=lambda one: one[:2], reverse=downwards)
    begin = _read_cursor(query["cursor"]) if "cursor" in query else None
    if begin is not None:
        keyed = [one for one in keyed if (one[:2] <= begin if downwards else one[:2] >= begin)]
    rows = [make(record) for *_, record in keyed[:limit]]
    following = _cursor(order, keyed[limit]) if len(keyed) > limit else None
    return success(rows, {"next_cursor": following})


def _cursor(order: str, first: tuple[int, int, Any]) -> str:
    place = {"field": order, "fieldValue": first[0], "id": first[1]}
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[int, int]:
    try:
        place = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return int(place["fieldValue"]), int(place["id"])
    except (ValueError, KeyError, TypeError):
        raise refusal(400, "the cursor is not valid") from None


def by_cursor(request: Request, rows: list[Row]) -> Body:
    """One page of a short list."""
    return keyset(request, [(row["id"], 0, 0, row) for row in rows], lambda row: row)


def skipping(request: Request, found: Sequence[Any], most: int) -> tuple[int, int, Sequence[Any]]:
    """Where a page of version 1 starts, how long it may be, and what is on it."""
    query = request.query_params
    start, limit = int(query.get("start", "0")), min(int(query.get("limit", "100")), most)
    if start < 0 or limit < 1:
        raise refusal(400, "start and limit must be numbers from 0 and 1")
    return start, limit, found[start : start + limit]


def success(rows: list[Row] | None, additional: Body | None = None) -> Body:
    """The envelope of every list."""
    body: Body = {"success": True, "data": rows}
    return body if additional is None else {**body, "additional_data": additional}
