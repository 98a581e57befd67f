"""The company behind Pipedrive's API: version 2 with cursors, version 1 with offsets, deleted and archived records.

Request costs are those of the vendor's specification.
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
from tests.vendors.pipedrive.access import PipedriveAccess, api_error
from tests.vendors.pipedrive.pages import Body, changed_interval, instant, keyset_page, list_page, offset_page, success

MAX_LIMIT_V1, MAX_LIMIT_CALL_LOGS = 500, 50
DELETED_LISTED_FOR = 30 * 86_400
"""Seconds for which a deleted deal is listed."""


@dataclass
class FakePipedrive:
    """The company's account; its only token belongs to the first seller."""

    company: DemoCompany
    clock: Callable[[], datetime]
    access: PipedriveAccess

    def routes(self) -> list[Route]:
        """The paths of both versions."""
        endpoints: tuple[tuple[str, int, Callable[[Request, int], Body]], ...] = (
            ("/api/v2/deals", 10, self._deals),
            ("/api/v2/deals/archived", 20, self._archived_deals),
            ("/api/v2/persons", 10, self._persons),
            ("/api/v2/activities", 10, self._activities),
            ("/api/v2/stages", 5, lambda request, _: list_page(request, payloads.stages())),
            ("/api/v2/pipelines", 5, lambda request, _: list_page(request, payloads.pipelines())),
            ("/v1/leads", 20, lambda request, now: self._leads(request, now, archived=False)),
            ("/v1/leads/archived", 40, lambda request, now: self._leads(request, now, archived=True)),
            ("/v1/callLogs", 20, self._call_logs),
            ("/v1/users", 20, self._users),
            ("/v1/legacyTeams", 20, self._teams),
        )
        return [Route(path, self._guarded(cost, handle), methods=["GET"]) for path, cost, handle in endpoints]

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
        """Deals that are not archived; deleted ones only if the status asks for them."""
        status = request.query_params.get("status")
        states = set(status.split(",")) if status else {"open", "won", "lost"}
        if not states <= {"open", "won", "lost", "deleted"}:
            raise api_error(400, "status must be one of open, won, lost, deleted")
        recent = now - DELETED_LISTED_FOR
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
        since, until = changed_interval(request)
        matches = [(at, record) for at, record in rows if since <= at < until and _state(record, now) in states]
        sortable = [(record.id, at, record.created_at, record) for at, record in matches]
        return keyset_page(request, sortable, lambda record: payloads.deal(record, now))

    def _changed_deals(self, request: Request, now: int) -> Iterable[DealHistory]:
        """Deals that may have changed in the interval; archiving is a change that the deal's history does not contain."""
        since, _ = changed_interval(request)
        deals = self.company.deals.changed_since(since - payloads.ARCHIVED_AFTER, now)
        return (record for record in deals if record.exists(now))

    def _persons(self, request: Request, now: int) -> Body:
        since, until = changed_interval(request)
        leads = (lead for lead in self.company.leads.changed_since(since, now) if lead.exists(now))
        sortable = [
            (lead.id, at, lead.created_at, lead)
            for lead in leads
            if not lead.archived(now) and since <= (at := lead.changed_at(now)) < until
        ]
        return keyset_page(request, sortable, lambda lead: payloads.person(lead, now))

    def _activities(self, request: Request, now: int) -> Body:
        since, until = changed_interval(request)
        calls = [
            activities.call_activity(call) for call in self.company.calls.changed_since(since, now) if _logged(call)
        ]
        demos = [activities.demo_meeting(deal, now) for deal in self.company.deals.records]
        sortable = [
            (each.id, at, each.planned_at, each)
            for each in (*calls, *filter(None, demos))
            if since <= (at := each.changed_at(now)) < until
        ]
        return keyset_page(request, sortable, lambda each: activities.activity(each, now))

    def _leads(self, request: Request, now: int, *, archived: bool) -> Body:
        since = instant(request.query_params.get("updated_since")) if not archived else 0
        leads = [
            lead
            for lead in self.company.leads.changed_since(since, now)
            if lead.exists(now) and not lead.archived(now) and payloads.is_settled(lead, now) is archived
        ]
        name, _, direction = (request.query_params.get("sort") or "add_time").partition(" ")
        orders: Mapping[str, Callable[[LeadHistory], int]] = {
            "id": lambda lead: lead.id, "add_time": lambda lead: lead.created_at,
            "update_time": lambda lead: lead.changed_at(now),
        }  # fmt: skip
        if name not in orders or direction not in ("", "ASC", "DESC"):
            raise api_error(400, "sort is not a field of leads")
        leads.sort(key=lambda lead: (orders[name](lead), lead.id), reverse=direction == "DESC")
        start, limit, page = offset_page(request, leads, MAX_LIMIT_V1)
        rows = [payloads.lead(lead, now) for lead in page]
        has_more = start + limit < len(leads)
        return success(rows, {"start": start, "limit": limit, "more_items_in_collection": has_more})

    def _call_logs(self, request: Request, now: int) -> Body:
        """The call logs of the token's user."""
        calls = [call for call in self.company.calls.changed_since(0, now) if _logged(call) and call.agent == 0]
        start, limit, page = offset_page(request, calls, MAX_LIMIT_CALL_LOGS)
        pagination: Body = {"start": start, "limit": limit, "more_items_in_collection": start + limit < len(calls)}
        if start + limit < len(calls):
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
                payloads.team(index, name, [seller for seller in sellers if seller.team == name])
                for index, name in enumerate(names)
            ]
        )


def _logged(call: PhoneCall) -> bool:
    """Whether a call is logged in the CRM: only the calls that sellers make are."""
    return not call.inbound and call.line == LINES[2]


def _in_archive(record: DealHistory, now: int) -> bool:
    return not record.archived(now) and payloads.archived_at(record, now) is not None


def _state(record: DealHistory, now: int) -> str:
    if record.archived(now):
        return "deleted"
    return "won" if record.entered("won", now) else "lost" if record.entered("lost", now) else "open"
