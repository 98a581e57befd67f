"""Passes of 1,000 calls each into the store, next to DuckDB's delete and insert from Arrow."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from exporter.passes import Page
from exporter.records import Call
from exporter.store.store import Store
from tests.bench.ingest import PEERS
from tests.bench.ingest_exporter import figures
from tests.bench.measure import Row

BATCHES, SIZE = 60, 1000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def run() -> Iterator[Row]:
    """CPU per commit of 1,000 rows, a tenth of them updates; median of three interleaved rounds.

    A pass of one page has two commits: one stages the page, one publishes it. A pass of sixty pages publishes once.
    The peer keeps no sync state and does not survive a kill.
    """
    rounds = [(_passes(), _pages(), _arrow()) for _ in range(3)]
    passes, pages, peer = (median(spent) * 1e3 for spent in zip(*rounds, strict=True))
    yield Row("upsert, passes of 1,000 rows", "ms CPU a commit", passes, "DuckDB, Arrow", peer, 2.5)
    yield Row("upsert, a pass of 60 pages of 1,000 rows", "ms CPU a commit", pages, "DuckDB, Arrow", peer, 2.5)


def _passes() -> float:
    """One pass per page."""
    with tempfile.TemporaryDirectory() as folder:
        store, start = Store.open(Path(folder)), time.process_time()
        for batch in range(BATCHES):
            sync_pass = store.begin("phones", "calls", BEGIN + timedelta(minutes=batch))
            store.stage(sync_pass, "phones", Page(calls(batch), cursor=str(batch)))
            store.publish("phones", "calls", cursor=str(batch))
        spent = time.process_time() - start
        store.close()
    return spent / BATCHES


def _pages() -> float:
    """All pages in one pass."""
    with tempfile.TemporaryDirectory() as folder:
        store, start = Store.open(Path(folder)), time.process_time()
        sync_pass = store.begin("phones", "calls", BEGIN)
        for batch in range(BATCHES):
            store.stage(sync_pass, "phones", Page(calls(batch), cursor=str(batch)))
        store.publish("phones", "calls", cursor="end")
        spent = time.process_time() - start
        store.close()
    return spent / BATCHES


def _arrow() -> float:
    command = [str(PEERS), "tests/bench/upsert_arrow.py", str(BATCHES), str(SIZE)]
    return figures(subprocess.run(command, capture_output=True, text=True, check=False))[0]


def calls(batch: int) -> tuple[Call, ...]:
    """A thousand calls: 900 new ones, and 100 of the previous batch with another duration."""
    first = batch * SIZE - (100 if batch else 0)
    return tuple(call(number, batch) for number in range(first, first + SIZE))


def call(number: int, batch: int) -> Call:
    """A call."""
    start = BEGIN + timedelta(seconds=number)
    return Call(
        id=f"call-{number:08}",
        updated_at=start + timedelta(hours=batch),
        direction="inbound",
        status="answered",
        queue=f"queue {number % 12}",
        agent=f"agent {number % 500}",
        started_at=start,
        wait_seconds=float(number % 90),
        talk_seconds=float(number % 500 + batch),
    )
