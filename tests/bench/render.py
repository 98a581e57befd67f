"""Rendering everything again, and only what changed, next to prometheus-client's text format."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest

from exporter.exposition.render import Renderer
from tests.bench.measure import Row, cpu_of
from tests.bench.series import Collector, rows


def run() -> Iterator[Row]:
    """CPU for 100,000 series. Our figure includes compression, the peer's does not."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    peer = cpu_of(lambda: generate_latest(registry), 5)
    renderer = Renderer()
    turns = [rows(turn) for turn in range(2)]
    renderer.render(turns[0])
    every = iter(turns * 4)
    next(every)
    seconds = cpu_of(lambda: renderer.render(next(every)), 7)
    yield Row("render all of 100,000 series", "ms CPU", seconds * 1e3, "prometheus-client text", peer * 1e3, 1 / 8)
    moving = iter([_one_changed(turns[0], turn) for turn in range(9)])
    renderer.render(turns[0])
    few = cpu_of(lambda: renderer.render(next(moving)), 7)
    yield Row("render 1 changed family of 25", "ms CPU", few * 1e3, "prometheus-client text", peer * 1e3, 1 / 8)


def _one_changed(families: list, turn: int) -> list:
    changed = dataclasses.replace(families[0], values=[value + turn + 1 for value in families[0].values])
    return [changed, *families[1:]]
