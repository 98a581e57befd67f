"""The company behind Zendesk's API: exports without the last minute, lists by cursor, Talk's endless next page."""

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
from tests.vendors.zendesk.access import ZendeskAccess, no_such_place, refusal
from tests.vendors.zendesk.pages import Body, epoch, exported, listed, position, start_time

CUSTOMERS = 400
_STATS = "/api/v2/channels/voice/stats"

Handler = Callable[[Request, int], Body]


@dataclass
class FakeZendesk:
    """The account, with Support and Talk."""

    company: DemoCompany
    clock: Callable[[], datetime]
    access: ZendeskAccess

    def routes(self) -> list[Route]:
        """Paths below the account's address."""
        served: tuple[tuple[str, str | None, Handler], ...] = (
            ("/api/v2/incremental/tickets/cursor", "tickets", self._export_tickets),
            ("/api/v2/incremental/users/cursor", "users", self._export_users),
            ("/api/v2/groups", None, lambda request, _: listed(request, "groups", payloads.groups())),
            ("/api/v2/ticket_metrics", None, self._all_metrics),
            ("/api/v2/tickets/{key:int}/metrics", None, self._metrics),
            ("/api/v2/satisfaction_ratings", None, self._ratings),
            (f"{_STATS}/incremental/calls", "talk", self._calls),
            (f"{_STATS}/incremental/legs", "talk", self._legs),
            (f"{_STATS}/current_queue_activity", None, self._queue),
        )
        paths = [Route(path, self._guarded(export, handle)) for path, export, handle in served]
        return [
            *paths,
            Route("/api/v2/users/me", lambda _: json_response(200, {"user": {"id": None, "name": "Anonymous user"}})),
            Route("/oauth/tokens", self._token, methods=["POST"]),
            Route("/{rest:path}", lambda _: no_such_place().response()),
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
        since, place = position(request, now)
        found = self.company.tickets.changed_since(since - payloads.CLOSED_AFTER, now)
        there = [one for one in found if one.exists(now)]
        with_metrics = "metric_sets" in request.query_params.get("include", "").split(",")

        def row(one: TicketHistory) -> Body:
            shown = payloads.ticket(one, now)
            return {**shown, "metric_set": payloads.metrics(one, now)} if with_metrics and len(shown) > 5 else shown

        return exported(
            request, "tickets", [(payloads.generated_at(one, now), one.id, one) for one in there], row, place, now
        )

    def _export_users(self, request: Request, now: int) -> Body:
        _, place = position(request, now)
        day = self.clock().date()
        rows = [*(payloads.agent(one, day) for one in self.company.people), *map(payloads.customer, range(CUSTOMERS))]
        keyed = [(epoch(row["updated_at"]), row["id"], row) for row in rows]
        return exported(request, "users", keyed, lambda row: row, place, now)

    def _all_metrics(self, request: Request, now: int) -> Body:
        rows = [payloads.metrics(one, now) for one in self._tickets(now)]
        return listed(request, "ticket_metrics", rows)

    def _metrics(self, request: Request, now: int) -> Body:
        key = request.path_params["key"]
        one = next((one for one in self._tickets(now, key) if one.id == key), None)
        if one is None:
            raise refusal(404, "RecordNotFound", "Not found")
        return {"ticket_metric": payloads.metrics(one, now)}

    def _tickets(self, now: int, first: int = 0) -> Iterable[TicketHistory]:
        return (one for one in self.company.tickets.from_id(first) if one.exists(now) and not one.archived(now))

    def _ratings(self, request: Request, now: int) -> Body:
        since = int(request.query_params.get("start_time", "0"))
        offered = (one for one in self._tickets(now) if one.entered("closed", now))
        rows = [row for row in (payloads.rating(one, now) for one in offered) if epoch(row["updated_at"]) >= since]
        return listed(request, "satisfaction_ratings", rows)

    def _calls(self, request: Request, now: int) -> Body:
        return self._talk(request, "calls", now, lambda found: [talk.call(one, now) for one in found])

    def _legs(self, request: Request, now: int) -> Body:
        return self._talk(request, "legs", now, lambda found: [leg for one in found for leg in talk.legs(one, now)])

    def _talk(self, request: Request, name: str, now: int, rows: Callable[[Sequence[PhoneCall]], list[Body]]) -> Body:
        """By change; the next page begins with this one's last second, and there always is one."""
        start = start_time(request, now)
        found = talk.changed_since(self.company, start, now)
        following = talk.changed_at(found[-1], now) if found else start
        shown = rows(found)
        link = str(request.url.include_query_params(start_time=following))
        return {name: shown, "count": len(shown), "next_page": link, "end_time": following}

    def _queue(self, request: Request, now: int) -> Body:
        return {"current_queue_activity": talk.queue(self.company, now)}
