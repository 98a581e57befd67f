"""The demo's company, with fewer calls, read through a choice of vendors: real providers, over HTTP."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporter.commands.sync import NullTelemetry
from exporter.config.loader import load
from exporter.config.root import Config
from exporter.demo.company import phones
from exporter.demo.server import HOST, PORT, DemoOptions, DemoServer, serve
from exporter.evaluation.evaluator import Evaluator
from exporter.kpi.values import Evaluation
from exporter.runtime.source_jobs import sync_jobs
from exporter.store.store import Store
from exporter.sync.observer import Observer
from exporter.sync.once import Summary, sync_once
from tests.vendors.config_variant import KEY, exchanged
from tests.vendors.roster import choose, vendor_routes

CONFIG = Path(__file__).parents[2] / "config" / "kpis.yaml"
NOON = datetime(2026, 10, 8, 10, 0, tzinfo=UTC)
"""A busy Thursday: calls go on, and tickets change while they are read."""
NIGHT = datetime(2026, 10, 10, 1, 0, tzinfo=UTC)
"""The Saturday after, three in the morning: nothing happens while it is read."""
ONE_MONTH = DemoOptions(seed=7, months=1)


class Clock:
    """Goes on as fast as time does, from where it was set."""

    def __init__(self) -> None:
        self.set(NIGHT)

    def set(self, instant: datetime) -> None:
        self._from, self._since = instant, time.monotonic()

    def __call__(self) -> datetime:
        return self._from + timedelta(seconds=time.monotonic() - self._since)


@dataclass(frozen=True)
class Reading:
    """An exporter's store in front of the company, through a choice of vendors."""

    config: Config
    store: Store
    clock: Clock
    data: Path

    def sync(self, *, full: bool = False, only: Collection[tuple[str, str]] | None = None) -> Summary:
        """One pass over everything, or over some (source, entity)."""

        async def read() -> Summary:
            made = sync_jobs(self.config, {}, self.data, self.clock, NullTelemetry())
            try:
                return await sync_once(made, self.store, Observer(), self.clock, full=full, only=only)
            finally:
                await asyncio.gather(*(job.source.close() for job in made))

        return asyncio.run(read())

    def at(self, instant: datetime) -> Evaluation:
        """Everything as of an instant."""
        return Evaluator(self.config, self.store).evaluate(instant, None).evaluation


@contextmanager
def fewer_calls() -> Iterator[None]:
    """Companies made in here are telephoned less, which reads sooner."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phones, "INBOUND_PER_DAY", 30.0)
        patch.setattr(phones, "OUTBOUND_PER_DAY", 30.0)
        yield


@contextmanager
def served(clock: Clock | None = None) -> Iterator[tuple[DemoServer, Clock]]:
    """All shapes of the company on a free port, and the clock they show it by."""
    clock = clock or Clock()
    with fewer_calls():
        running = serve(clock, port=0, options=ONE_MONTH, routes=vendor_routes)
        try:
            yield running, clock
        finally:
            running.close()


def through(vendors: str, running: DemoServer, clock: Clock, directory: Path) -> Reading:
    """The demo's own config with these vendors, at the address where they are, and without a pace of its own."""
    text = exchanged(CONFIG.read_text(encoding="utf-8"), choose(vendors))
    text = re.sub(r"(?m)^    max_per_second: \d+", "    max_per_second: 1000", text)
    text = text.replace("history: 550d", "history: 120d")  # as far back as the story goes
    return reading(text, running, clock, directory)


def reading(text: str, running: DemoServer, clock: Clock, directory: Path) -> Reading:
    """A config that names the demo's usual address, read at the one where it is."""
    (directory / "kpis.yaml").write_text(text.replace(f"http://{HOST}:{PORT}", running.url), encoding="utf-8")
    (directory / KEY).write_bytes(CONFIG.with_name(KEY).read_bytes())
    config = load(directory / "kpis.yaml", {}).config
    return Reading(config, Store.open(directory / "store"), clock, directory)
