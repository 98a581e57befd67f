"""Twilio in memory: calls and their legs by UTC day, relative links, workers and queues with their statistics."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx

from tests.sources.source_context import NOW

Row = dict[str, Any]

ACCOUNT, WORKSPACE, SECRET = "AC" + "a" * 32, "WS" + "b" * 32, "tw_canary"
QUEUE = "WQ" + "c" * 32


def mail(at: datetime | None) -> str | None:
    """A time of the 2010 API."""
    return format_datetime(at) if at else None


@dataclass
class Twilio:
    """One account, opened by `user`. `before` may answer a request instead; `page` rows a page at most."""

    page: int = 1000
    user: str = ACCOUNT
    before: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
    calls: dict[str, Row] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    workers: list[Row] = field(default_factory=list)
    log: list[httpx.Request] = field(default_factory=list)

    def call(
        self,
        sid: str,
        start: datetime,
        seconds: int = 60,
        status: str = "completed",
        parent: str | None = None,
        **more: Any,
    ) -> None:
        """A call or leg; durations are text, and so are milliseconds of queue time."""
        self.calls[sid] = {
            "sid": sid, "parent_call_sid": parent, "status": status,
            "direction": "outbound-dial" if parent else "inbound",
            "start_time": mail(start), "end_time": mail(start + timedelta(seconds=seconds)),
            "date_updated": mail(start + timedelta(seconds=seconds)), "duration": str(seconds), "queue_time": "0",
            "price": None, "price_unit": "USD", "answered_by": None, "from": "+41441234567", "to": "+41440000000",
            **more,
        }  # fmt: skip

    def transport(self) -> httpx.MockTransport:
        """The vendor without a network."""
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request."""
        self.log.append(request)
        given = request.headers.get("authorization", "")
        if given != "Basic " + base64.b64encode(f"{self.user}:{SECRET}".encode()).decode():
            return httpx.Response(401, json={"code": 20003, "message": "Authenticate"})
        return self.before(request) or self._routed(request)

    def _routed(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.url.host == "api.twilio.com" and path == f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json":
            return self._calls(request)
        if request.url.host == "api.twilio.com" and path.endswith(f"/{ACCOUNT}/IncomingPhoneNumbers.json"):
            named = [{"phone_number": number, "friendly_name": name} for number, name in self.numbers.items()]
            return httpx.Response(200, json={"incoming_phone_numbers": named, "next_page_uri": None})
        base = f"/v1/Workspaces/{WORKSPACE}"
        if request.url.host != "taskrouter.twilio.com" or not path.startswith(base):
            return httpx.Response(404, json={"code": 20404, "message": "not found"})
        queues = [{"sid": QUEUE, "friendly_name": "Support"}]
        return {
            f"{base}/Workers": lambda: self._meta(request, "workers", self.workers),
            f"{base}/TaskQueues": lambda: self._meta(request, "task_queues", queues),
            f"{base}/TaskQueues/{QUEUE}/RealTimeStatistics": lambda: httpx.Response(200, json=NOW_STATISTICS),
            f"{base}/TaskQueues/{QUEUE}/CumulativeStatistics": lambda: httpx.Response(200, json=PERIOD_STATISTICS),
        }[path]()

    def _calls(self, request: httpx.Request) -> httpx.Response:
        """By whole UTC days, newest first; the time of day in a filter counts for nothing."""
        asked = request.url.params
        rows = sorted(self.calls.values(), key=lambda row: (_start(row), row["sid"]), reverse=True)
        low, high = asked.get("StartTime>", "0000")[:10], asked.get("StartTime<", "9999")[:10]
        rows = [row for row in rows if low <= _start(row).strftime("%Y-%m-%d") <= high]
        size, start = min(int(asked.get("PageSize", "50")), self.page), int(asked.get("Page", "0"))
        body: Row = {"calls": rows[start * size : (start + 1) * size], "next_page_uri": None}
        if (start + 1) * size < len(rows):
            following = request.url.copy_set_param("Page", str(start + 1))
            body["next_page_uri"] = following.raw_path.decode()
        return httpx.Response(200, json=body)

    def _meta(self, request: httpx.Request, name: str, rows: list[Row]) -> httpx.Response:
        size, start = min(int(request.url.params["PageSize"]), self.page), int(request.url.params.get("Page", "0"))
        more = (start + 1) * size < len(rows)
        following = str(request.url.copy_set_param("Page", str(start + 1))) if more else None
        body = {name: rows[start * size : (start + 1) * size], "meta": {"key": name, "next_page_url": following}}
        return httpx.Response(200, json=body)


def _start(row: Row) -> datetime:
    return datetime.strptime(row["start_time"], "%a, %d %b %Y %H:%M:%S %z").astimezone(UTC)


def worker(number: int, **attributes: Any) -> Row:
    """A worker, whose attributes are JSON written as text."""
    return {
        "sid": f"WK{number:032}", "friendly_name": f"worker{number}", "attributes": json.dumps(attributes),
        "date_updated": NOW.isoformat().replace("+00:00", "Z"),
    }  # fmt: skip


NOW_STATISTICS: Row = {
    "total_tasks": 9, "tasks_by_status": {"pending": 4, "assigned": 5}, "longest_task_waiting_age": 130,
    "longest_relative_task_age_in_queue": 130, "total_available_workers": 2, "total_eligible_workers": 6,
}  # fmt: skip
PERIOD_STATISTICS: Row = {
    "tasks_entered": 20, "tasks_completed": 15, "tasks_canceled": 3, "tasks_moved": 0, "avg_task_acceptance_time": 25,
    "reservations_created": 18, "reservations_accepted": 15, "reservations_rejected": 2, "reservations_timed_out": 1,
    "reservations_canceled": 0, "wait_duration_until_accepted": {"avg": 25, "min": 1, "max": 200, "total": 375},
}  # fmt: skip
