"""Programs beside the demo: what is installed runs on generated files, and ends with it."""

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
from tests.programs import program
from tests.test_end_to_end import ask, exporting, free_port, until
from tests.web.live_server import get

SCRIPT = """#!/bin/sh
echo "$0 $*" >> {told}/{name}
env | grep ^GF_ >> {told}/{name}
trap 'echo ended >> {told}/{name}; exit 0' TERM
while :; do sleep 0.1; done
"""


def config(tmp_path: Path) -> Config:
    from exporter.config.loader import load

    return load(small_company.write(tmp_path / "company"), {}).config


def stand_ins(folder: Path, told: Path, *names: str) -> None:
    """Programs that write down how they were called, and run until they are told to end."""
    for where in (folder, told):
        where.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(SCRIPT.format(told=told, name=name))
        (folder / name).chmod(0o755)


def waiting(found: Callable[[], str], text: str) -> None:
    until(lambda: text in found())


def no_past(_: Path, stopped: Event) -> bool:
    return stopped.wait(0)


def test_what_is_installed_runs_and_ends_and_the_rest_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    stand_ins(tmp_path / "bin", told, "prometheus", "grafana")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    monkeypatch.setattr(stack, "PROGRAMS", {**stack.PROGRAMS, "Alertmanager": (("no-such-alertmanager",), 9093)})

    def said(name: str) -> str:
        return (told / name).read_text() if (told / name).exists() else ""

    with stack.begin(config(tmp_path), "http://127.0.0.1:1234", tmp_path / "demo", no_past) as places:
        assert places["Alertmanager"] == "not installed (no-such-alertmanager is not on PATH)"
        assert places["Grafana"].startswith("http://127.0.0.1:")
        waiting(lambda: said("prometheus"), "--config.file=")
        waiting(lambda: said("grafana"), "GF_PATHS_PROVISIONING=")
    for name in ("prometheus", "grafana"):
        waiting(lambda name=name: said(name), "ended")  # type: ignore[misc]
    generated = tmp_path / "demo/stack/generated"
    scraped = yaml.safe_load((generated / "prometheus/prometheus.yml").read_text())
    assert scraped["scrape_configs"][0]["static_configs"] == [{"targets": ["127.0.0.1:1234"]}]
    sources = yaml.safe_load((generated / "grafana/provisioning/datasources/kpi.yaml").read_text())
    assert sources["datasources"][0]["url"].startswith("http://127.0.0.1:")
    assert f"GF_PATHS_PROVISIONING={generated}/grafana/provisioning" in said("grafana")


def test_a_program_that_does_not_end_when_asked_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "GRACE_SECONDS", 0.2)
    children = stack.Children(tmp_path)
    children.start("deaf", ["/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"])
    waiting((tmp_path / "deaf.log").read_text, "up")
    children.stop()
    assert [process.returncode for process in children._processes] == [-signal.SIGKILL]
    children.start("late", ["/bin/sh", "-c", "exit 1"])
    assert len(children._processes) == 1, "nothing starts after the end"
    assert not children.run("later", ["/bin/true"])


def test_a_taken_port_gives_way_to_a_free_one() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert stack._free_port(port) != port
    free = free_port()
    assert stack._free_port(free) == free


def test_files_that_cannot_be_written_cost_only_the_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack/generated").write_text("in the way")
    with stack.begin(config(tmp_path), "http://127.0.0.1:1", tmp_path, no_past):
        waiting(lambda: caplog.text, "cannot write to")


def test_grafana_is_started_as_it_is_installed(tmp_path: Path) -> None:
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


def test_prometheus_shows_the_past_and_goes_on_with_the_present(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        written: list[Path] = []

        def past(out: Path, _: Event) -> bool:
            written.append(out)
            return backfilled(company, tmp_path / "other", out)

        with stack.begin(loaded, f"http://127.0.0.1:{exporter.port}", tmp_path / "demo", past) as places:
            port = int(places["Prometheus"].split()[0].rpartition(":")[2])
            until(lambda: answers(port))
            until(lambda: ask(port, "count_over_time(up{job='kpi'}[10m]) > 1"))
            day_ago = int(time.time()) // 3600 * 3600 - 5 * 86400
            assert ask(port, f"{series} @ {day_ago}") != []
            assert ask(port, f"count_over_time({series}[5d])") != []
            live = ask(port, f"count_over_time({series}[2m])")
            assert live != []
            assert not written[0].exists(), "the file has done its work"
        log = (tmp_path / "demo/stack/prometheus.log").read_text()
        assert "level=error" not in log
        assert "out of order" not in log.lower()
        assert "duplicate" not in log.lower()
        assert (tmp_path / "demo/stack/history-loaded").exists()


def only_prometheus(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts Prometheus on the path, to listen where nobody does, and nothing else beside the demo."""
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
