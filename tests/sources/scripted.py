"""A client whose vendor answers by a script."""

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
from tests.sources.source_context import Clock, Ledger, http_options, run, source_context

Script = Callable[[httpx.Request], httpx.Response]


class Vendor:
    """A client whose vendor answers by a script, and everything there is to see of it."""

    def __init__(self, script: Script | Sequence[httpx.Response], **given: Any) -> None:
        self.clock, self.ledger = Clock(), Ledger()
        self.log: list[httpx.Request] = []
        self._script = script
        self._answers = iter(()) if callable(script) else iter(script)
        auth: Callable[[SourceContext], Authenticator] | None = given.pop("auth", None)
        limits = given.pop("limits", Limits())
        classify = given.pop("classify", None)
        self.context = source_context(
            httpx.MockTransport(self._answer), clock=self.clock, ledger=self.ledger, TOKEN="sesame"
        )
        self.client = SourceClient(
            http_options(**given),
            "https://api.test/v1",
            auth(self.context) if auth else None,
            self.context,
            limits=limits,
            classify=classify,
        )

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        self.log.append(request)
        return self._script(request) if callable(self._script) else next(self._answers)

    async def get(self, path: str = "/rows", **given: Any) -> ApiResponse:
        return await self.client.get(path, **given)

    def got(self, path: str = "/rows", **given: Any) -> Any:
        return run(self.get(path, **given)).body

    def refused(self, path: str = "/rows", **given: Any) -> SourceError:
        with pytest.raises(SourceError) as caught:
            run(self.get(path, **given))
        return caught.value


def ok(value: Any = None, **headers: str) -> httpx.Response:
    """An answer of JSON."""
    return httpx.Response(200, json=value if value is not None else {}, headers=headers)


def status(code: int, **headers: str) -> httpx.Response:
    """An answer of that status; `_` in the names of headers stands for `-`."""
    return httpx.Response(code, json={}, headers={name.replace("_", "-"): value for name, value in headers.items()})


def bearer(context: SourceContext) -> Authenticator:
    """Sends the token `sesame`."""
    return BearerAuthenticator(Secret(env="TOKEN"), context)
