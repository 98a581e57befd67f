"""A fake vendor API in memory: it pages, filters, limits, expires tokens, and fails on demand."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import httpx

from tests.fakes.raw import RawRequest, raw_response

FakeRow = dict[str, Any]
Paging = Literal["none", "cursor", "link", "header", "page", "offset"]


@dataclass
class FakeApi:
    """GET /rows lists them; POST /token issues tokens where `tokens` is on.

    Knobs: `page` rows a page (a cap on what clients ask for), `tokens` how many requests each access token is
    good for, `limit` how many requests pass before one 429, `before` is called with each request and may change
    the rows or answer itself.
    """

    rows: list[FakeRow] = field(default_factory=list)
    paging: Paging = "cursor"
    page: int = 100
    changed: str = "updated_at"
    tokens: int | None = None
    limit: int | None = None
    hidden: int = 0
    """Rows at the end that are promised but never given: a silent cap."""
    repeats: bool = False
    """Every page starts with the last row of the one before."""
    loops: bool = False
    """The last page leads back to the first."""
    before: Callable[[FakeApi, httpx.Request], httpx.Response | None] = lambda api, request: None
    log: list[httpx.Request] = field(default_factory=list)
    issued: int = 0
    _used: int = 0
    _passed: int = 0

    def transport(self) -> httpx.MockTransport:
        """The vendor without a network."""
        return httpx.MockTransport(self.answer)

    def script(self, raw_request: RawRequest) -> list[bytes]:
        """The vendor as the script of a RawServer."""
        request = httpx.Request(
            raw_request.method,
            f"http://fake{raw_request.target}",
            headers=raw_request.headers,
            content=raw_request.body,
        )
        answer = self.answer(request)
        return [raw_response(answer.content, answer.status_code, answer.headers.items(), kind=None)]

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request."""
        self.log.append(request)
        if request.url.path == "/token":
            self.issued, self._used = self.issued + 1, 0
            return httpx.Response(200, json={"access_token": f"token-{self.issued}", "expires_in": 3600})
        return self.before(self, request) or self._refused(request) or self._list(request)

    def _refused(self, request: httpx.Request) -> httpx.Response | None:
        if self.tokens is not None:
            self._used += 1
            if request.headers.get("authorization") != f"Bearer token-{self.issued}" or self._used > self.tokens:
                return httpx.Response(401, json={"error": "expired"})
        if self.limit is not None:
            self._passed += 1
            if self._passed > self.limit:
                self._passed = 0
                return httpx.Response(429, headers={"retry-after": "3"}, json={})
        return None

    def _list(self, request: httpx.Request) -> httpx.Response:
        params = request.url.params
        rows = self.rows
        if "since" in params:
            since = datetime.fromisoformat(params["since"])
            rows = [row for row in rows if datetime.fromisoformat(row[self.changed]) >= since]
        size = min(int(params.get("size", self.page)), self.page) if self.paging != "none" else len(rows)
        start = self._start(params, size)
        visible = rows[: max(0, len(rows) - self.hidden)]
        page = visible[max(0, start - self.repeats) : start + size]
        end = start + size
        following = end if end < len(visible) else (0 if self.loops and visible else None)
        body = {"data": page, "total": len(rows), **self._next(request, following)}
        return httpx.Response(200, json=body, headers=self._links(request, following))

    def _start(self, params: httpx.QueryParams, size: int) -> int:
        match self.paging:
            case "page":
                return (int(params.get("page", "1")) - 1) * size
            case "offset":
                return int(params.get("offset", "0"))
            case _:
                token = params.get("after")
                return int(base64.b64decode(token)) if token else 0

    def _next(self, request: httpx.Request, following: int | None) -> dict[str, Any]:
        match self.paging:
            case "cursor":
                return {"paging": {"next": {"after": _token(following)} if following is not None else None}}
            case "link":
                return {"next": str(_link(request, following)) if following is not None else None}
            case _:
                return {}

    def _links(self, request: httpx.Request, following: int | None) -> dict[str, str]:
        if self.paging != "header" or following is None:
            return {}
        return {"link": f'<{request.url}>; rel="self", <{_link(request, following)}>; rel="next"'}


def _token(position: int | None) -> str:
    return base64.b64encode(json.dumps(position).encode()).decode()


def _link(request: httpx.Request, following: int | None) -> httpx.URL:
    return request.url.copy_set_param("after", _token(following))
