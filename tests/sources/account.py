"""Runs a source against a fake vendor: a transport that can fail, whole and interrupted passes, and a replica."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx
from starlette.applications import Starlette

from exporter.errors import InvalidRecordError
from exporter.passes import Listing, Page, Pass
from exporter.records import Record
from exporter.sources.base import Source, SourceContext
from tests.demo.tiny_company import ManualClock
from tests.sources.source_context import RecordingTelemetry, read_validated

T = TypeVar("T")

SECRET = "sesame"
ZONE = ZoneInfo("Europe/Zurich")

# a source lives on one event loop, as it does in the process, so all passes of the tests share one
_RUNNER = asyncio.Runner()
atexit.register(_RUNNER.close)

Fault = Callable[[httpx.Request], httpx.Response | None]


class RecordingTransport(httpx.AsyncBaseTransport):
    """The transport to a fake vendor: it logs requests, and `fault` may respond in the vendor's place."""

    def __init__(self, app: Starlette) -> None:
        self._inner = httpx.ASGITransport(app)
        self.log: list[httpx.Request] = []
        self.fault: Fault = lambda _: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.log.append(request)
        return self.fault(request) or await self._inner.handle_async_request(request)

    def asked(self, part: str) -> list[httpx.Request]:
        """The requests whose path contains a text."""
        return [request for request in self.log if part in request.url.path]


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine."""
    return _RUNNER.run(work)


def source_context(
    clock: ManualClock, transport: httpx.AsyncBaseTransport, data_dir: Path | None = None, **environ: str
) -> SourceContext:
    """Everything by this clock; waits take no time."""
    return SourceContext(
        environ={"SECRET": SECRET, **environ},
        base=Path(),
        zone=ZONE,
        clock=clock,
        telemetry=RecordingTelemetry(),
        data_dir=data_dir,
        sleep=clock.sleep,
        monotonic=clock.monotonic,
        jitter=lambda: 0.5,
        transport=transport,
    )


@dataclass(frozen=True)
class PassResult:
    """The records, pages and rejections of one pass."""

    records: tuple[Record, ...]
    pages: tuple[Page, ...]
    rejected: tuple[InvalidRecordError, ...] = ()

    @property
    def cursor(self) -> str | None:
        return self.pages[-1].cursor if self.pages else None

    @property
    def listing(self) -> Listing | None:
        return self.pages[-1].listing if self.pages else None

    def ids(self) -> list[str]:
        return [record.id for record in self.records]

    def one(self, key: int) -> Any:
        matches = [record for record in self.records if record.id == str(key)]
        assert len(matches) == 1, f"{key} was read {len(matches)} times"
        return matches[0]


def read_pass(source: Source, sync_pass: Pass, pages: int | None = None) -> PassResult:
    """One pass, or its first pages as if the process had been killed then."""

    async def gather() -> PassResult:
        pages_read: list[Page] = []
        async for page in read_validated(source, sync_pass):
            pages_read.append(page)
            if len(pages_read) == pages:
                break
        records = tuple(record for page in pages_read for record in page.records)
        return PassResult(records, tuple(pages_read), tuple(error for page in pages_read for error in page.rejected))

    return run(gather())


@dataclass
class Replica:
    """What a store would contain after several passes, some of them interrupted and resumed."""

    held: dict[str, Record] = field(default_factory=dict)
    cursor: str | None = None
    _staged: list[Record] = field(default_factory=list)
    _broken: Pass | None = None

    def sync(self, source: Source, entity: str, clock: ManualClock, *, full: bool = False) -> PassResult:
        """A complete pass, merged as the store merges it."""
        result = read_pass(source, self._next_pass(entity, clock, full))
        self._staged += result.records
        self._publish(result)
        return result

    def break_off(self, source: Source, entity: str, clock: ManualClock, *, full: bool, pages: int) -> None:
        """A pass that is killed after some pages; the next one resumes it."""
        sync_pass = self._next_pass(entity, clock, full)
        result = read_pass(source, sync_pass, pages)
        self._staged += result.records
        if result.pages[-1].resume is None:
            self._publish(result)
        else:
            self._broken = replace(sync_pass, resume=result.pages[-1].resume)

    def alive(self) -> dict[str, Any]:
        """The records that are not deleted."""
        return {key: record for key, record in self.held.items() if not record.deleted}

    def _next_pass(self, entity: str, clock: ManualClock, full: bool) -> Pass:
        return self._broken or Pass(entity, clock.now, None if full else self.cursor)

    def _publish(self, result: PassResult) -> None:
        for record in self._staged:
            known = self.held.get(record.id)
            if not (known and known.updated_at and record.updated_at and record.updated_at < known.updated_at):
                self.held[record.id] = record
        if result.listing is not None:
            self._bury({record.id for record in self._staged}, result.listing)
        self.cursor = result.cursor or self.cursor
        self._staged, self._broken = [], None

    def _bury(self, listed: set[str], listing: Listing) -> None:
        for key in self.held.keys() - listed:
            if listing.column is None or getattr(self.held[key], listing.column) >= listing.since:
                self.held[key] = replace(self.held[key], deleted=True)
