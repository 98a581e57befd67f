"""A SourceContext for tests: a clock that only sleeping moves, and telemetry that records its calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx
from pydantic import TypeAdapter

from exporter.config.sources import AnySource
from exporter.config.sources.base import HttpOptions
from exporter.config.sources.rest import RestOptions
from exporter.passes import Page, Pass
from exporter.records import Record
from exporter.sources.base import Source, SourceContext
from exporter.sync.page_validation import PageValidator

T = TypeVar("T")

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ZURICH = ZoneInfo("Europe/Zurich")


@dataclass
class FakeClock:
    """A clock that moves only when something sleeps by it or a test advances it."""

    now: datetime = NOW
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return (self.now - NOW).total_seconds() + 1000.0

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)


@dataclass
class RecordingTelemetry:
    """Telemetry that records what sources report."""

    requests: list[str] = field(default_factory=list)
    skews: list[float] = field(default_factory=list)
    attempts: list[datetime] = field(default_factory=list)

    def request(self, source: str, outcome: str) -> None:
        self.requests.append(outcome)

    def clock_skew(self, source: str, seconds: float) -> None:
        self.skews.append(seconds)

    def next_attempt(self, source: str, at: datetime) -> None:
        self.attempts.append(at)


def source_context(
    transport: httpx.AsyncBaseTransport | None = None,
    *,
    clock: FakeClock | None = None,
    telemetry: RecordingTelemetry | None = None,
    base: Path = Path(),
    data_dir: Path | None = None,
    zone: ZoneInfo = ZURICH,
    **environ: str,
) -> SourceContext:
    """A context with a fake clock; waits take no time."""
    clock = clock or FakeClock()
    return SourceContext(
        environ=environ,
        base=base,
        zone=zone,
        clock=clock,
        telemetry=telemetry or RecordingTelemetry(),
        data_dir=data_dir,
        sleep=clock.sleep,
        monotonic=clock.monotonic,
        jitter=lambda: 0.5,
        transport=transport,
    )


def http_options(**values: Any) -> HttpOptions:
    """Options of some HTTP source on loopback."""
    return HttpOptions(**{"name": "crm", "allow_insecure": True, "allow_private": True, **values})


def options(**values: Any) -> Any:
    """Options of a provider, checked as the config checks them."""
    return TypeAdapter(AnySource).validate_python({"name": "source", **values})


def rest(listing: dict[str, Any], **values: Any) -> RestOptions:
    """Options of a rest source with one listing of deals."""
    listing = {
        "entity": "deals",
        "path": "/rows",
        "records": "data",
        "columns": {"id": "id", "amount": "amount", "updated_at": "updated_at"},
        **listing,
    }
    rest_options: RestOptions = options(
        **{
            "provider": "rest",
            "base_url": "https://api.test",
            "entities": [listing],
            **values,
        }
    )
    return rest_options


async def pages_of(
    source: Source, cursor: str | None = None, resume: str | None = None, at: datetime = NOW
) -> list[Page]:
    """All pages of one pass over the first entity."""
    return [page async for page in read_validated(source, Pass(source.entities[0], at, cursor, resume))]


async def read_validated(source: Source, sync_pass: Pass) -> AsyncIterator[Page]:
    """The pages of a pass as they are stored: validated as of its start."""
    validator = PageValidator(sync_pass.entity)
    async for page in source.read(sync_pass):
        yield validator.check(page, sync_pass.started_at)
    validator.finish()


def records_of(pages: Sequence[Page]) -> list[Any]:
    """The records of the pages, in order."""
    records: list[Record] = [record for page in pages for record in page.records]
    return records


def by_id(pages: Sequence[Page]) -> dict[str, Any]:
    """The last record of each id."""
    return {record.id: record for record in records_of(pages)}


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine."""
    return asyncio.run(work)
