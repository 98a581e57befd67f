"""The company behind Twilio's APIs: calls by UTC day with relative links, and TaskRouter's workers and queues."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.demo.company.company import DemoCompany
from exporter.demo.company.phones import LINES
from exporter.demo.company.rhythm import midnight
from exporter.demo.responses import ApiError, RequestLimit, json_response
from tests.vendors.twilio import payloads
from tests.vendors.twilio.legs import legs
from tests.vendors.twilio.queues import MAX_CALL_SECONDS, cumulative, queued_calls, real_time

ACCOUNT, KEY = "AC" + "d" * 32, "SK" + "d" * 32
WORKSPACE = "WS" + "d" * 32
MAX_PAGE_SIZE = {"calls": 1000, "incoming_phone_numbers": 1000, "workers": 100, "task_queues": 100}

_DAY = timedelta(days=1)

Row = dict[str, Any]
Handler = Callable[[Request], Row]


def api_error(status: int, code: int, message: str) -> ApiError:
    """An error in Twilio's format."""
    return ApiError(status, {"code": code, "message": message, "more_info": "", "status": status})


@dataclass
class FakeTwilio:
    """The account, which expects an API key and its secret as basic authentication.

    `request_limit` stands for Twilio's limit on concurrent requests; `ticks` gives the seconds by which it is counted.
    """

    company: DemoCompany
    clock: Callable[[], datetime]
    key: str
    secret: str
    account: str = ACCOUNT
    workspace: str = WORKSPACE
    request_limit: RequestLimit = field(default_factory=lambda: RequestLimit(100, 1))
    ticks: Callable[[], float] = time.monotonic

    def routes(self) -> list[Route]:
        """The paths of both APIs below one base URL; Twilio has a host for each."""
        account, workspace = f"/2010-04-01/Accounts/{self.account}", f"/v1/Workspaces/{self.workspace}"
        handlers: Mapping[str, Handler] = {
            f"{account}/Calls.json": self._calls,
            f"{account}/IncomingPhoneNumbers.json": self._numbers,
            f"{workspace}/Workers": self._workers,
            f"{workspace}/TaskQueues": self._queues,
            f"{workspace}/TaskQueues/{{queue}}/RealTimeStatistics": self._real_time,
            f"{workspace}/TaskQueues/{{queue}}/CumulativeStatistics": self._cumulative,
        }
        routes = [Route(path, self._guarded(handle), methods=["GET"]) for path, handle in handlers.items()]
        return [*routes, Route("/{elsewhere:path}", self._guarded(_not_found), methods=["GET"])]

    def _guarded(self, handle: Handler) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                self._admit(request)
                return json_response(200, handle(request))
            except ApiError as error:
                return error.response()
            except ValueError:
                return api_error(400, 20001, "a parameter is not valid").response()

        return endpoint

    def _admit(self, request: Request) -> None:
        expected = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            raise api_error(401, 20003, "Authenticate")
        if not self.request_limit.take(self.ticks()):
            raise api_error(429, 20429, "Too Many Requests")

    def _now(self) -> int:
        now = int(self.clock().timestamp())
        self.company.advance(now)
        return now

    def _calls(self, request: Request) -> Row:
        """Calls, newest first. Filters include whole UTC days, whatever their time of day."""
        now, query = self._now(), request.query_params
        first = _day(query["StartTime>"]) if "StartTime>" in query else self.company.since
        last = _day(query["StartTime<"]) if "StartTime<" in query else self.clock().date()
        rows = sorted(self._rows(first, last, now), key=lambda row_key: row_key[:2], reverse=True)
        return _list_2010(request, "calls", [row for _, _, row in rows])

    def _rows(self, first: date, last: date, now: int) -> Iterator[tuple[int, str, Row]]:
        """Legs with their start and SID; legs of a call that began before midnight may start on the next day."""
        since, until = _midnight(first), min(_midnight(last + _DAY) - 1, now)
        low, high = self.company.calls_between(since - MAX_CALL_SECONDS, until)
        for call in self.company.calls.records[low:high]:
            for leg in legs(call, self.company.people):
                if since <= leg.started_at <= until:
                    row = payloads.call(self.account, call.id, leg, now)
                    yield leg.started_at, row["sid"], row

    def _numbers(self, request: Request) -> Row:
        return _list_2010(request, "incoming_phone_numbers", payloads.numbers(self.account))

    def _workers(self, request: Request) -> Row:
        today, since = self.clock().date(), midnight(self.company.since)
        people = [member for member in self.company.people if member.works_on(today)]
        return _list_v1(
            request, "workers", [payloads.worker(self.account, self.workspace, member, since) for member in people]
        )

    def _queues(self, request: Request) -> Row:
        return _list_v1(request, "task_queues", payloads.queues(self.account, self.workspace))

    def _real_time(self, request: Request) -> Row:
        now, line = self._now(), _line(request)
        low, high = self.company.calls_between(now - MAX_CALL_SECONDS, now)
        calls = queued_calls(self.company.calls.records[low:high], line)
        return {**self._identifiers(request), **real_time(calls, line, self.company.people, now)}

    def _cumulative(self, request: Request) -> Row:
        now, line = self._now(), _line(request)
        since = now - 60 * int(request.query_params.get("Minutes", "15"))
        low, high = self.company.calls_between(since - MAX_CALL_SECONDS, now)
        span = {"start_time": payloads.iso(since), "end_time": payloads.iso(now)}
        calls = queued_calls(self.company.calls.records[low:high], line)
        return {**self._identifiers(request), **span, **cumulative(calls, since, now)}

    def _identifiers(self, request: Request) -> Row:
        queue = request.path_params["queue"]
        return {"account_sid": self.account, "workspace_sid": self.workspace, "task_queue_sid": queue}


def _line(request: Request) -> str:
    lines = {payloads.sid("WQ", line): line for line in LINES}
    return lines.get(request.path_params["queue"]) or _not_found(request)


def _not_found(request: Request) -> NoReturn:
    raise api_error(404, 20404, f"The requested resource {request.url.path} was not found")


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _page(request: Request, name: str, rows: Sequence[Row]) -> tuple[Sequence[Row], str | None, int]:
    """A page, the path of the next one, and the page's number. A page token contains the SID of the last row returned."""
    query, max_size = request.query_params, MAX_PAGE_SIZE[name]
    size = int(query.get("PageSize", "50"))
    if not 1 <= size <= max_size:
        raise api_error(400, 20007, f"Page size must be from 1 to {max_size}")
    page, token = int(query.get("Page", "0")), query.get("PageToken", "")
    first = next((index + 1 for index, row in enumerate(rows) if f"PA{row['sid']}" == token), 0) if token else 0
    page_rows = rows[first : first + size]
    if first + size >= len(rows):
        return page_rows, None, page
    next_url = request.url.include_query_params(PageSize=size, Page=page + 1, PageToken=f"PA{page_rows[-1]['sid']}")
    return page_rows, f"{next_url.path}?{next_url.query}", page


def _list_2010(request: Request, name: str, rows: Sequence[Row]) -> Row:
    """A list of the 2010 API: the next page is a path on the same host."""
    page_rows, next_path, page = _page(request, name, rows)
    return {
        name: page_rows,
        "next_page_uri": next_path,
        "page": page,
        "page_size": len(page_rows),
        "uri": request.url.path,
    }


def _list_v1(request: Request, name: str, rows: Sequence[Row]) -> Row:
    """A list of the newer APIs: the next page is a full URL."""
    page_rows, next_path, page = _page(request, name, rows)
    next_url = f"{request.url.scheme}://{request.url.netloc}{next_path}" if next_path else None
    return {
        name: page_rows,
        "meta": {"key": name, "page": page, "page_size": len(page_rows), "next_page_url": next_url},
    }
