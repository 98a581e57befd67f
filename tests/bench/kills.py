"""Forty kills (-9) of a child that stages and publishes: no acknowledged row may be lost or doubled."""

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
    """Lost and doubled rows, and the time to reopen the store. The peer opens a copy of it with DuckDB peer_cpu."""
    chance = random.Random(7)
    reopening, spent, peer_cpu, lost, doubled = [], [], [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        batches = 0
        for _ in range(KILLS):
            batches = _until_killed(folder, batches, chance.uniform(0.2, 1.2))
            peer_cpu.append(_duckdb_alone(Path(folder)))
            start, before = time.perf_counter(), time.process_time()
            store = Store.open(Path(folder))
            reopening.append(time.perf_counter() - start)
            spent.append(time.process_time() - before)
            rows, different = store.reader().execute("SELECT count(*), count(DISTINCT id) FROM calls").fetchall()[0]
            store.close()
            lost += max(0, _expected(batches) - rows)
            doubled += rows - different
            batches = max(batches, (rows - 100) // (SIZE - 100) if rows else 0)
    yield Row("40 kills: acknowledged rows lost", "rows", float(lost), budget=0)
    yield Row("40 kills: rows doubled", "rows", float(doubled), budget=0)
    yield Row("reopening after a kill, 9 of 10", "ms", percentile(reopening, 0.9) * 1e3, budget=100)
    yield Row("reopening after a kill", "ms CPU", median(spent) * 1e3, "DuckDB alone", median(peer_cpu) * 1e3)


def _duckdb_alone(folder: Path) -> float:
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
    """The number of batches that the child reported as published before it was killed."""
    command = [sys.executable, "-m", "tests.bench.kills", folder, str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(seconds)
        os.kill(child.pid, signal.SIGKILL)
        output = child.stdout.read().split()
    return int(output[-1]) if output else first


def main() -> None:
    """The child: publishes batch after batch and reports each commit."""
    store = Store.open(Path(sys.argv[1]))
    batch = int(sys.argv[2])
    print("ready", flush=True)  # noqa: T201 - the parent reads it
    while True:
        sync_pass = store.begin("phones", "calls", BEGIN + timedelta(minutes=batch), full=False)
        store.stage(sync_pass, "phones", Page(calls(batch), cursor=str(batch)))
        store.publish("phones", "calls", cursor=str(batch))
        batch += 1
        print(batch, flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main()
