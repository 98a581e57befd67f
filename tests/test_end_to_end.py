"""The installed program from outside: scraped by a real Prometheus, stopped and killed."""

from __future__ import annotations

import gzip
import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE

import pytest

from tests import small_company
from tests.exporter_process import COMMAND, Exporter, exporting
from tests.processes import completed, started
from tests.programs import program
from tests.prometheus_server import ask, scraping
from tests.this_year import recent
from tests.waiting import LIMIT, until
from tests.web.live_server import exchange, get

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


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """The small company, with owners whose names are attacks."""
    path = small_company.write(tmp_path / "company")
    closed = f"{recent(timedelta(minutes=2)):%Y-%m-%dT%H:%M:%SZ}"
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


def test_promtool_accepts_the_metrics(company: Path, tmp_path: Path) -> None:
    promtool = program("promtool")
    with exporting(company, tmp_path / "data") as exporter:
        ready(exporter)
        with started([promtool, "check", "metrics"], stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
            out, err = process.communicate(exporter.metrics().encode(), timeout=LIMIT)
    assert (process.returncode, out, err) == (0, b"", b"")


def test_sigterm_ends_it_cleanly_and_every_log_line_is_json(company: Path, tmp_path: Path) -> None:
    with exporting(company, tmp_path / "data") as exporter:
        ready(exporter)
        code, logged = exporter.end()
    assert code == 0
    lines = [json.loads(line) for line in logged.splitlines()]
    assert any("serving" in line["message"] for line in lines)
    assert b"Traceback" not in logged


def test_sigint_during_the_start_ends_it_cleanly(company: Path, tmp_path: Path) -> None:
    with exporting(company, tmp_path / "data") as exporter:
        code, _ = exporter.end(signal.SIGINT)
    assert code == 0


def test_the_last_snapshot_is_served_right_after_a_kill(company: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with exporting(company, data) as exporter:
        ready(exporter)
        assert exporter.end()[0] == 0
    with exporting(company, data) as exporter:
        assert exporter.value(REVENUE) == EXPECTED
        assert exporter.end(signal.SIGKILL)[0] == -signal.SIGKILL
    with exporting(company, data) as exporter:
        assert exporter.value(REVENUE) == EXPECTED


def test_a_data_directory_has_one_process(company: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = [COMMAND, "values", "--config", company, "--data-dir", data]
    with exporting(company, data) as exporter:
        ready(exporter)
        second = completed(command, text=True)
        assert second.returncode == 3
        assert "another kpi-exporter process" in second.stderr
        exporter.end(signal.SIGKILL)
        assert completed(command).returncode == 0


def test_many_scrapers_are_answered_during_a_sync(company: Path, tmp_path: Path) -> None:
    with exporting(company, tmp_path / "data") as exporter:
        ready(exporter)
        with ThreadPoolExecutor(200) as pool:
            requests = [
                pool.submit(get, exporter.port, "/metrics", PROMETHEUS, "Accept-Encoding: gzip") for _ in range(400)
            ]
            answers = [answer.result() for answer in requests]
        assert {status for status, _, _ in answers} == {200}
        for _, _, body in answers:
            text = gzip.decompress(body)
            assert text.endswith(b"# EOF\n")
            assert REVENUE.encode() in text


def test_stalled_clients_are_closed_and_delay_nobody(company: Path, tmp_path: Path) -> None:
    with exporting(company, tmp_path / "data") as exporter:
        ready(exporter)
        stalled = [socket.create_connection(("127.0.0.1", exporter.port)) for _ in range(200)]
        try:
            for number, connection in enumerate(stalled):
                connection.sendall([b"", b"GET /met", b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: "][number % 3])
            assert exporter.value(REVENUE) == EXPECTED
            assert exchange(exporter.port, b"GET /met", timeout=LIMIT) == b""
            for connection in stalled:
                connection.settimeout(LIMIT)
                assert connection.recv(100) == b""
            assert exporter.value(REVENUE) == EXPECTED
        finally:
            for connection in stalled:
                connection.close()
