"""What a source needs around it in a test: a clock, a transport that can be made to fail, and a way to drive it."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
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
from tests.sources.source_context import read_validated

T = TypeVar("T")

SECRET = "sesame"
ZONE = ZoneInfo("Europe/Zurich")

# a source lives on one event loop, as it does in the process, so all passes of the tests share one
_RUNNER = asyncio.Runner()
atexit.register(_RUNNER.close)

Fault = Callable[[httpx.Request], httpx.Response | None]


class Silent:
    """Telemetry that remembers outcomes."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []

    def request(self, source: str, outcome: str) -> None:
        self.outcomes.append(outcome)

    def clock_skew(self, source: str, seconds: float) -> None:
        pass

    def next_attempt(self, source: str, at: datetime) -> None:
        pass


class Line(httpx.AsyncBaseTransport):
    """The way to an application, with a log of requests and a fault that may answer instead."""

    def __init__(self, app: Starlette) -> None:
        self._inner = httpx.ASGITransport(app)
        self.log: list[httpx.Request] = []
        self.fault: Fault = lambda _: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.log.append(request)
        return self.fault(request) or await self._inner.handle_async_request(request)

    def asked(self, part: str) -> list[httpx.Request]:
        """The requests whose path holds a text."""
        return [request for request in self.log if part in request.url.path]


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine."""
    return _RUNNER.run(work)


def source_context(clock: ManualClock, transport: httpx.AsyncBaseTransport, **environ: str) -> SourceContext:
    """Everything by this clock; waits take no time."""
    return SourceContext(
        environ={"SECRET": SECRET, **environ},
        base=Path(),
        zone=ZONE,
        clock=clock,
        telemetry=Silent(),
        sleep=clock.sleep,
        monotonic=clock.monotonic,
        jitter=lambda: 0.5,
        transport=transport,
    )


@dataclass(frozen=True)
class Brought:
    """What a pass brought."""

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
        found = [record for record in self.records if record.id == str(key)]
        assert len(found) == 1, f"{key} came {len(found)} times"
        return found[0]


def bring(source: Source, sync_pass: Pass, pages: int | None = None) -> Brought:
    """One pass, or its first pages as if the process had been killed then."""

    async def gather() -> Brought:
        found: list[Page] = []
        async for page in read_validated(source, sync_pass):
            found.append(page)
            if len(found) == pages:
                break
        records = tuple(record for page in found for record in page.records)
        return Brought(records, tuple(found), tuple(error for page in found for error in page.rejected))

    return run(gather())


@dataclass
class Replica:
    """What a store would hold after some passes, some of them broken off and taken up again."""

    held: dict[str, Record] = field(default_factory=dict)
    cursor: str | None = None
    _staged: list[Record] = field(default_factory=list)
    _broken: Pass | None = None

    def sync(self, source: Source, entity: str, clock: ManualClock, *, full: bool = False) -> Brought:
        """A whole pass, merged as the store merges it."""
        brought = bring(source, self._asked(entity, clock, full))
        self._staged += brought.records
        self._publish(brought)
        return brought

    def break_off(self, source: Source, entity: str, clock: ManualClock, *, full: bool, pages: int) -> None:
        """A pass that is killed after some pages; the next one takes it up."""
        asked = self._asked(entity, clock, full)
        brought = bring(source, asked, pages)
        self._staged += brought.records
        if brought.pages[-1].resume is None:
            self._publish(brought)
        else:
            self._broken = replace(asked, resume=brought.pages[-1].resume)

    def alive(self) -> dict[str, Any]:
        """What is not deleted."""
        return {key: record for key, record in self.held.items() if not record.deleted}

    def _asked(self, entity: str, clock: ManualClock, full: bool) -> Pass:
        return self._broken or Pass(entity, clock.now, None if full else self.cursor)

    def _publish(self, brought: Brought) -> None:
        for record in self._staged:
            known = self.held.get(record.id)
            if not (known and known.updated_at and record.updated_at and record.updated_at < known.updated_at):
                self.held[record.id] = record
        if brought.listing is not None:
            self._bury({record.id for record in self._staged}, brought.listing)
        self.cursor = brought.cursor or self.cursor
        self._staged, self._broken = [], None

    def _bury(self, listed: set[str], listing: Listing) -> None:
        for key in self.held.keys() - listed:
            if listing.column is None or getattr(self.held[key], listing.column) >= listing.since:
                self.held[key] = replace(self.held[key], deleted=True)
