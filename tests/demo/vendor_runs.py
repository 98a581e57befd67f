"""The demo's company, with fewer calls, read through a choice of vendors: real providers, over HTTP."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporter.commands.reading import Untold
from exporter.config.loader import load
from exporter.config.root import Config
from exporter.demo import phones
from exporter.demo.exchange import exchanged
from exporter.demo.server import HOST, PORT, Running, Story, serve
from exporter.demo.vendors import choose
from exporter.evaluation.evaluations import Evaluations
from exporter.jobs import jobs
from exporter.kpi.values import Evaluation
from exporter.store.store import Store
from exporter.sync.observer import Silence
from exporter.sync.once import Summary, sync_once

CONFIG = Path(__file__).parents[2] / "config" / "kpis.yaml"
NIGHT = datetime(2026, 10, 10, 1, 0, tzinfo=UTC)
"""A Saturday, three in the morning: nothing happens while it is read."""
STORY = Story(seed=7, months=1)


def night_clock() -> Callable[[], datetime]:
    """Begins at NIGHT and goes on as fast as time does."""
    begun = time.monotonic()
    return lambda: NIGHT + timedelta(seconds=time.monotonic() - begun)


@dataclass(frozen=True)
class Read:
    """What came of reading a choice of vendors."""

    config: Config
    store: Store
    summary: Summary

    def at(self, instant: datetime) -> Evaluation:
        """Everything as of an instant."""
        return Evaluations(self.config, self.store).evaluate(instant, None).evaluation


@contextmanager
def company_at_night() -> Iterator[tuple[Running, Callable[[], datetime]]]:
    """All shapes of the company on a free port."""
    clock = night_clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phones, "INBOUND_A_DAY", 30.0)
        patch.setattr(phones, "OUTBOUND_A_DAY", 30.0)
        running = serve(clock, port=0, story=STORY)
        try:
            yield running, clock
        finally:
            running.close()


def read_through(vendors: str, running: Running, clock: Callable[[], datetime], directory: Path) -> Read:
    """The demo's own config with these vendors, at the address where they are, and without waiting for limits."""
    text = exchanged(CONFIG.read_text(encoding="utf-8"), choose(vendors, ()))
    text = text.replace(f"http://{HOST}:{PORT}", running.url)
    text = re.sub(r"(?m)^    max_per_second: \d+", "    max_per_second: 1000", text)
    (directory / "kpis.yaml").write_text(text, encoding="utf-8")
    (directory / "demo-token").write_bytes(CONFIG.with_name("demo-token").read_bytes())
    config = load(directory / "kpis.yaml", {}).config
    store = Store.open(directory / "store")
    made = jobs(config, {}, directory, clock, Untold())

    async def read() -> Summary:
        try:
            return await sync_once(made, store, Silence(), clock)
        finally:
            await asyncio.gather(*(job.source.close() for job in made))

    return Read(config, store, asyncio.run(read()))
