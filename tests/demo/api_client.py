"""An HTTP client for an ASGI application, without network and without an event loop in the test."""

from __future__ import annotations

from typing import Any

import httpx
from starlette.applications import Starlette

from tests.sources.account import run


class ApiClient:
    """Sends every request with the same headers and credentials."""

    def __init__(self, app: Starlette, headers: dict[str, str] | None = None) -> None:
        self._transport = httpx.ASGITransport(app)
        self._headers = headers or {}
        self.auth: tuple[str, str] | None = None

    def get(self, path: str, **options: Any) -> httpx.Response:
        return run(self._send("GET", path, **options))

    def post(self, path: str, **options: Any) -> httpx.Response:
        return run(self._send("POST", path, **options))

    async def _send(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://demo", auth=self.auth) as client:
            return await client.request(method, path, headers={**self._headers, **(headers or {})}, **options)
