"""Programs beside the demo: those that are installed run with generated files, and stop with it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
import yaml

from dashboards.local import stack
from dashboards.local.stack import grafana_command, grafana_environment
from exporter.config.root import Config
from tests import small_company
from tests.exporter_process import exporting, free_port
from tests.programs import program
from tests.prometheus_server import ask
from tests.waiting import until
from tests.web.live_server import get

ROOT = Path(__file__).parents[3]
SCRIPT = """#!/bin/sh
echo "$0 $*" >> {calls}/{name}
env | grep ^GF_ >> {calls}/{name}
trap 'echo ended >> {calls}/{name}; exit 0' TERM
while :; do sleep 0.1; done
"""


def config(tmp_path: Path) -> Config:
    from exporter.config.loader import load

    return load(small_company.write(tmp_path / "company"), {}).config


def fake_programs(folder: Path, calls: Path, *names: str) -> None:
    """Programs that record how they were called, and run until they are terminated."""
    for directory in (folder, calls):
        directory.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(SCRIPT.format(calls=calls, name=name))
        (folder / name).chmod(0o755)


def wait_for(read: Callable[[], str], text: str) -> None:
    until(lambda: text in read())


def no_history(_: Path, stopped: Event) -> bool:
    return stopped.wait(0)


def test_installed_programs_run_and_stop_and_the_others_are_listed_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = tmp_path / "calls"
    fake_programs(tmp_path / "bin", calls, "prometheus", "grafana")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    monkeypatch.setattr(stack, "PROGRAMS", {**stack.PROGRAMS, "Alertmanager": (("no-such-alertmanager",), 9093)})

    def recorded(name: str) -> str:
        return (calls / name).read_text() if (calls / name).exists() else ""

    with stack.begin(config(tmp_path), "http://127.0.0.1:1234", tmp_path / "demo", no_history) as addresses:
        assert addresses["Alertmanager"] == "not installed (no-such-alertmanager is not on PATH)"
        assert addresses["Grafana"].startswith("http://127.0.0.1:")
        wait_for(lambda: recorded("prometheus"), "--config.file=")
        wait_for(lambda: recorded("grafana"), "GF_PATHS_PROVISIONING=")
    for name in ("prometheus", "grafana"):
        wait_for(lambda name=name: recorded(name), "ended")  # type: ignore[misc]
    generated = tmp_path / "demo/stack/generated"
    scraped = yaml.safe_load((generated / "prometheus/prometheus.yml").read_text())
    assert scraped["scrape_configs"][0]["static_configs"] == [{"targets": ["127.0.0.1:1234"]}]
    sources = yaml.safe_load((generated / "grafana/provisioning/datasources/kpi.yaml").read_text())
    assert sources["datasources"][0]["url"].startswith("http://127.0.0.1:")
    assert f"GF_PATHS_PROVISIONING={generated}/grafana/provisioning" in recorded("grafana")
    assert (tmp_path / "demo/stack/grafana/plugins").is_dir()
    assert (generated / "grafana/provisioning/plugins").is_dir()
    assert (generated / "grafana/provisioning/alerting").is_dir()


def test_a_program_that_ignores_termination_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "GRACE_SECONDS", 0.2)
    children = stack.Children(tmp_path)
    children.start("deaf", ["/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"])
    wait_for((tmp_path / "deaf.log").read_text, "up")
    children.stop()
    assert [process.returncode for process in children._processes] == [-signal.SIGKILL]
    children.start("late", ["/bin/sh", "-c", "exit 1"])
    assert len(children._processes) == 1, "no program starts after the stop"
    assert not children.run("later", ["/bin/true"])


def test_a_port_in_use_is_replaced_by_a_free_one() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert stack._free_port(port) != port
    free = free_port()
    assert stack._free_port(free) == free


def test_files_that_cannot_be_written_stop_only_the_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack/generated").write_text("in the way")
    with stack.begin(config(tmp_path), "http://127.0.0.1:1", tmp_path, no_history):
        wait_for(lambda: caplog.text, "cannot write to")


def test_grafana_is_started_with_the_home_of_its_installation(tmp_path: Path) -> None:
    home = tmp_path / "grafana-12"
    (home / "conf").mkdir(parents=True)
    (home / "conf/defaults.ini").write_text("")
    (home / "bin").mkdir()
    for name in ("grafana", "grafana-server"):
        (home / "bin" / name).write_text("")
    new, old = home / "bin/grafana", home / "bin/grafana-server"
    assert grafana_command(str(new)) == [str(new), "server", "--homepath", str(home)]
    assert grafana_command(str(old)) == [str(old), "--homepath", str(home)]
    first, second = (grafana_environment(tmp_path, 3000)["GF_SECURITY_ADMIN_PASSWORD"] for _ in range(2))
    assert first != second
    assert len(first) > 20


def test_grafana_contacts_no_other_host(tmp_path: Path) -> None:
    environment = grafana_environment(tmp_path, 3000)
    on = {"GF_PLUGINS_PREINSTALL_DISABLED", "GF_SECURITY_DISABLE_GRAVATAR"}
    off = {
        "GF_ANALYTICS_REPORTING_ENABLED", "GF_ANALYTICS_CHECK_FOR_UPDATES", "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
        "GF_NEWS_NEWS_FEED_ENABLED", "GF_PLUGINS_PLUGIN_ADMIN_ENABLED", "GF_SNAPSHOTS_EXTERNAL_ENABLED",
    }  # fmt: skip
    assert {name: environment[name] for name in on | off} == dict.fromkeys(on, "true") | dict.fromkeys(off, "false")
    of_compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]["environment"]
    assert {name: of_compose[name] for name in on | off} == {name: environment[name] for name in on | off}


def test_prometheus_shows_history_and_then_current_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_prometheus(tmp_path / "bin", monkeypatch)
    company = small_company.write(tmp_path / "company")
    now = datetime.now(UTC)
    rows = [f"{n},ada,won,10,{(now - timedelta(days=n)).isoformat()},2020-01-01" for n in range(20)]
    (company.parent / "deals.csv").write_text("\n".join(["id,owner,status,amount,closed,created", *rows]) + "\n")
    from exporter.config.loader import load

    loaded = load(company, {}).config
    series = 'business_deals_won{period="day"}'
    with exporting(company, tmp_path / "data") as exporter:
        until(lambda: exporter.value('kpi_value{kpi="yearly_revenue"}'))
        files: list[Path] = []

        def history(out: Path, _: Event) -> bool:
            files.append(out)
            return backfilled(company, tmp_path / "other", out)

        with stack.begin(loaded, f"http://127.0.0.1:{exporter.port}", tmp_path / "demo", history) as addresses:
            port = int(addresses["Prometheus"].split()[0].rpartition(":")[2])
            until(lambda: answers(port))
            until(lambda: ask(port, "count_over_time(up{job='kpi'}[10m]) > 1"))
            day_ago = int(time.time()) // 3600 * 3600 - 5 * 86400
            assert ask(port, f"{series} @ {day_ago}") != []
            assert ask(port, f"count_over_time({series}[5d])") != []
            live = ask(port, f"count_over_time({series}[2m])")
            assert live != []
            assert not files[0].exists(), "the file is deleted after loading"
        log = (tmp_path / "demo/stack/prometheus.log").read_text()
        assert "level=error" not in log
        assert "out of order" not in log.lower()
        assert "duplicate" not in log.lower()
        assert (tmp_path / "demo/stack/history-loaded").exists()


def only_prometheus(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts only Prometheus on PATH, with a free port."""
    folder.mkdir()
    for name in ("prometheus", "promtool"):
        (folder / name).symlink_to(program(name))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(
        stack,
        "PROGRAMS",
        {"Prometheus": (("prometheus",), free_port()), "Grafana": (("no",), 3000), "Alertmanager": (("no",), 9093)},
    )


def backfilled(company: Path, data: Path, out: Path) -> bool:
    import subprocess
    import sys

    command = [Path(sys.executable).with_name("kpi-exporter"), "backfill", "--config", company, "--data-dir", data]
    return subprocess.run([*command, "--out", out], check=False, capture_output=True).returncode == 0


def answers(port: int) -> bool:
    try:
        return get(port, "/-/ready")[0] == 200
    except OSError:
        return False
