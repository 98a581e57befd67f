"""A fake HubSpot CRM API: lists, search, owners, pipelines and tokens, under v3 and dated versions."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.demo.company.company import DemoCompany, Timeline
from exporter.demo.company.entities import PhoneCall, RecordHistory
from exporter.demo.company.phones import LINES
from exporter.demo.hubspot import payloads
from exporter.demo.hubspot.access import HubspotAccess, refusal
from exporter.demo.hubspot.search import InvalidSearchError, SearchRecord, cut, matching, since_of
from exporter.demo.responses import ApiError, json_response

MAX_PAGE_SIZE = 100
OWNERS_SCOPE = "crm.objects.owners.read"

_VERSION = re.compile(r"v3|\d{4}-\d{2}")

Handler = Callable[[Request], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class ObjectType:
    """A type of CRM object: its records, their properties, and the scope that may read them."""

    timeline: Callable[[DemoCompany], Timeline[Any]]
    properties: Callable[[Any, int], payloads.Properties]
    scope: str
    created: str = "createdate"
    modified: str = "hs_lastmodifieddate"
    included: Callable[[Any], bool] = lambda _: True


def _logged(call: PhoneCall) -> bool:
    """The CRM logs the calls that sellers make."""
    return not call.inbound and call.line == LINES[2]


_DEALS = ObjectType(lambda company: company.deals, payloads.deal, "crm.objects.deals.read")
_TICKETS = ObjectType(lambda company: company.tickets, payloads.ticket, "tickets")
_CONTACTS = ObjectType(
    lambda company: company.leads, payloads.contact, "crm.objects.contacts.read", modified="lastmodifieddate"
)
_LEADS = ObjectType(lambda company: company.leads, payloads.lead, "crm.objects.leads.read", created="hs_createdate")
_CALLS = ObjectType(
    lambda company: company.calls, payloads.call, "crm.objects.contacts.read", created="hs_createdate",
    included=_logged,
)  # fmt: skip
TYPES: Mapping[str, ObjectType] = {
    "deals": _DEALS, "0-3": _DEALS, "tickets": _TICKETS, "0-5": _TICKETS, "contacts": _CONTACTS, "0-1": _CONTACTS,
    "leads": _LEADS, "0-136": _LEADS, "calls": _CALLS, "0-48": _CALLS,
}  # fmt: skip
SCOPES = frozenset({OWNERS_SCOPE, *(kind.scope for kind in TYPES.values())})


@dataclass
class FakeHubspot:
    """The API of one account; the search index is `lag` behind."""

    company: DemoCompany
    clock: Callable[[], datetime]
    access: HubspotAccess
    lag: timedelta = timedelta(seconds=8)

    def routes(self) -> list[Route]:
        """Routes below the base URL."""
        endpoints: tuple[tuple[str, str, Handler, str], ...] = (
            ("objects", "/{kind}", self._list, "GET"),
            ("objects", "/{kind}/search", self._search, "POST"),
            ("owners", "", self._owners, "GET"),
            ("pipelines", "/{kind}", self._pipelines, "GET"),
        )
        paths = [
            Route(path, self._guarded(handle), methods=[method])
            for area, suffix, handle, method in endpoints
            for path in (f"/crm/v3/{area}{suffix}", f"/crm/{area}/{{version}}{suffix}")
        ]
        return [*paths, Route("/oauth/{version}/token", self._responding(self._token), methods=["POST"])]

    def _responding(self, handle: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return json_response(200, await handle(request))
            except ApiError as error:
                return error.response()

        return endpoint

    def _guarded(self, handle: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def admitted(request: Request) -> dict[str, Any]:
            if not _VERSION.fullmatch(request.path_params.get("version", "v3")):
                raise refusal(404, "OBJECT_NOT_FOUND", "no such version")
            kind = TYPES.get(request.path_params.get("kind", ""))
            self.access.admit(request.headers.get("authorization", ""), kind.scope if kind else OWNERS_SCOPE)
            return await handle(request)

        async def limited(request: Request) -> Response:
            try:
                searching = request.url.path.endswith("/search")
                headers = self.access.count_search() if searching else self.access.count()
            except ApiError as error:
                return error.response()
            response = await self._responding(admitted)(request)
            response.headers.update(headers)
            return response

        return limited

    def _now(self) -> int:
        now = int(self.clock().timestamp())
        self.company.advance(now)
        return now

    async def _list(self, request: Request) -> dict[str, Any]:
        kind, query, now = _kind(request), request.query_params, self._now()
        limit = int(query.get("limit", "10"))
        if not 1 <= limit <= MAX_PAGE_SIZE:
            raise refusal(400, "VALIDATION_ERROR", f"limit must be between 1 and {MAX_PAGE_SIZE}")
        archived = query.get("archived") == "true"
        records = kind.timeline(self.company).from_id(int(query.get("after", "0")))
        page = list(islice(_with_properties(kind, records, now, archived), limit + 1))
        names = frozenset(query.get("properties", "").split(","))
        results = [_result(kind, record, properties, names) for record, properties in page[:limit]]
        return _paged(results, str(page[limit][0].id) if len(page) > limit else None)

    async def _search(self, request: Request) -> dict[str, Any]:
        kind, indexed = _kind(request), self._now() - int(self.lag.total_seconds())
        try:
            body = orjson.loads(await request.body())
            records = kind.timeline(self.company).changed_since(since_of(body, kind.modified) or 0, indexed)
            matches = matching(list(_with_properties(kind, records, indexed, archived=False)), body)
            page, after = cut(matches, body)
        except (InvalidSearchError, orjson.JSONDecodeError) as error:
            raise refusal(400, "VALIDATION_ERROR", str(error)) from None
        names = frozenset(body.get("properties") or ())
        results = [_result(kind, record, properties, names) for record, properties in page]
        return {"total": len(matches), **_paged(results, after)}

    async def _owners(self, request: Request) -> dict[str, Any]:
        query, day = request.query_params, self.clock().date()
        archived = query.get("archived") == "true"
        people = [member for member in self.company.people if member.works_on(day) is not archived]
        owners = [payloads.owner(member, archived) for member in people]
        owners += [] if archived else [payloads.queue()]
        first, limit = int(query.get("after", "0")), int(query.get("limit", "100"))
        page = [owner for owner in owners if int(owner["id"]) >= first]
        return _paged(page[:limit], page[limit]["id"] if len(page) > limit else None)

    async def _pipelines(self, request: Request) -> dict[str, Any]:
        pipelines = payloads.pipelines(request.path_params["kind"])
        if pipelines is None:
            raise refusal(404, "OBJECT_NOT_FOUND", "no pipelines of this type")
        return {"results": pipelines}

    async def _token(self, request: Request) -> dict[str, Any]:
        return self.access.issue(await request.body())


def _kind(request: Request) -> ObjectType:
    kind = TYPES.get(request.path_params["kind"])
    if kind is None:
        raise refusal(404, "OBJECT_NOT_FOUND", "unknown object type")
    return kind


def _with_properties(kind: ObjectType, records: Iterable[Any], now: int, archived: bool) -> Iterator[SearchRecord]:
    """Existing records with their properties; archived ones no longer change."""
    for record in records:
        if kind.included(record) and record.exists(now) and record.archived(now) is archived:
            as_of = record.archived_at if archived else now
            properties = {**kind.properties(record, as_of), "hs_object_id": str(record.id)}
            yield record, {**properties, "archived_at": payloads.iso(record.archived_at)} if archived else properties


def _result(
    kind: ObjectType, record: RecordHistory, properties: Mapping[str, str | None], names: frozenset[str]
) -> dict[str, Any]:
    always = {kind.created, kind.modified, "hs_object_id"}
    archived_at = properties.get("archived_at")
    return {
        "id": str(record.id),
        "properties": {name: properties.get(name) for name in sorted(always | (names & properties.keys()))},
        "createdAt": properties[kind.created],
        "updatedAt": properties[kind.modified],
        "archived": archived_at is not None,
        **({"archivedAt": archived_at} if archived_at else {}),
    }


def _paged(results: list[dict[str, Any]], after: str | None) -> dict[str, Any]:
    return {"results": results} if after is None else {"results": results, "paging": {"next": {"after": after}}}
