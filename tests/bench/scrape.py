"""Scrapes of 100,000 unchanged series with Prometheus' headers, next to prometheus-client and pushgateway."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, generate_latest

from tests.bench.measure import Row, percentile, process_cpu
from tests.bench.series import Collector

PROMETHEUS = {
    "Accept": "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}


def run() -> Iterator[Row]:
    """CPU of the server per scrape, and the latency for eight scrapers while a sync keeps the process busy."""
    with _python("exporter") as (port, pid):
        seconds = _cpu_per_scrape(port, pid, 300)
    with _python("peer") as (port, pid):
        client = _cpu_per_scrape(port, pid, 4)
    yield Row("scrape 100,000 unchanged series", "ms CPU", seconds * 1e3, "prometheus-client", client * 1e3, 1 / 200)
    if shutil.which("prometheus-pushgateway"):
        with _pushgateway() as (port, pid):
            gateway = _cpu_per_scrape(port, pid, 12)
        yield Row("scrape 100,000 unchanged series", "ms CPU", seconds * 1e3, "pushgateway", gateway * 1e3, 1 / 50)
    with _python("exporter", "busy") as (port, _):
        waits = _eight_scrapers(port)
    yield Row("p99 of 8 scrapers during a sync", "ms", percentile(waits, 0.99) * 1e3, budget=25)


@contextmanager
def _python(*words: str) -> Iterator[tuple[int, int]]:
    command = [sys.executable, "-m", "tests.bench.servers", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline()), process.pid
        finally:
            process.kill()


@contextmanager
def _pushgateway() -> Iterator[tuple[int, int]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    with subprocess.Popen(command) as process:
        try:
            _push(port, generate_latest(registry))
            yield port, process.pid
        finally:
            process.kill()


def _push(port: int, body: bytes) -> None:
    for _ in range(100):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("PUT", "/metrics/job/bench", body)
            connection.getresponse().read()
            return
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise RuntimeError("pushgateway did not start within 10 s")


def _cpu_per_scrape(port: int, pid: int, times: int) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    _scrape(connection)
    before = process_cpu(pid)
    for _ in range(times):
        _scrape(connection)
    return (process_cpu(pid) - before) / times


def _scrape(connection: http.client.HTTPConnection) -> float:
    start = time.perf_counter()
    connection.request("GET", "/metrics", headers=PROMETHEUS)
    answer = connection.getresponse()
    if answer.status != 200 or not answer.read():
        raise RuntimeError(f"the scrape was answered with {answer.status}")
    return time.perf_counter() - start


def _eight_scrapers(port: int) -> list[float]:
    def paced(_: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        waits = []
        for _turn in range(60):
            waits.append(_scrape(connection))
            time.sleep(0.05)
        return waits

    with ThreadPoolExecutor(8) as scrapers:
        return [wait for waits in scrapers.map(paced, range(8)) for wait in waits]
