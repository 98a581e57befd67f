"""The program as it is installed, from outside: scraped by a real Prometheus, ended and killed as operators do."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from tests import small_company
from tests.programs import program
from tests.web.live_server import exchange, get

PATIENCE = 40.0
PROMETHEUS = "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

HOSTILE = [
    'quote " here',
    "back\\slash",
    "{{ $value }}",
    '"} or vector(1) #',
    "\u202eabc",
    "x" * 300,
    "日本",
    "<script>",
]


@dataclass
class Exporter:
    """A running exporter process."""

    process: subprocess.Popen[bytes]
    port: int

    def metrics(self) -> str:
        return get(self.port, "/metrics")[2].decode()

    def value(self, series: str) -> float | None:
        found = [line for line in self.metrics().splitlines() if line.startswith(f"{series} ")]
        return float(found[0].rpartition(" ")[2]) if found else None

    def answers(self) -> bool:
        try:
            return get(self.port, "/-/healthy")[0] == 200
        except OSError:
            return False

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, bytes]:
        """The exit code, and all that was logged."""
        self.process.send_signal(how)
        _, logged = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, logged


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)


@contextmanager
def exporting(
    config: Path, data: Path, *options: str, log: int = subprocess.PIPE, environ: Mapping[str, str] | None = None
) -> Iterator[Exporter]:
    port = free_port()
    command = [Path(sys.executable).with_name("kpi-exporter"), "serve", "--config", config, "--data-dir", data]
    process = subprocess.Popen(
        [*command, "--listen", f"127.0.0.1:{port}", "--log-format", "json", *options],
        stderr=log,
        env={**os.environ, **(environ or {})},
    )
    exporter = Exporter(process, port)
    try:
        until(lambda: exporter.answers() or process.poll() is not None)
        assert process.poll() is None, process.stderr and process.stderr.read().decode()
        yield exporter
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """The small company, with owners whose names are an attack."""
    path = small_company.write(tmp_path / "company")
    closed = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 120))
    table = (path.parent / "deals.csv").read_text().rstrip("\n").splitlines()
    quoted = [name.replace('"', '""') for name in HOSTILE]
    rows = [f'h{n},"{name}",won,1,{closed},2020-01-01' for n, name in enumerate(quoted)]
    (path.parent / "deals.csv").write_text("\n".join([*table, *rows]) + "\n", encoding="utf-8")
    return path


REVENUE = 'kpi_value{kpi="yearly_revenue"}'
EXPECTED = 700 + len(HOSTILE)


def ready(exporter: Exporter) -> None:
    until(lambda: exporter.value(REVENUE) == EXPECTED)
    until(lambda: "person_kpi_value{" in exporter.metrics())


def ask(port: int, query: str) -> list[dict[str, Any]]:
    """An instant query of Prometheus."""
    with urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={quote(query)}", timeout=10) as answer:
        found: list[dict[str, Any]] = json.loads(answer.read())["data"]["result"]
        return found


@contextmanager
def scraping(exporter: Exporter, directory: Path) -> Iterator[int]:
    """A Prometheus that scrapes the exporter every second."""
    port = free_port()
    directory.mkdir()
    (directory / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        "scrape_configs:\n"
        f"  - {{job_name: kpi, sample_limit: 50000, static_configs: [{{targets: ['127.0.0.1:{exporter.port}']}}]}}\n"
    )
    process = subprocess.Popen(
        [
            program("prometheus"),
            f"--config.file={directory}/prometheus.yml",
            f"--storage.tsdb.path={directory}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
        stderr=subprocess.PIPE,
    )

    def answers() -> bool:
        try:
            return get(port, "/-/ready")[0] == 200
        except OSError:
            return False

    try:
        until(answers)
        yield port
    finally:
        process.terminate()
        _, told = process.communicate(timeout=PATIENCE)
        assert b"err=" not in told, told.decode()


def test_prometheus_scrapes_it_without_an_error(company: Path, tmp_path: Path) -> None:
    with exporting(company, tmp_path / "data") as exporter:
        ready(exporter)
        with scraping(exporter, tmp_path / "prometheus") as port:
            until(lambda: len(ask(port, "up == 1")) == 1)
            until(lambda: ask(port, "count_over_time(up[1m]) > 3"))
            assert ask(port, "up == 0 or up offset 1s == 0") == []
            assert ask(port, "min_over_time(up[1m])")[0]["value"][1] == "1"
            (scraped,) = ask(port, "scrape_samples_scraped")
            (kept,) = ask(port, "scrape_samples_post_metric_relabeling")
            assert scraped["value"][1] == kept["value"][1]
            assert float(scraped["value"][1]) > 100
            assert ask(port, REVENUE)[0]["value"][1] == str(EXPECTED)
            people = {found["metric"]["person"] for found in ask(port, "person_kpi_value")}
            assert {"Ada Lovelace", *HOSTILE[:5], "日本", "<script>"} <= people
            assert {len(name) for name in people if name.startswith("xxx")} == {128}


def test_promtool_has_nothing_to_say_about_what_it_exposes(company: Path, tmp_path: Path) -> None:
    promtool = program("promtool")
    with exporting(company, tmp_path / "data") as exporter:
        ready(exporter)
        done = subprocess.run([promtool, "check", "metrics"], input=exporter.metrics().encode(), capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_sigterm_ends_it_cleanly_and_every_log_line_is_json(company: Path, tmp_path: Path) -> None:
    with exporting(company, tmp_path / "data") as exporter:
        ready(exporter)
        code, logged = exporter.end()
    assert code == 0
    lines = [json.loads(line) for line in logged.splitlines()]
    assert any("serving" in line["message"] for line in lines)
    assert b"Traceback" not in logged


def test_sigint_while_it_still_starts_ends_it_cleanly_too(company: Path, tmp_path: Path) -> None:
    with exporting(company, tmp_path / "data") as exporter:
        code, _ = exporter.end(signal.SIGINT)
    assert code == 0


def test_after_a_kill_the_last_snapshot_is_there_at_once(company: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with exporting(company, data) as exporter:
        ready(exporter)
        assert exporter.end()[0] == 0
    with exporting(company, data) as exporter:
        assert exporter.value(REVENUE) == EXPECTED
        assert exporter.end(signal.SIGKILL)[0] == -signal.SIGKILL
    with exporting(company, data) as exporter:
        assert exporter.value(REVENUE) == EXPECTED


def test_one_data_directory_has_one_process(company: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = [Path(sys.executable).with_name("kpi-exporter"), "values", "--config", company, "--data-dir", data]
    with exporting(company, data) as exporter:
        ready(exporter)
        second = subprocess.run(command, capture_output=True, text=True)
        assert second.returncode == 3
        assert "another kpi-exporter process" in second.stderr
        exporter.end(signal.SIGKILL)
        assert subprocess.run(command, capture_output=True).returncode == 0


def test_a_storm_of_scrapers_is_answered_while_it_syncs(company: Path, tmp_path: Path) -> None:
    with exporting(company, tmp_path / "data") as exporter:
        ready(exporter)
        with ThreadPoolExecutor(200) as pool:
            asked = [
                pool.submit(get, exporter.port, "/metrics", PROMETHEUS, "Accept-Encoding: gzip") for _ in range(400)
            ]
            answers = [answer.result() for answer in asked]
        assert {status for status, _, _ in answers} == {200}
        for _, _, body in answers:
            text = gzip.decompress(body)
            assert text.endswith(b"# EOF\n")
            assert REVENUE.encode() in text


def test_clients_that_stall_are_closed_and_harm_nobody(company: Path, tmp_path: Path) -> None:
    with exporting(company, tmp_path / "data") as exporter:
        ready(exporter)
        stalled = [socket.create_connection(("127.0.0.1", exporter.port)) for _ in range(200)]
        try:
            for number, connection in enumerate(stalled):
                connection.sendall([b"", b"GET /met", b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: "][number % 3])
            assert exporter.value(REVENUE) == EXPECTED
            assert exchange(exporter.port, b"GET /met", timeout=PATIENCE) == b""
            for connection in stalled:
                connection.settimeout(PATIENCE)
                assert connection.recv(100) == b""
            assert exporter.value(REVENUE) == EXPECTED
        finally:
            for connection in stalled:
                connection.close()
