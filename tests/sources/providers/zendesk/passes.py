"""The provider connected to the fake account, and its passes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from exporter.passes import Page, Pass
from exporter.sources.registry import create
from tests.sources.providers.zendesk.vendor import CLIENT_SECRET, HOST, TOKEN, Zendesk
from tests.sources.source_context import FakeClock, options, read_validated, run, source_context

API_TOKEN = {"email": "ada@example.com", "token": {"env": "TOKEN"}}


def source(vendor: Zendesk, entity: str = "tickets", clock: FakeClock | None = None, **settings: Any) -> Any:
    """The provider connected to the fake account."""
    credentials = {} if settings.keys() & {"oauth", "api_token"} else {"api_token": API_TOKEN}
    source_options = options(provider="zendesk", base_url=HOST, entities=[entity], **credentials, **settings)
    clock = clock or FakeClock(vendor.now)
    return create(source_options, source_context(vendor.transport(), clock=clock, TOKEN=TOKEN, SECRET=CLIENT_SECRET))


def read(
    vendor: Zendesk, entity: str = "tickets", cursor: str | None = None, resume: str | None = None, **settings: Any
) -> list[Page]:
    """All pages of a pass that starts now."""

    async def gather() -> list[Page]:
        sync_pass = Pass(entity, vendor.now, cursor, resume)
        return [page async for page in read_validated(source(vendor, entity, **settings), sync_pass)]

    return run(gather())


def later(vendor: Zendesk, minutes: float = 5) -> None:
    """Advances the vendor's clock."""
    vendor.now += timedelta(minutes=minutes)
