"""A client whose vendor responds by a script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from exporter.config.fields import Secret
from exporter.errors import SourceError
from exporter.sources.base import SourceContext
from exporter.sources.http.auth import Authenticator, BearerAuthenticator
from exporter.sources.http.client import ApiResponse, SourceClient
from exporter.sources.http.rate_limit import Limits
from tests.sources.source_context import FakeClock, RecordingTelemetry, http_options, run, source_context

Script = Callable[[httpx.Request], httpx.Response]


class ScriptedVendor:
    """A client whose vendor responds by a script, with its clock, telemetry and request log."""

    def __init__(self, script: Script | Sequence[httpx.Response], **given: Any) -> None:
        self.clock, self.telemetry = FakeClock(), RecordingTelemetry()
        self.log: list[httpx.Request] = []
        self._script = script
        self._responses = iter(()) if callable(script) else iter(script)
        auth: Callable[[SourceContext], Authenticator] | None = given.pop("auth", None)
        limits = given.pop("limits", Limits())
        classify = given.pop("classify", None)
        self.context = source_context(
            httpx.MockTransport(self._respond), clock=self.clock, telemetry=self.telemetry, TOKEN="sesame"
        )
        self.client = SourceClient(
            http_options(**given),
            "https://api.test/v1",
            auth(self.context) if auth else None,
            self.context,
            limits=limits,
            classify=classify,
        )

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        self.log.append(request)
        return self._script(request) if callable(self._script) else next(self._responses)

    async def get(self, path: str = "/rows", **given: Any) -> ApiResponse:
        return await self.client.get(path, **given)

    def got(self, path: str = "/rows", **given: Any) -> Any:
        return run(self.get(path, **given)).body

    def refused(self, path: str = "/rows", **given: Any) -> SourceError:
        with pytest.raises(SourceError) as caught:
            run(self.get(path, **given))
        return caught.value


def ok(value: Any = None, **headers: str) -> httpx.Response:
    """A JSON response."""
    return httpx.Response(200, json=value if value is not None else {}, headers=headers)


def status(code: int, **headers: str) -> httpx.Response:
    """A response of that status; `_` in header names stands for `-`."""
    return httpx.Response(code, json={}, headers={name.replace("_", "-"): value for name, value in headers.items()})


def bearer(context: SourceContext) -> Authenticator:
    """Sends the token `sesame`."""
    return BearerAuthenticator(Secret(env="TOKEN"), context)
