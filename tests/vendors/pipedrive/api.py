"""The company behind Pipedrive's API: version 2 by cursor, version 1 by rows to skip, and what is in bins and archives.

The costs of requests are those of the vendor's specification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.demo.company.company import DemoCompany
from exporter.demo.company.entities import DealHistory, LeadHistory, PhoneCall
from exporter.demo.company.phones import LINES
from exporter.demo.company.staff import SALES, TEAMS
from exporter.demo.responses import ApiError, json_response
from tests.vendors.pipedrive import activities, payloads
from tests.vendors.pipedrive.access import PipedriveAccess, refusal
from tests.vendors.pipedrive.pages import Body, by_cursor, instant, keyset, skipping, span, success

MOST_V1, MOST_CALL_LOGS = 500, 50
LISTED_AS_DELETED = 30 * 86_400
"""Seconds for which a deleted deal is still told."""


@dataclass
class FakePipedrive:
    """The company's account; its one token is that of the first seller."""

    company: DemoCompany
    clock: Callable[[], datetime]
    access: PipedriveAccess

    def routes(self) -> list[Route]:
        """Paths of both generations."""
        served: tuple[tuple[str, int, Callable[[Request, int], Body]], ...] = (
            ("/api/v2/deals", 10, self._deals),
            ("/api/v2/deals/archived", 20, self._archived_deals),
            ("/api/v2/persons", 10, self._persons),
            ("/api/v2/activities", 10, self._activities),
            ("/api/v2/stages", 5, lambda request, _: by_cursor(request, payloads.stages())),
            ("/api/v2/pipelines", 5, lambda request, _: by_cursor(request, payloads.pipelines())),
            ("/v1/leads", 20, lambda request, now: self._leads(request, now, archived=False)),
            ("/v1/leads/archived", 40, lambda request, now: self._leads(request, now, archived=True)),
            ("/v1/callLogs", 20, self._call_logs),
            ("/v1/users", 20, self._users),
            ("/v1/legacyTeams", 20, self._teams),
        )
        return [Route(path, self._guarded(cost, handle), methods=["GET"]) for path, cost, handle in served]

    def _guarded(self, cost: int, handle: Callable[[Request, int], Body]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            headers: Mapping[str, str] = {}
            try:
                self.access.admit(request.headers.get("x-api-token"))
                headers = self.access.spend(cost)
                now = int(self.clock().timestamp())
                self.company.advance(now)
                return json_response(200, handle(request, now), headers)
            except ApiError as error:
                return error.response()
            except ValueError:
                return json_response(400, {"success": False, "error": "Bad request", "errorCode": 400}, headers)

        return endpoint

    def _deals(self, request: Request, now: int) -> Body:
        """Without archived ones; deleted ones only where they are asked for."""
        asked = request.query_params.get("status")
        states = set(asked.split(",")) if asked else {"open", "won", "lost"}
        if not states <= {"open", "won", "lost", "deleted"}:
            raise refusal(400, "status must be one of open, won, lost, deleted")
        recent = now - LISTED_AS_DELETED
        rows = (
            (payloads.deal_changed_at(record, now), record)
            for record in self._changed_deals(request, now)
            if not _in_archive(record, now) and (not record.archived(now) or int(record.archived_at or 0) >= recent)
        )
        return self._deal_page(request, now, rows, states)

    def _archived_deals(self, request: Request, now: int) -> Body:
        rows = (
            (payloads.deal_changed_at(record, now), record)
            for record in self._changed_deals(request, now)
            if _in_archive(record, now)
        )
        return self._deal_page(request, now, rows, {"open", "won", "lost"})

    def _deal_page(self, request: Request, now: int, rows: Iterable[tuple[int, DealHistory]], states: set[str]) -> Body:
        since, until = span(request)
        kept = [(at, record) for at, record in rows if since <= at < until and _state(record, now) in states]
        shown = [(record.id, at, record.created_at, record) for at, record in kept]
        return keyset(request, shown, lambda record: payloads.deal(record, now))

    def _changed_deals(self, request: Request, now: int) -> Iterable[DealHistory]:
        """Deals that may have changed in time; being archived is a change that a deal does not know of."""
        since, _ = span(request)
        found = self.company.deals.changed_since(since - payloads.ARCHIVED_AFTER, now)
        return (record for record in found if record.exists(now))

    def _persons(self, request: Request, now: int) -> Body:
        since, until = span(request)
        found = (lead for lead in self.company.leads.changed_since(since, now) if lead.exists(now))
        shown = [
            (lead.id, at, lead.created_at, lead)
            for lead in found
            if not lead.archived(now) and since <= (at := lead.changed_at(now)) < until
        ]
        return keyset(request, shown, lambda lead: payloads.person(lead, now))

    def _activities(self, request: Request, now: int) -> Body:
        since, until = span(request)
        calls = [activities.call_made(call) for call in self.company.calls.changed_since(since, now) if _logged(call)]
        demos = [activities.demo_given(deal, now) for deal in self.company.deals.records]
        shown = [
            (one.id, at, one.planned_at, one)
            for one in (*calls, *filter(None, demos))
            if since <= (at := one.changed_at(now)) < until
        ]
        return keyset(request, shown, lambda one: activities.activity(one, now))

    def _leads(self, request: Request, now: int, *, archived: bool) -> Body:
        since = instant(request.query_params.get("updated_since")) if not archived else 0
        found = [
            lead
            for lead in self.company.leads.changed_since(since, now)
            if lead.exists(now) and not lead.archived(now) and payloads.dealt_with(lead, now) is archived
        ]
        name, _, direction = (request.query_params.get("sort") or "add_time").partition(" ")
        orders: Mapping[str, Callable[[LeadHistory], int]] = {
            "id": lambda lead: lead.id, "add_time": lambda lead: lead.created_at,
            "update_time": lambda lead: lead.changed_at(now),
        }  # fmt: skip
        if name not in orders or direction not in ("", "ASC", "DESC"):
            raise refusal(400, "sort is not a field of leads")
        found.sort(key=lambda lead: (orders[name](lead), lead.id), reverse=direction == "DESC")
        start, limit, page = skipping(request, found, MOST_V1)
        rows = [payloads.lead(lead, now) for lead in page]
        more = start + limit < len(found)
        return success(rows, {"start": start, "limit": limit, "more_items_in_collection": more})

    def _call_logs(self, request: Request, now: int) -> Body:
        """Those of the token's own user."""
        found = [call for call in self.company.calls.changed_since(0, now) if _logged(call) and call.agent == 0]
        start, limit, page = skipping(request, found, MOST_CALL_LOGS)
        pagination: Body = {"start": start, "limit": limit, "more_items_in_collection": start + limit < len(found)}
        if start + limit < len(found):
            pagination["next_start"] = start + limit
        return success([activities.call_log(call) for call in page] or None, {"pagination": pagination})

    def _users(self, request: Request, now: int) -> Body:
        day = self.clock().date()
        return success([payloads.user(member, day) for member in self.company.staff.sellers])

    def _teams(self, request: Request, now: int) -> Body:
        day = self.clock().date()
        sellers = [member for member in self.company.staff.sellers if member.works_on(day)]
        names = [name for name, department, _ in TEAMS if department == SALES]
        return success(
            [
                payloads.team(place, name, [one for one in sellers if one.team == name])
                for place, name in enumerate(names)
            ]
        )


def _logged(call: PhoneCall) -> bool:
    """Sellers have the calls they make written into the CRM."""
    return not call.inbound and call.line == LINES[2]


def _in_archive(record: DealHistory, now: int) -> bool:
    return not record.archived(now) and payloads.archived_at(record, now) is not None


def _state(record: DealHistory, now: int) -> str:
    if record.archived(now):
        return "deleted"
    return "won" if record.entered("won", now) else "lost" if record.entered("lost", now) else "open"
