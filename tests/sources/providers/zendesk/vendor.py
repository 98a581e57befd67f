"""Zendesk in memory: exports that leave out the last minute, an endless list, two kinds of limits."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.sources.source_context import NOW

Row = dict[str, Any]

TOKEN = "zd_canary"
CLIENT_SECRET = "client_canary"
HOST = "https://acme.zendesk.com"
TALK = "/api/v2/channels/voice/stats"
EXPORT_LIMIT = "zendesk-ratelimit-incremental-exports-cursor"


def iso(at: datetime) -> str:
    """A time in Zendesk's format."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Zendesk:
    """One account. `before` may respond instead; without `talk` the plan lacks it, without `sideload` the export lacks metrics."""

    page: int = 1000
    talk: bool = True
    sideload: bool = True
    before: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
    tickets: dict[int, Row] = field(default_factory=dict)
    users: dict[int, Row] = field(default_factory=dict)
    ratings: dict[int, Row] = field(default_factory=dict)
    calls: dict[int, Row] = field(default_factory=dict)
    metrics: dict[int, Row] = field(default_factory=dict)
    queue: Row = field(default_factory=lambda: {"calls_waiting": 3, "longest_wait_time": 41, "agents_online": 2})
    groups: list[Row] = field(default_factory=lambda: [{"id": n, "name": f"Group {n}"} for n in range(1, 4)])
    headers: Row = field(default_factory=dict)
    log: list[httpx.Request] = field(default_factory=list)
    now: datetime = NOW

    def ticket(self, key: int, **fields: Any) -> None:
        """Creates or changes a ticket."""
        plain: Row = {
            "id": key, "status": "open", "priority": "high", "type": "incident", "via": {"channel": "email"},
            "group_id": 2, "assignee_id": 7, "created_at": iso(self.now - timedelta(days=1)), "tags": ["vip", "eu"],
            "satisfaction_rating": {"score": "unoffered"},
        }  # fmt: skip
        stamp = {"generated_timestamp": int(self.now.timestamp()), "updated_at": iso(self.now)}
        self.tickets[key] = {**plain, **self.tickets.get(key, {}), **stamp, **fields}
        self.metrics[key] = {"reply_time_in_minutes": {"calendar": 30, "business": 5}, "solved_at": None, "reopens": 1}

    def user(self, key: int, **fields: Any) -> None:
        """Creates or changes a user."""
        plain: Row = {
            "id": key, "name": f"Agent {key}", "email": f"a{key}@example.com", "role": "agent", "active": True,
            "suspended": False, "default_group_id": 1,
        }  # fmt: skip
        self.users[key] = {**plain, **self.users.get(key, {}), "updated_at": iso(self.now), **fields}

    def call(self, key: int, **fields: Any) -> None:
        """Creates or changes a call."""
        plain: Row = {
            "id": key, "created_at": iso(self.now), "direction": "inbound", "completion_status": "completed",
            "agent_id": 7, "call_group_id": 3, "wait_time": 12, "duration": 100, "talk_time": 80, "hold_time": 5,
            "wrap_up_time": 9, "voicemail": False, "ticket_id": 1, "time_to_answer": 20,
        }  # fmt: skip
        self.calls[key] = {**plain, **self.calls.get(key, {}), "updated_at": iso(self.now), **fields}

    def rating(self, key: int, **fields: Any) -> None:
        """Creates or changes a satisfaction rating."""
        plain: Row = {"id": key, "score": "good", "ticket_id": 1, "assignee_id": 7, "created_at": iso(self.now)}
        self.ratings[key] = {**plain, **self.ratings.get(key, {}), "updated_at": iso(self.now), **fields}

    def transport(self) -> httpx.MockTransport:
        """The vendor without a network."""
        return httpx.MockTransport(self.answer)

    def requests_to(self, fragment: str) -> list[httpx.Request]:
        """The requests whose path contains a text."""
        return [request for request in self.log if fragment in request.url.path]

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The response to one request."""
        self.log.append(request)
        special = self.before(request)
        if special is not None:
            return special
        if request.url.path == "/oauth/tokens":
            return self._token(request)
        if request.url.path == "/api/v2/users/me":
            return httpx.Response(200, json={"user": {"id": None, "name": "Anonymous user"}})
        if request.headers.get("authorization") not in self._credentials():
            return httpx.Response(401, json={"error": "Couldn't authenticate you"})
        answer = self._routed(request)
        answer.headers.update(self.headers)
        return answer

    def _credentials(self) -> tuple[str, ...]:
        pair = base64.b64encode(f"ada@example.com/token:{TOKEN}".encode()).decode()
        return (f"Basic {pair}", "Bearer granted")

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = httpx.QueryParams(request.content.decode())
        if form.get("grant_type") != "client_credentials" or form.get("client_secret") != CLIENT_SECRET:
            return httpx.Response(401, json={"error": "invalid_client", "error_description": "no"})
        return httpx.Response(200, json={"access_token": "granted", "token_type": "bearer", "expires_in": 7200})

    def _routed(self, request: httpx.Request) -> httpx.Response:
        path, params = request.url.path, request.url.params
        if match := re.fullmatch(r"/api/v2/tickets/(\d+)/metrics", path):
            return self._metrics(int(match[1]))
        routes: dict[str, Callable[[], httpx.Response]] = {
            "/api/v2/incremental/tickets/cursor": lambda: self._export("tickets", self._with_metrics(params), params),
            "/api/v2/incremental/users/cursor": lambda: self._export("users", list(self.users.values()), params),
            "/api/v2/groups": lambda: self._list("groups", self.groups, params),
            "/api/v2/satisfaction_ratings": lambda: self._ratings(params),
        }
        talk: dict[str, Callable[[], httpx.Response]] = {
            f"{TALK}/incremental/calls": lambda: self._talk(params),
            f"{TALK}/current_queue_activity": lambda: httpx.Response(200, json={"current_queue_activity": self.queue}),
        }
        routes |= talk if self.talk else {}
        return routes[path]() if path in routes else _invalid_endpoint()

    def _metrics(self, ticket: int) -> httpx.Response:
        if ticket not in self.metrics:
            return httpx.Response(404, json={"error": "RecordNotFound", "description": "Not found"})
        return httpx.Response(200, json={"ticket_metric": self.metrics[ticket]})

    def _ratings(self, params: httpx.QueryParams) -> httpx.Response:
        since = int(params.get("start_time", "0"))
        rows = [row for row in self.ratings.values() if _epoch(row["updated_at"]) >= since]
        return self._list("satisfaction_ratings", rows, params)

    def _with_metrics(self, params: httpx.QueryParams) -> list[Row]:
        if params.get("include") != "metric_sets" or not self.sideload:
            return list(self.tickets.values())
        return [{**row, "metric_set": self.metrics.get(row["id"])} for row in self.tickets.values()]

    def _export(self, name: str, rows: list[Row], params: httpx.QueryParams) -> httpx.Response:
        """Rows by change time and id, without the last minute; the cursor is opaque and stays at the end of the stream."""
        if ("cursor" in params) == ("start_time" in params):
            return httpx.Response(400, json={"errors": [{"title": "one of cursor and start_time"}]})
        if int(params.get("start_time", "0")) > self.now.timestamp() - 60:
            return httpx.Response(422, json={"error": "InvalidValue", "description": "Too recent start_time."})
        after = (
            json.loads(base64.b64decode(params["cursor"])) if "cursor" in params else [int(params["start_time"]), -1]
        )
        visible = [(row.get("generated_timestamp") or _epoch(row["updated_at"]), row["id"], row) for row in rows]
        remaining = sorted(
            entry for entry in visible if list(entry[:2]) > after and entry[0] <= self.now.timestamp() - 60
        )
        size = min(int(params.get("per_page", "1000")), self.page)
        exported = remaining[:size]
        cursor = base64.b64encode(json.dumps(exported[-1][:2] if exported else after).encode()).decode()
        body = {name: [row for *_, row in exported], "after_cursor": cursor, "end_of_stream": len(remaining) <= size}
        return httpx.Response(200, json=body)

    def _list(self, name: str, rows: list[Row], params: httpx.QueryParams) -> httpx.Response:
        start = int(params.get("page[after]", "0"))
        end = start + min(int(params["page[size]"]) if "page[size]" in params else 100, self.page)
        meta = {"has_more": end < len(rows), "after_cursor": str(end)}
        return httpx.Response(200, json={name: rows[start:end], "meta": meta})

    def _talk(self, params: httpx.QueryParams) -> httpx.Response:
        """Calls by change time alone; the next page starts with this one's last second and is never null."""
        start = int(params["start_time"])
        rows = sorted(
            (row for row in self.calls.values() if _epoch(row["updated_at"]) >= start),
            key=lambda row: (row["updated_at"], row["id"]),
        )[: self.page]
        following = _epoch(rows[-1]["updated_at"]) if rows else start
        link = f"{HOST}{TALK}/incremental/calls?start_time={following}"
        return httpx.Response(200, json={"calls": rows, "count": len(rows), "next_page": link})


def _invalid_endpoint() -> httpx.Response:
    return httpx.Response(404, json={"error": {"title": "InvalidEndpoint", "message": "Not found"}})


def _epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
