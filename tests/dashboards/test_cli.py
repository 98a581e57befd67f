"""The commands as somebody types them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import yaml

from tests.dashboards.push.fake_grafana import TOKEN, FakeGrafana

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).with_name("kpi-exporter")
CONFIG = """
company: {name: Acme, timezone: Europe/Zurich}
sources:
  - {name: crm, provider: csv, path: deals.csv, entity: deals, columns: {id: id, closed_at: closed}}
metrics:
  - {name: won, title: Won, entity: deals, at: closed_at, count: rows}
objectives:
  - {name: grow, title: Grow, owner: a@example.com}
kpis:
  - {name: deals, title: Deals, objective: grow, department: Sales, owner: a@example.com, why: It matters.,
     value: won, period: month, better: higher, target: 10}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "kpis.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    (tmp_path / "deals.csv").write_text("id,closed\n1,2026-01-01\n", encoding="utf-8")
    return path


def run(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", **environ},
    )


def test_generate_writes_and_check_agrees(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("generate", "--config", config, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "16 files in" in done.stdout
    assert (out / "grafana/dashboards/kpi/overview.json").exists()
    again = run("generate", "--config", config, "--out", out, "--check")
    assert (again.returncode, again.stdout) == (0, f"{out} is up to date\n")


def test_check_shows_a_diff_writes_nothing_and_exits_with_1(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("generate", "--config", config, "--out", out)
    config.write_text(CONFIG.replace("title: Deals", "title: Orders"), encoding="utf-8")
    before = (out / "prometheus/rules/kpi-alerts.yml").read_text()
    done = run("generate", "--config", config, "--out", out, "--check")
    assert done.returncode == 1
    assert "-      summary: The data of Deals is out of date\n" in done.stdout
    assert "+      summary: The data of Orders is out of date\n" in done.stdout
    assert "out of date, run kpi-exporter generate" in done.stderr
    assert (out / "prometheus/rules/kpi-alerts.yml").read_text() == before


def test_a_cluster_gets_other_files_in_place_of_the_stacks(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("generate", "--config", config, "--out", out)
    done = run("generate", "--config", config, "--out", out, "--for", "kubernetes")
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load((out / "kubernetes/rules.yaml").read_text())["kind"] == "PrometheusRule"
    assert not (out / "prometheus").exists()


def test_addresses_and_folders_can_be_others(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run(
        "generate", "--config", config, "--out", out, "--exporter", "127.0.0.1:9940", "--alertmanager",
        "127.0.0.1:9093", "--dashboards-dir", "/d", "--config-dir", "/c", "--datasource-uid", "mine",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "127.0.0.1:9940" in (out / "prometheus/prometheus.yml").read_text()
    assert 'path: "/d/kpi"' in (out / "grafana/provisioning/dashboards/kpi.yaml").read_text()
    assert '"uid": "mine"' in (out / "grafana/dashboards/kpi/overview.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--config", "/nowhere.yaml"], 2, "/nowhere.yaml"),
        (["--datasource-uid", "with blank"], 2, "1 to 40 of"),
        (["--for", "windows"], 2, "windows"),
    ],
)
def test_wrong_input_is_told_and_exits_with_2(
    config: Path, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    done = run("generate", "--config", config, "--out", tmp_path / "out", *arguments)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_told_and_exits_with_1(config: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("generate", "--config", config, "--out", tmp_path / "file" / "out")
    assert done.returncode == 1
    assert "cannot write to" in done.stderr


def test_without_a_token_nothing_is_sent(config: Path, tmp_path: Path) -> None:
    done = run("push-grafana", "--config", config, GRAFANA_TOKEN="")
    assert done.returncode == 1
    assert "environment variable GRAFANA_TOKEN is missing or empty" in done.stderr
    done = run("push-grafana", "--config", config, "--token-file", tmp_path / "none")
    assert (done.returncode, "cannot be read" in done.stderr) == (1, True)


@pytest.fixture
def grafana() -> Iterator[tuple[FakeGrafana, str]]:
    fake = FakeGrafana()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = httpx.Request(self.command, f"http://fake{self.path}", headers=dict(self.headers), content=body)
            answer = fake.answer(request)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815  # http.server calls them so

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield fake, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_push_tries_sends_and_tells(config: Path, tmp_path: Path, grafana: tuple[FakeGrafana, str]) -> None:
    fake, url = grafana
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    tried = run("push-grafana", "--config", config, "--url", url, "--token-file", token, "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert "create dashboard Company overview (kpi-overview)" in tried.stdout
    assert tried.stdout.endswith("7 changes would be made\n")
    assert fake.log == []

    sent = run("push-grafana", "--config", config, "--url", url, GRAFANA_TOKEN=TOKEN)
    assert sent.stdout.endswith("7 changes\n")
    assert "kpi-overview" in fake.dashboards
    config.write_text(CONFIG.replace("title: Deals", "title: Orders"), encoding="utf-8")
    shown = run("push-grafana", "--config", config, "--url", url, "--dry-run", GRAFANA_TOKEN=TOKEN)
    assert '+          "text": "Orders",\n' in shown.stdout
    assert TOKEN not in sent.stdout + sent.stderr + tried.stdout + shown.stdout


def test_a_refused_push_exits_with_1(config: Path, grafana: tuple[FakeGrafana, str]) -> None:
    done = run("push-grafana", "--config", config, "--url", grafana[1], GRAFANA_TOKEN="wrong")
    assert done.returncode == 1
    assert "Grafana rejects the token" in done.stderr


def test_help_names_both_commands() -> None:
    done = run("--help")
    assert "generate" in done.stdout
    assert "push-grafana" in done.stdout
