"""The provider in front of the fake, and its passes."""

from __future__ import annotations

from typing import Any

from exporter.passes import Page, Pass
from exporter.sources.registry import create
from tests.sources.providers.twilio.vendor import ACCOUNT, SECRET, WORKSPACE, Twilio
from tests.sources.source_context import NOW, FakeClock, options, read_validated, run, source_context

TODAY = NOW.replace(hour=7)


def source(vendor: Twilio, entity: str = "calls", **given: Any) -> Any:
    """The provider in front of the fake."""
    plain = {"account_sid": ACCOUNT, "secret": {"env": "SECRET"}, "workspace_sid": WORKSPACE, "history": "5d"}
    plain["max_per_second"] = 1000  # the pace is real time, and no test here is about it
    chosen = options(provider="twilio", entities=[entity], **{**plain, **given})
    return create(chosen, source_context(vendor.transport(), clock=FakeClock(), SECRET=SECRET))


def read(
    vendor: Twilio, entity: str = "calls", cursor: str | None = None, resume: str | None = None, **given: Any
) -> list[Page]:
    """All pages of one pass."""

    async def gather() -> list[Page]:
        return [
            page async for page in read_validated(source(vendor, entity, **given), Pass(entity, NOW, cursor, resume))
        ]

    return run(gather())
