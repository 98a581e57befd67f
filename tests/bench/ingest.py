"""A sync of 100,000 calls from a local paginated API, next to dlt's REST source."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench import ingest_exporter
from tests.bench.measure import Row

PEERS = Path(".venv-peers/bin/python")


def run() -> Iterator[Row]:
    """CPU and memory of the whole process."""
    command = [sys.executable, "-m", "tests.bench.calls_api"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            runs = sorted(ingest_exporter.run(port) for _ in range(3))
            cpu, memory = runs[1]
            for loader, name, share in (("parquet", "dlt, Parquet files", 1 / 3), ("default", "dlt, default", 1 / 10)):
                peer_cpu, peer_memory = _dlt(port, loader)
                yield Row("sync 100,000 calls", "s CPU", cpu, name, peer_cpu, share)
                if loader == "parquet":
                    yield Row("sync 100,000 calls", "MB peak", memory, name, peer_memory, 1 / 3)
        finally:
            server.kill()


def _dlt(port: int, loader: str) -> tuple[float, float]:
    command = [str(PEERS), "tests/bench/ingest_dlt.py", str(port), loader]
    return ingest_exporter.figures(subprocess.run(command, capture_output=True, text=True, check=False))
