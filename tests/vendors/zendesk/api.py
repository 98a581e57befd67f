"""The company behind Zendesk's API: exports that omit the last minute, lists by cursor, and Talk's endless next page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.demo.company.company import DemoCompany
from exporter.demo.company.entities import PhoneCall, TicketHistory
from exporter.demo.responses import ApiError, json_response
from tests.vendors.zendesk import payloads, talk
from tests.vendors.zendesk.access import ZendeskAccess, api_error, invalid_endpoint
from tests.vendors.zendesk.pages import Body, epoch, export_page, export_position, list_page, start_time

CUSTOMERS = 400
_STATS = "/api/v2/channels/voice/stats"

Handler = Callable[[Request, int], Body]


@dataclass
class FakeZendesk:
    """An account with Support and Talk."""

    company: DemoCompany
    clock: Callable[[], datetime]
    access: ZendeskAccess

    def routes(self) -> list[Route]:
        """The paths below the account's address."""
        endpoints: tuple[tuple[str, str | None, Handler], ...] = (
            ("/api/v2/incremental/tickets/cursor", "tickets", self._export_tickets),
            ("/api/v2/incremental/users/cursor", "users", self._export_users),
            ("/api/v2/groups", None, lambda request, _: list_page(request, "groups", payloads.groups())),
            ("/api/v2/ticket_metrics", None, self._all_metrics),
            ("/api/v2/tickets/{key:int}/metrics", None, self._metrics),
            ("/api/v2/satisfaction_ratings", None, self._ratings),
            (f"{_STATS}/incremental/calls", "talk", self._calls),
            (f"{_STATS}/incremental/legs", "talk", self._legs),
            (f"{_STATS}/current_queue_activity", None, self._queue),
        )
        routes = [Route(path, self._guarded(export, handle)) for path, export, handle in endpoints]
        return [
            *routes,
            Route("/api/v2/users/me", lambda _: json_response(200, {"user": {"id": None, "name": "Anonymous user"}})),
            Route("/oauth/tokens", self._token, methods=["POST"]),
            Route("/{rest:path}", lambda _: invalid_endpoint().response()),
        ]

    def _guarded(self, export: str | None, handle: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            headers: Mapping[str, str] = {}
            try:
                self.access.admit(request.headers.get("authorization", ""))
                headers = self.access.count(export)
                now = int(self.clock().timestamp())
                self.company.advance(now)
                return json_response(200, handle(request, now), headers)
            except ApiError as error:
                return error.response()
            except ValueError:
                return json_response(
                    400, {"errors": [{"code": "ParameterInvalid", "title": "Invalid parameter"}]}, headers
                )

        return endpoint

    async def _token(self, request: Request) -> Response:
        try:
            return json_response(200, self.access.issue(await request.body()))
        except ApiError as error:
            return error.response()

    def _export_tickets(self, request: Request, now: int) -> Body:
        since, position = export_position(request, now)
        candidates = self.company.tickets.changed_since(since - payloads.CLOSED_AFTER, now)
        tickets = [ticket for ticket in candidates if ticket.exists(now)]
        with_metrics = "metric_sets" in request.query_params.get("include", "").split(",")

        def row(ticket: TicketHistory) -> Body:
            row_body = payloads.ticket(ticket, now)
            return (
                {**row_body, "metric_set": payloads.metrics(ticket, now)}
                if with_metrics and len(row_body) > 5
                else row_body
            )

        return export_page(
            request,
            "tickets",
            [(payloads.generated_at(ticket, now), ticket.id, ticket) for ticket in tickets],
            row,
            position,
            now,
        )

    def _export_users(self, request: Request, now: int) -> Body:
        _, position = export_position(request, now)
        day = self.clock().date()
        rows = [
            *(payloads.agent(member, day) for member in self.company.people),
            *map(payloads.customer, range(CUSTOMERS)),
        ]
        keyed = [(epoch(row["updated_at"]), row["id"], row) for row in rows]
        return export_page(request, "users", keyed, lambda row: row, position, now)

    def _all_metrics(self, request: Request, now: int) -> Body:
        rows = [payloads.metrics(ticket, now) for ticket in self._tickets(now)]
        return list_page(request, "ticket_metrics", rows)

    def _metrics(self, request: Request, now: int) -> Body:
        key = request.path_params["key"]
        ticket = next((ticket for ticket in self._tickets(now, key) if ticket.id == key), None)
        if ticket is None:
            raise api_error(404, "RecordNotFound", "Not found")
        return {"ticket_metric": payloads.metrics(ticket, now)}

    def _tickets(self, now: int, first: int = 0) -> Iterable[TicketHistory]:
        return (
            ticket for ticket in self.company.tickets.from_id(first) if ticket.exists(now) and not ticket.archived(now)
        )

    def _ratings(self, request: Request, now: int) -> Body:
        since = int(request.query_params.get("start_time", "0"))
        solved = (ticket for ticket in self._tickets(now) if ticket.entered("closed", now))
        rows = [row for row in (payloads.rating(ticket, now) for ticket in solved) if epoch(row["updated_at"]) >= since]
        return list_page(request, "satisfaction_ratings", rows)

    def _calls(self, request: Request, now: int) -> Body:
        return self._talk(request, "calls", now, lambda calls: [talk.call(call, now) for call in calls])

    def _legs(self, request: Request, now: int) -> Body:
        return self._talk(request, "legs", now, lambda calls: [leg for call in calls for leg in talk.legs(call, now)])

    def _talk(self, request: Request, name: str, now: int, rows: Callable[[Sequence[PhoneCall]], list[Body]]) -> Body:
        """A page of calls in order of change. There is always a next page, which starts with the last second of this one."""
        start = start_time(request, now)
        calls = talk.changed_since(self.company, start, now)
        end_time = talk.changed_at(calls[-1], now) if calls else start
        body_rows = rows(calls)
        next_page = str(request.url.include_query_params(start_time=end_time))
        return {name: body_rows, "count": len(body_rows), "next_page": next_page, "end_time": end_time}

    def _queue(self, request: Request, now: int) -> Body:
        return {"current_queue_activity": talk.queue(self.company, now)}
