"""The demo's config read through chosen vendors' APIs over HTTP, as of an instant that a test sets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exporter.commands.reading import Untold
from exporter.config.root import Config
from exporter.demo.exchange import written
from exporter.demo.server import PORT, Story, serve
from exporter.demo.vendors import choose
from exporter.evaluation.evaluations import Evaluations
from exporter.jobs import jobs
from exporter.kpi.values import Evaluation
from exporter.loading import read_config
from exporter.store.store import Store
from exporter.sync.observer import Silence
from exporter.sync.once import Summary, sync_once
from tests.demo.tiny import Hands

CONFIG = Path(__file__).parents[2] / "config" / "kpis.yaml"
SHORT = Story(seed=7, months=0)
"""From the beginning of the quarter on."""


@dataclass
class Carried:
    """An exporter in front of a company; time is what the hands say."""

    config: Config
    store: Store
    hands: Hands
    data: Path

    def sync(self) -> Summary:
        """One pass over everything."""

        async def read() -> Summary:
            made = jobs(self.config, {}, self.data, self.hands, Untold())
            try:
                return await sync_once(made, self.store, Silence(), self.hands)
            finally:
                await asyncio.gather(*(job.source.close() for job in made))

        return asyncio.run(read())

    def evaluate(self) -> Evaluation:
        """Everything as of now."""
        return Evaluations(self.config, self.store).evaluate(self.hands(), None).evaluation


@contextmanager
def carried(vendors: str, now: datetime, directory: Path) -> Iterator[Carried]:
    """Serves the company's first weeks of a quarter and reads them through these vendors."""
    hands = Hands(now)
    running = serve(hands, port=0, story=SHORT)
    directory.mkdir()
    try:
        yield from _reading(vendors, hands, running.port, directory)
    finally:
        running.close()


def _reading(vendors: str, hands: Hands, port: int, directory: Path) -> Iterator[Carried]:
    text = CONFIG.read_text(encoding="utf-8").replace("history: 550d", "history: 30d")
    (directory / "kpis.yaml").write_text(text, encoding="utf-8")
    (directory / "demo-token").write_bytes(CONFIG.with_name("demo-token").read_bytes())
    chosen = written(directory / "kpis.yaml", choose(vendors, ()), directory)
    text = chosen.read_text(encoding="utf-8").replace("history: 550d", "history: 30d").replace(f":{PORT}/", f":{port}/")
    chosen.write_text(text, encoding="utf-8")
    store = Store.open(directory / "store")
    try:
        yield Carried(read_config(chosen, {}).config, store, hands, directory)
    finally:
        store.close()
