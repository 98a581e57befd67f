"""The company's books behind Stripe's API: lists newest first, single objects, and events."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.demo.responses import ApiError, json_response
from tests.vendors.stripe.access import VERSION, StripeAccess, invalid, missing
from tests.vendors.stripe.books import Books
from tests.vendors.stripe.lists import ALL, LISTS, ListedObject

MAX_PAGE_SIZE = 100
RESOURCES = frozenset(LISTS)

_BOUNDS: Mapping[str, Callable[[int, int], bool]] = {
    "created[gt]": operator.gt, "created[gte]": operator.ge, "created[lt]": operator.lt, "created[lte]": operator.le,
}  # fmt: skip

Row = dict[str, Any]


@dataclass
class FakeStripe:
    """The account, with one customer for each contract."""

    books: Books
    clock: Callable[[], datetime]
    access: StripeAccess

    def routes(self) -> list[Route]:
        """The paths below the base URL."""
        paths = ("/v1/{resource}", "/v1/{resource}/{key}")
        return [Route(path, self._endpoint, methods=["GET"]) for path in paths]

    async def _endpoint(self, request: Request) -> Response:
        resource = request.path_params["resource"]
        try:
            if resource not in LISTS:
                raise missing("resource", resource)
            self.access.admit(request.headers, resource)
            body = self._respond(request, resource)
        except ApiError as error:
            return error.response()
        return json_response(200, body, {"Stripe-Version": request.headers.get("stripe-version", VERSION)})

    def _respond(self, request: Request, resource: str) -> Row:
        now = int(self.clock().timestamp())
        self.books.advance(now)
        key, query = request.path_params.get("key"), request.query_params
        if key is None:
            return _page(request.url.path, LISTS[resource](self.books, now, query), query)
        all_statuses = QueryParams([*query.multi_items(), ("status", ALL)])
        build = next(
            (
                build_row
                for object_id, _, build_row in LISTS[resource](self.books, now, all_statuses)
                if object_id == key
            ),
            None,
        )
        if build is None:
            raise missing(resource.rstrip("s"), key)
        return build()


def _page(url: str, objects: Sequence[ListedObject], query: QueryParams) -> Row:
    limit, after = query.get("limit", "10"), query.get("starting_after")
    if not limit.isdecimal() or not 1 <= int(limit) <= MAX_PAGE_SIZE:
        raise invalid(f"This value must be from 1 to {MAX_PAGE_SIZE}", param="limit")
    bounds = [(compare, _integer(query[name], name)) for name, compare in _BOUNDS.items() if name in query]
    rows = [item for item in objects if all(compare(item[1], bound) for compare, bound in bounds)]
    indexes = {object_id: index for index, (object_id, _, _) in enumerate(rows)}
    if after is not None and after not in indexes:
        raise invalid(f"No such object: '{after}'", param="starting_after", code="resource_missing")
    first = 0 if after is None else indexes[after] + 1
    page = rows[first : first + int(limit)]
    has_more = first + len(page) < len(rows)
    return {"object": "list", "url": url, "data": [build_row() for _, _, build_row in page], "has_more": has_more}


def _integer(text: str, name: str) -> int:
    if not text.isdecimal():
        raise invalid("Invalid integer", param=name)
    return int(text)
