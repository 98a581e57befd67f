"""Forty kills (-9) while a child stages and publishes: nothing it was told is kept may be missing or doubled."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

import duckdb

from exporter.passes import Page
from exporter.store.store import Store
from tests.bench.measure import Row, percentile
from tests.bench.upsert import BEGIN, SIZE, calls

KILLS = 40


def run() -> Iterator[Row]:
    """Acknowledged batches that were lost, rows that were doubled, and how long reopening took.

    DuckDB alone opens a copy of what the kill left.
    """
    chance = random.Random(7)
    opened, spent, alone, lost, doubled = [], [], [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        known = 0
        for _ in range(KILLS):
            known = _until_killed(folder, known, chance.uniform(0.2, 1.2))
            alone.append(_alone(Path(folder)))
            start, before = time.perf_counter(), time.process_time()
            store = Store.open(Path(folder))
            opened.append(time.perf_counter() - start)
            spent.append(time.process_time() - before)
            rows, different = store.reader().execute("SELECT count(*), count(DISTINCT id) FROM calls").fetchall()[0]
            store.close()
            lost += max(0, _expected(known) - rows)
            doubled += rows - different
            known = max(known, (rows - 100) // (SIZE - 100) if rows else 0)
    yield Row("40 kills: acknowledged rows lost", "rows", float(lost), budget=0)
    yield Row("40 kills: rows doubled", "rows", float(doubled), budget=0)
    yield Row("reopening after a kill, 9 of 10", "ms", percentile(opened, 0.9) * 1e3, budget=100)
    yield Row("reopening after a kill", "ms CPU", median(spent) * 1e3, "DuckDB alone", median(alone) * 1e3)


def _alone(folder: Path) -> float:
    with tempfile.TemporaryDirectory() as copy:
        for name in ("kpi.duckdb", "kpi.duckdb.wal"):
            if (folder / name).exists():
                shutil.copy(folder / name, copy)
        before = time.process_time()
        with duckdb.connect(f"{copy}/kpi.duckdb") as connection:
            connection.execute("SELECT count(*) FROM calls").fetchall()
            return time.process_time() - before


def _expected(batches: int) -> int:
    return batches * SIZE - 100 * max(0, batches - 1)


def _until_killed(folder: str, first: int, seconds: float) -> int:
    """Batches that the child said were published before it was killed."""
    command = [sys.executable, "-m", "tests.bench.kills", folder, str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(seconds)
        os.kill(child.pid, signal.SIGKILL)
        said = child.stdout.read().split()
    return int(said[-1]) if said else first


def main() -> None:
    """The child: publishes batch after batch and says so after each commit."""
    store = Store.open(Path(sys.argv[1]))
    batch = int(sys.argv[2])
    print("ready", flush=True)  # noqa: T201 - the parent reads it
    while True:
        asked = store.begin("phones", "calls", BEGIN + timedelta(minutes=batch), full=False)
        store.stage(asked, "phones", Page(calls(batch), cursor=str(batch)))
        store.publish("phones", "calls", cursor=str(batch))
        batch += 1
        print(batch, flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main()
