"""Runs the exporter against the simulated company through a choice of vendors: the real providers, over HTTP."""

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
from tests.vendors.config_variant import KEY, with_vendors
from tests.vendors.roster import choose, vendor_routes

CONFIG = Path(__file__).parents[2] / "config" / "kpis.yaml"
NOON = datetime(2026, 10, 8, 10, 0, tzinfo=UTC)
"""A busy Thursday: calls are in progress, and tickets change during the sync."""
NIGHT = datetime(2026, 10, 10, 1, 0, tzinfo=UTC)
"""The following Saturday, three in the morning: nothing changes during the sync."""
ONE_MONTH = DemoOptions(seed=7, months=1)


class Clock:
    """A clock that can be set, and then advances in real time."""

    def __init__(self) -> None:
        self.set(NIGHT)

    def set(self, instant: datetime) -> None:
        self._start, self._set_at = instant, time.monotonic()

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._set_at)


@dataclass(frozen=True)
class VendorRun:
    """A config and its store, filled from the simulated company."""

    config: Config
    store: Store
    clock: Clock
    data: Path

    def sync(self, *, full: bool = False, only: Collection[tuple[str, str]] | None = None) -> Summary:
        """Syncs everything, or only some (source, entity) pairs."""

        async def run_sync() -> Summary:
            jobs = sync_jobs(self.config, {}, self.data, self.clock, NullTelemetry())
            try:
                return await sync_once(jobs, self.store, Observer(), self.clock, full=full, only=only)
            finally:
                await asyncio.gather(*(job.source.close() for job in jobs))

        return asyncio.run(run_sync())

    def at(self, instant: datetime) -> Evaluation:
        """The evaluation as of an instant."""
        return Evaluator(self.config, self.store).evaluate(instant, None).evaluation


@contextmanager
def fewer_calls() -> Iterator[None]:
    """Reduces the phone calls of companies created inside this context, for faster syncs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phones, "INBOUND_PER_DAY", 30.0)
        patch.setattr(phones, "OUTBOUND_PER_DAY", 30.0)
        yield


@contextmanager
def running_demo(clock: Clock | None = None) -> Iterator[tuple[DemoServer, Clock]]:
    """Serves the APIs of all vendors on a free port; yields the server and its clock."""
    clock = clock or Clock()
    with fewer_calls():
        demo = serve(clock, port=0, options=ONE_MONTH, routes=vendor_routes)
        try:
            yield demo, clock
        finally:
            demo.close()


def run_with_vendors(vendors: str, demo: DemoServer, clock: Clock, directory: Path) -> VendorRun:
    """A run of the demo's config with these vendors, with a high request rate."""
    text = with_vendors(CONFIG.read_text(encoding="utf-8"), choose(vendors))
    text = re.sub(r"(?m)^    max_per_second: \d+", "    max_per_second: 1000", text)
    text = text.replace("history: 550d", "history: 120d")  # the length of the simulated history
    return run_with_config(text, demo, clock, directory)


def run_with_config(text: str, demo: DemoServer, clock: Clock, directory: Path) -> VendorRun:
    """A run of a config whose URLs at the demo's usual address are replaced by the server's."""
    (directory / "kpis.yaml").write_text(text.replace(f"http://{HOST}:{PORT}", demo.url), encoding="utf-8")
    (directory / KEY).write_bytes(CONFIG.with_name(KEY).read_bytes())
    config = load(directory / "kpis.yaml", {}).config
    return VendorRun(config, Store.open(directory / "store"), clock, directory)
