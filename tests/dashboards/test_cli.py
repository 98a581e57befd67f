"""The commands `generate` and `push-grafana`, run as programs."""

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
    result = run("generate", "--config", config, "--out", out)
    assert result.returncode == 0, result.stderr
    assert "18 files in" in result.stdout
    assert (out / "grafana/dashboards/kpi/overview.json").exists()
    check = run("generate", "--config", config, "--out", out, "--check")
    assert (check.returncode, check.stdout) == (0, f"{out} is up to date\n")


def test_check_shows_a_diff_writes_nothing_and_exits_with_1(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("generate", "--config", config, "--out", out)
    config.write_text(CONFIG.replace("title: Deals", "title: Orders"), encoding="utf-8")
    before = (out / "prometheus/rules/kpi-alerts.yml").read_text()
    result = run("generate", "--config", config, "--out", out, "--check")
    assert result.returncode == 1
    assert "-      headline: The data of Deals is out of date\n" in result.stdout
    assert "+      headline: The data of Orders is out of date\n" in result.stdout
    assert "out of date, run kpi-exporter generate" in result.stderr
    assert (out / "prometheus/rules/kpi-alerts.yml").read_text() == before


def test_files_for_a_cluster_replace_those_of_the_stack(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("generate", "--config", config, "--out", out)
    result = run("generate", "--config", config, "--out", out, "--for", "kubernetes")
    assert result.returncode == 0, result.stderr
    assert yaml.safe_load((out / "kubernetes/rules.yaml").read_text())["kind"] == "PrometheusRule"
    assert not (out / "prometheus").exists()


def test_addresses_and_folders_can_be_set(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(
        "generate", "--config", config, "--out", out, "--exporter", "127.0.0.1:9940", "--alertmanager",
        "127.0.0.1:9093", "--dashboards-dir", "/d", "--config-dir", "/c", "--datasource-uid", "mine",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "127.0.0.1:9940" in (out / "prometheus/prometheus.yml").read_text()
    assert 'path: "/d/kpi"' in (out / "grafana/provisioning/dashboards/kpi.yaml").read_text()
    assert '"uid": "mine"' in (out / "grafana/dashboards/kpi/overview.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--config", "/nowhere.yaml"], 2, "/nowhere.yaml"),
        (["--datasource-uid", "with blank"], 2, "1 to 40 of"),
        (["--for", "windows"], 2, "windows"),
    ],
)
def test_wrong_input_is_reported_and_exits_with_2(
    config: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    result = run("generate", "--config", config, "--out", tmp_path / "out", *arguments)
    assert (result.returncode, message in result.stderr) == (code, True), result.stderr
    assert not (tmp_path / "out").exists()


def test_an_unwritable_folder_is_reported_and_exits_with_1(config: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("generate", "--config", config, "--out", tmp_path / "file" / "out")
    assert result.returncode == 1
    assert "cannot write to" in result.stderr


def test_without_a_token_nothing_is_sent(config: Path, tmp_path: Path) -> None:
    result = run("push-grafana", "--config", config, GRAFANA_TOKEN="")
    assert result.returncode == 1
    assert "environment variable GRAFANA_TOKEN is missing or empty" in result.stderr
    result = run("push-grafana", "--config", config, "--token-file", tmp_path / "none")
    assert (result.returncode, "cannot be read" in result.stderr) == (1, True)


@pytest.fixture
def grafana() -> Iterator[tuple[FakeGrafana, str]]:
    fake = FakeGrafana()

    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = httpx.Request(self.command, f"http://fake{self.path}", headers=dict(self.headers), content=body)
            response = fake.answer(request)
            self.send_response(response.status_code)
            self.send_header("Content-Length", str(len(response.content)))
            self.end_headers()
            self.wfile.write(response.content)

        do_GET = do_POST = do_PUT = do_DELETE = _respond  # noqa: N815  # http.server calls them so

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Logs nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield fake, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_dry_run_shows_the_changes_that_a_push_then_makes(
    config: Path, tmp_path: Path, grafana: tuple[FakeGrafana, str]
) -> None:
    fake, url = grafana
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    dry_run = run("push-grafana", "--config", config, "--url", url, "--token-file", token, "--dry-run")
    assert dry_run.returncode == 0, dry_run.stderr
    assert "create dashboard Company overview (kpi-overview)" in dry_run.stdout
    assert dry_run.stdout.endswith("8 changes would be made\n")
    assert fake.log == []

    push = run("push-grafana", "--config", config, "--url", url, GRAFANA_TOKEN=TOKEN)
    assert push.stdout.endswith("8 changes\n")
    assert "kpi-overview" in fake.dashboards
    config.write_text(CONFIG.replace("title: Deals", "title: Orders"), encoding="utf-8")
    second_dry_run = run("push-grafana", "--config", config, "--url", url, "--dry-run", GRAFANA_TOKEN=TOKEN)
    assert '+          "text": "Orders",\n' in second_dry_run.stdout
    assert TOKEN not in push.stdout + push.stderr + dry_run.stdout + second_dry_run.stdout


def test_a_rejected_push_exits_with_1(config: Path, grafana: tuple[FakeGrafana, str]) -> None:
    result = run("push-grafana", "--config", config, "--url", grafana[1], GRAFANA_TOKEN="wrong")
    assert result.returncode == 1
    assert "Grafana rejects the token" in result.stderr


def test_help_lists_both_commands() -> None:
    result = run("--help")
    assert "generate" in result.stdout
    assert "push-grafana" in result.stdout
