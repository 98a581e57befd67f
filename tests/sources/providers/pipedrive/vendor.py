"""Pipedrive in memory: v2 lists by cursor, v1 lists by rows to skip, a budget, and HTML for those who go on."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import httpx

from tests.sources.source_context import NOW

Row = dict[str, Any]

TOKEN = "pd_canary"


def iso(at: datetime) -> str:
    """A time of v2."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Pipedrive:
    """One company. `before` may answer a request instead; `teams` False is a plan without them.

    `hints` are what v1 says of the next page: nothing, as in the vendor's example of leads, without `next_start`, as
    in its schemas, or with it, as in its example of call logs.
    """

    page: int = 500
    teams: bool = True
    hints: Literal["none", "more", "next"] = "next"
    before: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
    deals: dict[int, Row] = field(default_factory=dict)
    leads: dict[str, Row] = field(default_factory=dict)
    activities: dict[int, Row] = field(default_factory=dict)
    calls: list[Row] = field(default_factory=list)
    users: list[Row] = field(default_factory=list)
    log: list[httpx.Request] = field(default_factory=list)
    now: datetime = NOW

    def deal(self, key: int, **fields: Any) -> None:
        """Creates or changes a deal."""
        created = iso(self.now - timedelta(days=10))
        plain: Row = {
            "id": key, "title": f"Deal {key}", "value": 1200.5, "currency": "EUR", "status": "open", "stage_id": 3,
            "pipeline_id": 1, "owner_id": 7, "org_id": 11, "add_time": created, "won_time": None, "lost_time": None,
            "close_time": None, "is_archived": False, "is_deleted": False, "custom_fields": {},
        }  # fmt: skip
        self.deals[key] = {**plain, **self.deals.get(key, {}), **fields, "update_time": iso(self.now)}

    def transport(self) -> httpx.MockTransport:
        """The vendor without a network."""
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request."""
        self.log.append(request)
        if request.headers.get("x-api-token") != TOKEN:
            return httpx.Response(401, json={"success": False, "error": "unauthorized access"})
        return self.before(request) or self._routed(request)

    def _routed(self, request: httpx.Request) -> httpx.Response:
        path, asked = request.url.path, request.url.params
        if path == "/api/v2/deals":
            return self._v2(self._of_status(asked.get("status")), asked)
        if path == "/api/v2/deals/archived":
            return self._v2([d for d in self.deals.values() if d["is_archived"] and not d["is_deleted"]], asked)
        if path == "/api/v2/activities":
            return self._v2(list(self.activities.values()), asked)
        if path == "/api/v2/stages":
            return self._v2([{"id": 3, "name": "Offer"}], asked)
        if path == "/api/v2/pipelines":
            return self._v2([{"id": 1, "name": "New business"}], asked)
        if path == "/v1/leads":
            since = asked.get("updated_since", "")
            return self._v1([r for r in self._leads(False) if r["update_time"] >= since], asked)
        if path == "/v1/leads/archived":
            return self._v1(self._leads(True), asked)
        if path == "/v1/callLogs":
            return self._v1(self.calls, asked, most=50, within="pagination")
        if path == "/v1/users":
            return httpx.Response(200, json={"success": True, "data": self.users})
        if path == "/v1/legacyTeams" and self.teams:
            team = {"id": 1, "name": "Closers", "users": [7], "active_flag": 1, "deleted_flag": 0}
            gone = {"id": 2, "name": "Old", "users": [7, 8], "active_flag": 0, "deleted_flag": 0}
            return httpx.Response(200, json={"success": True, "data": [gone, team]})
        return httpx.Response(403, json={"success": False, "error": "scope missing"})

    def _of_status(self, status: str | None) -> list[Row]:
        if status == "deleted":
            recent = iso(self.now - timedelta(days=30))
            return [d for d in self.deals.values() if d["is_deleted"] and d["update_time"] >= recent]
        return [d for d in self.deals.values() if not d["is_deleted"] and not d["is_archived"]]

    def _leads(self, archived: bool) -> list[Row]:
        return [row for row in self.leads.values() if row["is_archived"] is archived]

    def _v2(self, rows: list[Row], asked: httpx.QueryParams) -> httpx.Response:
        since = asked.get("updated_since", "")
        rows = sorted((row for row in rows if (row.get("update_time") or "~") >= since), key=lambda row: row["id"])
        start = int(base64.b64decode(asked["cursor"])) if "cursor" in asked else 0
        size = min(int(asked.get("limit", "100")), self.page)
        end = start + size
        following = base64.b64encode(str(end).encode()).decode() if end < len(rows) else None
        body = {"success": True, "data": rows[start:end], "additional_data": {"next_cursor": following}}
        return httpx.Response(200, json=body)

    def _v1(
        self, rows: list[Row], asked: httpx.QueryParams, *, most: int = 500, within: str | None = None
    ) -> httpx.Response:
        column, _, direction = asked.get("sort", "").partition(" ")
        if column:
            rows = sorted(rows, key=lambda row: str(row[column]), reverse=direction == "DESC")
        start, size = int(asked.get("start", "0")), min(int(asked.get("limit", "100")), most, self.page)
        body: Row = {"success": True, "data": rows[start : start + size] or None}
        hint: Row = {"start": start, "limit": size, "more_items_in_collection": start + size < len(rows)}
        if self.hints == "next" and within:
            hint["next_start"] = start + size
        if self.hints != "none":
            body["additional_data"] = {within: hint} if within else hint
        return httpx.Response(200, json=body)
