"""A fake Aircall API: calls, users and teams, with its pagination, its silent cap and its rate limit."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.demo.company.company import DemoCompany
from exporter.demo.company.entities import PhoneCall
from exporter.demo.company.phones import LINES, TOPICS
from exporter.demo.company.staff import TEAMS, Employee
from exporter.demo.responses import RequestLimit, json_response

CAP = 10_000
MAX_PAGE_SIZE = 50
USER_BASE, TEAM_BASE, LINE_BASE, TAG_BASE = 1_520_000, 88_200, 430_100, 61_000

PageOf = Callable[[int, int], list[dict[str, Any]]]
"""The items from the first index up to the last one, exclusive."""


@dataclass
class FakeAircall:
    """The API of one account; `api_id` and `api_token` are the expected basic credentials."""

    company: DemoCompany
    clock: Callable[[], datetime]
    api_id: str
    api_token: str
    allowance: RequestLimit = field(default_factory=lambda: RequestLimit(6000, 60))

    def routes(self) -> list[Route]:
        """Routes below the base URL, which ends in /v1."""
        handlers: dict[str, Callable[[Request], dict[str, Any]]] = {
            "/ping": lambda _: {"ping": "pong"},
            "/calls": self._calls,
            "/users": self._users,
            "/teams": self._teams,
        }
        return [Route(path, self._guarded(handle), methods=["GET"]) for path, handle in handlers.items()]

    def _guarded(self, handle: Callable[[Request], dict[str, Any]]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            expected = base64.b64encode(f"{self.api_id}:{self.api_token}".encode()).decode()
            authorization = request.headers.get("authorization")
            if not authorization:
                return json_response(401, {"message": "Unauthorized"})
            if authorization != f"Basic {expected}":
                return json_response(403, {"message": "Forbidden"})
            now = self.clock().timestamp()
            allowed = self.allowance.take(now)
            headers = {
                "X-AircallApi-Limit": str(self.allowance.limit),
                "X-AircallApi-Remaining": str(self.allowance.remaining),
                "X-AircallApi-Reset": str(int(self.allowance.resets_at())),
            }
            if not allowed:
                return json_response(429, {"error": "Too Many Requests"}, headers)
            try:
                return json_response(200, handle(request), headers)
            except ValueError:
                return json_response(400, {"error": "Bad Request", "troubleshoot": "a parameter is not valid"}, headers)

        return endpoint

    def _calls(self, request: Request) -> dict[str, Any]:
        now = int(self.clock().timestamp())
        self.company.advance(now)
        query = request.query_params
        low, high = self.company.calls_between(int(query.get("from", "0")), min(now, int(query.get("to", now))))
        ascending = query.get("order", "asc") != "desc"

        def calls_page(first: int, last: int) -> list[dict[str, Any]]:
            records = self.company.calls.records
            calls = records[low + first : low + last] if ascending else records[high - last : high - first][::-1]
            return [self._call(call, now) for call in calls]

        return _page(request, "calls", high - low, calls_page)

    def _users(self, request: Request) -> dict[str, Any]:
        users = [_user(member) for member in self.company.people if member.works_on(self.clock().date())]
        return _page(request, "users", len(users), lambda first, last: users[first:last])

    def _teams(self, request: Request) -> dict[str, Any]:
        day = self.clock().date()
        present = [member for member in self.company.people if member.works_on(day)]
        teams = [
            {
                "id": TEAM_BASE + index,
                "name": team,
                "direct_link": f"/v1/teams/{TEAM_BASE + index}",
                "users": [_user(member) for member in present if member.team == team],
            }
            for index, (team, _, _) in enumerate(TEAMS)
        ]
        return _page(request, "teams", len(teams), lambda first, last: teams[first:last])

    def _call(self, call: PhoneCall, now: int) -> dict[str, Any]:
        """A call as of `now`: ringing, answered, over, and tagged later."""
        answered_at = call.answered_at if call.answered_at is not None and call.answered_at <= now else None
        over = call.ended_at <= now
        tagged = call.topic is not None and call.tagged_at is not None and call.tagged_at <= now
        agent = None if call.agent is None or not (answered_at or not call.inbound) else self.company.people[call.agent]
        return {
            "id": call.id,
            "direct_link": f"/v1/calls/{call.id}",
            "direction": "inbound" if call.inbound else "outbound",
            "status": "done" if over else "answered" if answered_at else "initial",
            "missed_call_reason": call.missed_reason if over else None,
            "started_at": call.started_at,
            "answered_at": answered_at,
            "ended_at": call.ended_at if over else None,
            "duration": call.ended_at - call.started_at if over else 0,
            "voicemail": f"/v1/calls/{call.id}/voicemail" if call.voicemail and over else None,
            "raw_digits": "anonymous" if call.id % 11 == 0 else "+41 44 000 00 00",
            "user": None if agent is None else _user(agent),
            "number": {"id": LINE_BASE + LINES.index(call.line), "name": call.line, "country": "CH"},
            "teams": [{"id": TEAM_BASE + 3, "name": call.line.removesuffix(" line")}] if call.inbound else [],
            "tags": [{"id": TAG_BASE + TOPICS.index(str(call.topic)), "name": call.topic}] if tagged else [],
            "archived": over and answered_at is not None,
            "cost": "0.000",
        }


def _user(member: Employee) -> dict[str, Any]:
    """A user; some addresses have another spelling than in the CRM."""
    email = member.email if member.key % 13 else member.email.title()
    return {
        "id": USER_BASE + member.key,
        "name": member.name,
        "email": email,
        "available": True,
        "availability_status": "available",
        "created_at": "2023-01-09T08:00:00.000Z",
        "time_zone": "Europe/Zurich",
        "language": "en-US",
    }


def _page(request: Request, name: str, total: int, items: PageOf) -> dict[str, Any]:
    """One page; items beyond the cap are left out, which only `meta.total` reveals."""
    query = request.query_params
    page, size = int(query.get("page", "1")), int(query.get("per_page", "20"))
    if page < 1 or not 1 <= size <= MAX_PAGE_SIZE:
        raise ValueError
    first, reachable = (page - 1) * size, min(total, CAP)
    results = items(first, min(first + size, reachable)) if first < reachable else []
    next_link = str(request.url.include_query_params(page=page + 1)) if first + size < reachable else None
    meta = {
        "count": len(results),
        "total": total,
        "current_page": page,
        "per_page": size,
        "next_page_link": next_link,
        "previous_page_link": None,
    }
    return {"meta": meta, name: results}
