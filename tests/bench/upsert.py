"""Passes of 1,000 calls each into the store, beside DuckDB's own delete and insert from Arrow."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from exporter.records import Call
from exporter.sources.base import Page
from exporter.store.store import Store
from tests.bench.ingest import PEERS
from tests.bench.ingest_ours import figures
from tests.bench.measure import Row

BATCHES, SIZE = 60, 1000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def run() -> Iterator[Row]:
    """Rows a second, of which a tenth are updates; the peer's figure is what it would be without any bookkeeping."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder))
        start = time.perf_counter()
        for batch in range(BATCHES):
            asked = store.begin("phones", "calls", BEGIN + timedelta(minutes=batch))
            store.stage(asked, "phones", Page(calls(batch), cursor=str(batch)))
            store.publish("phones", "calls", cursor=str(batch))
        ours = BATCHES * SIZE / (time.perf_counter() - start)
        store.close()
    command = [str(PEERS), "tests/bench/upsert_arrow.py", str(BATCHES), str(SIZE)]
    rate, _ = figures(subprocess.run(command, capture_output=True, text=True, check=False))
    mine, theirs = SIZE / ours * 1e3, SIZE / rate * 1e3
    yield Row("upsert in commits of 1,000 rows", "ms a commit", mine, "DuckDB, Arrow", theirs, 2.5)


def calls(batch: int) -> tuple[Call, ...]:
    """A thousand calls: nine hundred new ones, a hundred of the batch before with another duration."""
    first = batch * SIZE - (100 if batch else 0)
    return tuple(call(number, batch) for number in range(first, first + SIZE))


def call(number: int, batch: int) -> Call:
    """One call."""
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
