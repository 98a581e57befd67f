"""Start without anything to sync, next to a bare process of the same parts; idle memory; installed size."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from exporter.passes import Page
from exporter.store.store import Store
from tests.bench.ingest import PEERS
from tests.bench.ingest_exporter import CONFIG, figures
from tests.bench.measure import Row, process_cpu, process_memory
from tests.bench.sizes import installed
from tests.bench.upsert import calls

TIMES, REST = 5, 12.0
"""Number of starts, and the seconds until the process counts as idle."""

SERIES = b"business_calls{"


def run() -> Iterator[Row]:
    """CPU until the first scrape serves the stored snapshot, resident memory when idle, and installed size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _prepare(folder)
        starts, peer_starts = [], []
        for _ in range(TIMES):
            starts.append(_started(_our_command(folder), SERIES, 0.0)[0])
            peer_starts.append(_started(_bare_command(folder), b"calls ", 0.0)[0])
        yield Row("start to first scrape", "s CPU", median(starts), budget=1)
        yield Row("start to first scrape", "s CPU", median(starts), "DuckDB and prometheus-client", median(peer_starts))
        _, memory = _started(_our_command(folder), SERIES, REST)
        _, bare = _started(_bare_command(folder), b"calls ", REST)
        yield Row("memory at rest", "MB", memory, budget=100)
        yield Row("memory at rest", "MB", memory, "DuckDB and prometheus-client", bare)
    size = installed("kpi-exporter")
    yield Row("installed, without extras", "MB", size, budget=150)
    yield Row("installed, without extras", "MB", size, "dlt, DuckDB, pyarrow", _peer_size())


def _prepare(folder: Path) -> None:
    """Creates a store of 10,000 fresh calls and the snapshot of a first run."""
    (folder / "kpis.yaml").write_text(
        CONFIG.format(port=9).replace("base_url", "sync_every: 24h\n    base_url"), encoding="utf-8"
    )
    store = Store.open(folder / "data")
    now = datetime.now(UTC)
    sync_pass = store.begin("phones", "calls", now)
    for batch in range(10):
        store.stage(sync_pass, "phones", Page(calls(batch), cursor="end"))
    store.publish("phones", "calls", cursor="end", at=now)
    store.close()
    _started(_our_command(folder), SERIES, 1.0)


def _our_command(folder: Path) -> list[str]:
    exporter = str(Path(sys.executable).with_name("kpi-exporter"))
    paths = ["--config", str(folder / "kpis.yaml"), "--data-dir", str(folder / "data")]
    return [exporter, "serve", *paths, "--listen", "127.0.0.1:0", "--log-level", "info"]


def _bare_command(folder: Path) -> list[str]:
    """The minimal Python program that exposes a number from this store."""
    code = (
        "import sys, time, duckdb, prometheus_client as p\n"
        "c = duckdb.connect(sys.argv[1], read_only=True)\n"
        "p.Gauge('calls', 'Calls.').set(c.execute('SELECT count(*) FROM calls').fetchone()[0])\n"
        "s, _ = p.start_http_server(0, '127.0.0.1')\n"
        "print(f'http://127.0.0.1:{s.server_port}/metrics', file=sys.stderr, flush=True)\n"
        "time.sleep(600)\n"
    )
    return [sys.executable, "-c", code, str(folder / "data" / "kpi.duckdb")]


def _started(command: list[str], series: bytes, rest: float) -> tuple[float, float]:
    """CPU seconds until a scrape shows the series, and resident megabytes `rest` seconds later."""
    with _process(command) as (process, address):
        while series not in _scraped(address):
            time.sleep(0.005)
        spent = process_cpu(process.pid)
        time.sleep(rest)
        return spent, process_memory(process.pid)


@contextmanager
def _process(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            lines = iter(process.stderr)
            line = next(line for line in lines if "http://127.0.0.1" in line)
            yield process, next(word for word in line.split() if word.startswith("http://127.0.0.1"))
        finally:
            process.terminate()


def _scraped(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=30) as answer:
        body: bytes = answer.read()
        return body


def _peer_size() -> float:
    command = [str(PEERS), "tests/bench/sizes.py", "dlt", "duckdb", "pyarrow"]
    return figures(subprocess.run(command, capture_output=True, text=True, check=False))[0]
