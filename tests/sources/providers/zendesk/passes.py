"""The provider in front of the fake, and its passes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from exporter.passes import Page, Pass
from exporter.sources.registry import create
from tests.sources.providers.zendesk.vendor import CLIENT_SECRET, HOST, TOKEN, Zendesk
from tests.sources.source_context import Clock, options, read_validated, run, source_context

API_TOKEN = {"email": "ada@example.com", "token": {"env": "TOKEN"}}


def source(vendor: Zendesk, entity: str = "tickets", clock: Clock | None = None, **given: Any) -> Any:
    """The provider in front of the fake."""
    way = {} if given.keys() & {"oauth", "api_token"} else {"api_token": API_TOKEN}
    chosen = options(provider="zendesk", base_url=HOST, entities=[entity], **way, **given)
    clock = clock or Clock(vendor.now)
    return create(chosen, source_context(vendor.transport(), clock=clock, TOKEN=TOKEN, SECRET=CLIENT_SECRET))


def read(
    vendor: Zendesk, entity: str = "tickets", cursor: str | None = None, resume: str | None = None, **given: Any
) -> list[Page]:
    """All pages of one pass now."""

    async def gather() -> list[Page]:
        asked = Pass(entity, vendor.now, cursor, resume)
        return [page async for page in read_validated(source(vendor, entity, **given), asked)]

    return run(gather())


def later(vendor: Zendesk, minutes: float = 5) -> None:
    """Lets time go by."""
    vendor.now += timedelta(minutes=minutes)
