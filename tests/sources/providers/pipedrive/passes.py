"""The provider in front of the fake, and its passes."""

from __future__ import annotations

from typing import Any

from exporter.passes import Page, Pass
from exporter.sources.registry import create
from tests.sources.providers.pipedrive.vendor import TOKEN, Pipedrive
from tests.sources.source_context import FakeClock, options, read_validated, run, source_context


def source(vendor: Pipedrive, entity: str = "deals", **given: Any) -> Any:
    """The provider in front of the fake."""
    # the pace is real time, and no test here is about it
    chosen = options(provider="pipedrive", token={"env": "TOKEN"}, entities=[entity], max_per_second=1000, **given)
    return create(chosen, source_context(vendor.transport(), clock=FakeClock(vendor.now), TOKEN=TOKEN))


def read(
    vendor: Pipedrive, entity: str = "deals", cursor: str | None = None, resume: str | None = None, **given: Any
) -> list[Page]:
    """All pages of one pass now."""

    async def gather() -> list[Page]:
        asked = Pass(entity, vendor.now, cursor, resume)
        return [page async for page in read_validated(source(vendor, entity, **given), asked)]

    return run(gather())
