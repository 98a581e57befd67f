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
from tests.vendors.twilio.queues import LONGEST, cumulative, queued, real_time

ACCOUNT, KEY = "AC" + "d" * 32, "SK" + "d" * 32
WORKSPACE = "WS" + "d" * 32
MAX_PAGE_SIZE = {"calls": 1000, "incoming_phone_numbers": 1000, "workers": 100, "task_queues": 100}

_DAY = timedelta(days=1)

Row = dict[str, Any]
Handler = Callable[[Request], Row]


def refusal(status: int, code: int, message: str) -> ApiError:
    """An error in the shape that Twilio gives all of them."""
    return ApiError(status, {"code": code, "message": message, "more_info": "", "status": status})


@dataclass
class FakeTwilio:
    """The account; an API key and its secret are what basic authentication expects.

    `allowance` stands for Twilio's bound on requests at the same time, counted by `ticks` in seconds.
    """

    company: DemoCompany
    clock: Callable[[], datetime]
    key: str
    secret: str
    account: str = ACCOUNT
    workspace: str = WORKSPACE
    allowance: RequestLimit = field(default_factory=lambda: RequestLimit(100, 1))
    ticks: Callable[[], float] = time.monotonic

    def routes(self) -> list[Route]:
        """Paths of both APIs below one base URL, where Twilio has a host for each."""
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
                return refusal(400, 20001, "a parameter is not valid").response()

        return endpoint

    def _admit(self, request: Request) -> None:
        expected = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            raise refusal(401, 20003, "Authenticate")
        if not self.allowance.take(self.ticks()):
            raise refusal(429, 20429, "Too Many Requests")

    def _now(self) -> int:
        now = int(self.clock().timestamp())
        self.company.advance(now)
        return now

    def _calls(self, request: Request) -> Row:
        """Newest first. Filters go by whole UTC days, their own included, whatever the time in them."""
        now, query = self._now(), request.query_params
        first = _day(query["StartTime>"]) if "StartTime>" in query else self.company.since
        last = _day(query["StartTime<"]) if "StartTime<" in query else self.clock().date()
        rows = sorted(self._rows(first, last, now), key=lambda found: found[:2], reverse=True)
        return _relative(request, "calls", [row for _, _, row in rows])

    def _rows(self, first: date, last: date, now: int) -> Iterator[tuple[int, str, Row]]:
        """Legs with their start and their SID; those of a call that began before midnight may lie on the day after."""
        since, until = _midnight(first), min(_midnight(last + _DAY) - 1, now)
        low, high = self.company.calls_between(since - LONGEST, until)
        for call in self.company.calls.records[low:high]:
            for leg in legs(call, self.company.people):
                if since <= leg.started_at <= until:
                    row = payloads.call(self.account, call.id, leg, now)
                    yield leg.started_at, row["sid"], row

    def _numbers(self, request: Request) -> Row:
        return _relative(request, "incoming_phone_numbers", payloads.numbers(self.account))

    def _workers(self, request: Request) -> Row:
        today, since = self.clock().date(), midnight(self.company.since)
        people = [member for member in self.company.people if member.works_on(today)]
        return _meta(
            request, "workers", [payloads.worker(self.account, self.workspace, member, since) for member in people]
        )

    def _queues(self, request: Request) -> Row:
        return _meta(request, "task_queues", payloads.queues(self.account, self.workspace))

    def _real_time(self, request: Request) -> Row:
        now, line = self._now(), _line(request)
        low, high = self.company.calls_between(now - LONGEST, now)
        calls = queued(self.company.calls.records[low:high], line)
        return {**self._of(request), **real_time(calls, line, self.company.people, now)}

    def _cumulative(self, request: Request) -> Row:
        now, line = self._now(), _line(request)
        since = now - 60 * int(request.query_params.get("Minutes", "15"))
        low, high = self.company.calls_between(since - LONGEST, now)
        span = {"start_time": payloads.iso(since), "end_time": payloads.iso(now)}
        calls = queued(self.company.calls.records[low:high], line)
        return {**self._of(request), **span, **cumulative(calls, since, now)}

    def _of(self, request: Request) -> Row:
        queue = request.path_params["queue"]
        return {"account_sid": self.account, "workspace_sid": self.workspace, "task_queue_sid": queue}


def _line(request: Request) -> str:
    lines = {payloads.sid("WQ", line): line for line in LINES}
    return lines.get(request.path_params["queue"]) or _not_found(request)


def _not_found(request: Request) -> NoReturn:
    raise refusal(404, 20404, f"The requested resource {request.url.path} was not found")


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _cut(request: Request, name: str, rows: Sequence[Row]) -> tuple[Sequence[Row], str | None, int]:
    """A page, the path of the next one, and the page's number. A token holds on to the last row that was given."""
    query, most = request.query_params, MAX_PAGE_SIZE[name]
    size = int(query.get("PageSize", "50"))
    if not 1 <= size <= most:
        raise refusal(400, 20007, f"Page size must be from 1 to {most}")
    page, token = int(query.get("Page", "0")), query.get("PageToken", "")
    first = next((place + 1 for place, row in enumerate(rows) if f"PA{row['sid']}" == token), 0) if token else 0
    found = rows[first : first + size]
    if first + size >= len(rows):
        return found, None, page
    following = request.url.include_query_params(PageSize=size, Page=page + 1, PageToken=f"PA{found[-1]['sid']}")
    return found, f"{following.path}?{following.query}", page


def _relative(request: Request, name: str, rows: Sequence[Row]) -> Row:
    """A list of the 2010 API: the next page is a path on the same host."""
    found, following, page = _cut(request, name, rows)
    return {name: found, "next_page_uri": following, "page": page, "page_size": len(found), "uri": request.url.path}


def _meta(request: Request, name: str, rows: Sequence[Row]) -> Row:
    """A list of the newer APIs: the next page is a whole address."""
    found, following, page = _cut(request, name, rows)
    whole = f"{request.url.scheme}://{request.url.netloc}{following}" if following else None
    return {name: found, "meta": {"key": name, "page": page, "page_size": len(found), "next_page_url": whole}}
