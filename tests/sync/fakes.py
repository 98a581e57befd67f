"""Scripted sources, and an observer that records events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from exporter.naming import SourceState
from exporter.passes import Page, Pass
from exporter.records import Deal
from exporter.sources.base import Access
from exporter.sync.observer import Observer, PassReport, Progress
from tests.sync.virtual_time import START

NOON = datetime(2025, 11, 19, 12, tzinfo=UTC)

Answer = Callable[[Pass], AsyncIterator[Page]]


def deals(*numbers: int, updated: datetime = NOON) -> tuple[Deal, ...]:
    """Deals with these ids."""
    return tuple(Deal(id=str(number), updated_at=updated, created_at=updated) for number in numbers)


def answering(*pages: Page | Exception | float) -> Answer:
    """Yields the pages; raises an exception, and waits for a number of seconds."""

    async def answer(sync_pass: Pass) -> AsyncIterator[Page]:
        for page in pages:
            if isinstance(page, Exception):
                raise page
            if isinstance(page, float):
                await asyncio.sleep(page)
            else:
                yield page

    return answer


NOTHING = answering(Page((), cursor="c"))


class FakeSource:
    """Records its passes. `answers` maps entities to their pages; other entities have nothing new."""

    def __init__(
        self, name: str = "crm", entities: Sequence[str] = ("deals",), lag: timedelta = timedelta(0), **answers: Answer
    ) -> None:
        self.name = name
        self.entities = tuple(entities)
        self.lag = lag
        self.answers = answers
        self.passes: list[tuple[float, Pass]] = []
        self.closed = False

    def read(self, sync_pass: Pass) -> AsyncIterator[Page]:
        self.passes.append((asyncio.get_running_loop().time() - START, sync_pass))
        return self.answers.get(sync_pass.entity, NOTHING)(sync_pass)

    async def check(self) -> tuple[Access, ...]:
        return ()

    async def close(self) -> None:
        self.closed = True

    def times(self, entity: str | None = None) -> list[float]:
        """The start of each pass, in seconds since the start of the loop."""
        return [at for at, sync_pass in self.passes if entity in (None, sync_pass.entity)]


@dataclass
class Recorder(Observer):
    """Records every event."""

    reports: list[PassReport] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)
    publications: list[tuple[str, str]] = field(default_factory=list)
    plans: list[tuple[str, str, datetime]] = field(default_factory=list)
    states: list[tuple[str, SourceState]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    jumps: list[float] = field(default_factory=list)
    rebuilds: int = 0

    def progressed(self, progress: Progress) -> None:
        self.progress.append(progress)

    def finished(self, report: PassReport) -> None:
        self.reports.append(report)

    def published(self, source: str, entity: str) -> None:
        self.publications.append((source, entity))

    def scheduled(self, source: str, entity: str, at: datetime) -> None:
        self.plans.append((source, entity, at))

    def state_changed(self, source: str, state: SourceState) -> None:
        self.states.append((source, state))

    def store_failed(self, operation: str, reason: str) -> None:
        self.failures.append((operation, reason))

    def store_rebuilt(self) -> None:
        self.rebuilds += 1

    def clock_jumped(self, seconds: float) -> None:
        self.jumps.append(seconds)

    def states_of(self, source: str = "crm") -> list[str]:
        """The states a source went through."""
        return [state.value for name, state in self.states if name == source]


def clock() -> datetime:
    """The wall clock of the virtual loop."""
    return NOON + timedelta(seconds=asyncio.get_running_loop().time() - START)
