"""The provider connected to the fake org, and its passes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from exporter.passes import Page, Pass
from exporter.sources.registry import create
from tests.sources.providers.salesforce.vendor import HOST, SECRET, Salesforce
from tests.sources.source_context import NOW, FakeClock, options, read_validated, run, source_context


def source(vendor: Salesforce, entity: str = "deals", **settings: Any) -> Any:
    """The provider connected to the fake org."""
    credentials = {} if "jwt" in settings else {"client_secret": {"env": "SECRET"}}
    source_options = options(
        provider="salesforce", base_url=HOST, client_id="app", entities=[entity], **credentials, **settings
    )
    return create(source_options, source_context(vendor.transport(), clock=FakeClock(), SECRET=SECRET))


def read(
    vendor: Salesforce,
    entity: str = "deals",
    cursor: str | None = None,
    resume: str | None = None,
    at: datetime = NOW,
    **settings: Any,
) -> list[Page]:
    """All pages of one pass."""

    async def gather() -> list[Page]:
        return [
            page async for page in read_validated(source(vendor, entity, **settings), Pass(entity, at, cursor, resume))
        ]

    return run(gather())
