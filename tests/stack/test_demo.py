"""The default stack: the simulated company, started with only a password."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.dashboards.checks.boards import panels_of
from tests.dashboards.grafana_client import Grafana, error_lines, generated_boards
from tests.dashboards.selectors import with_variables
from tests.stack.project import ROOT, Project
from tests.waiting import until

pytestmark = pytest.mark.stack

DAY = 86_400
VALUES = {"kpi": "monthly_revenue", "objective": "grow_sales", "person": "Anna Keller", "team": "Sales North"}
VALUES |= {"__range": "6h", "__rate_interval": "5m", "__interval": "1h", "__interval_ms": "3600000"}
ASK_ALL = """
import json, sys, urllib.error, urllib.parse, urllib.request
def ask(query):
    data = urllib.parse.urlencode({"query": query}).encode()
    try:
        with urllib.request.urlopen("http://prometheus:9090/api/v1/query", data, timeout=60) as answer:
            return len(json.load(answer)["data"]["result"])
    except urllib.error.HTTPError as error:
        return error.read().decode()
print(json.dumps([ask(query) for query in json.load(sys.stdin)]))
"""
MEASURED = "kpi_value{kpi='monthly_revenue'}"
NO_POWERS = {"CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"}


def instant(text: str) -> datetime:
    """An instant of the engine, which writes nanoseconds."""
    return datetime.fromisoformat(text[:19])


def data(demo: Project, address: str) -> Any:
    """What an API of Prometheus answers."""
    return json.loads(demo.get(f"http://prometheus:9090/api/v1/{address}"))["data"]


def test_compose_finds_nothing_wrong_with_the_file(demo: Project) -> None:
    assert demo.compose("config", "--quiet").stdout == ""


def test_one_off_services_finish_before_the_others_start(demo: Project) -> None:
    provision, history, prometheus = (demo.container(name)["State"] for name in ("provision", "history", "prometheus"))
    assert (provision["ExitCode"], history["ExitCode"]) == (0, 0), demo.log("provision") + demo.log("history")
    assert instant(provision["FinishedAt"]) <= instant(history["StartedAt"])
    assert instant(history["FinishedAt"]) <= instant(prometheus["StartedAt"]), "blocks are there when it opens them"
    assert demo.inside("prometheus", "sh", "-c", "ls /prometheus/history-loaded")


def test_history_from_before_the_installation_is_available(demo: Project) -> None:
    now = int(time.time()) // 3600 * 3600
    for days in (7, 60):
        assert demo.ask(f"{MEASURED} @ {now - days * DAY}") != [], f"{days} days ago, by the hour"
    for days in (90, 365):
        assert demo.ask(f"last_over_time({MEASURED}[26h] @ {now - days * DAY})") != [], f"{days} days ago, by the day"
    (hours,) = demo.ask(f"max(count_over_time({MEASURED}[30d]))")
    assert float(hours["value"][1]) > 700
    assert len(demo.ask(f"last_over_time(person_kpi_value{{kpi='monthly_revenue'}}[2h] @ {now - 30 * DAY})")) > 10
    blocks = demo.inside("prometheus", "sh", "-c", "ls -d /prometheus/01*").split()
    assert len(blocks) >= 2
    log = demo.log("prometheus").lower()
    assert "level=error" not in log
    assert "overlap" not in log
    assert "out of order" not in log


def test_the_history_file_does_not_stay_on_disk(demo: Project) -> None:
    mounts = {mount["Destination"]: mount for mount in demo.container("history")["Mounts"]}
    image = demo.container("exporter")["Image"]
    volume = f"--volume={mounts['/history']['Name']}:/history:ro"
    sizes = demo.engine.docker(
        "run", "--rm", "--network=none", volume, "--entrypoint=python3", image, "-c",
        "import os; print([os.path.getsize(e.path) for e in os.scandir('/history')])",
    )  # fmt: skip
    assert sizes == "[0]"


def test_prometheus_scrapes_the_exporter_without_errors(demo: Project) -> None:
    until(lambda: float(demo.ask("min(count_over_time(up{job='kpi'}[10m]))")[0]["value"][1]) >= 2)
    targets = data(demo, "targets")["activeTargets"]
    assert {target["labels"]["job"] for target in targets} >= {"kpi", "prometheus"}
    assert [(target["health"], target["lastError"]) for target in targets] == [("up", "")] * len(targets)
    (scraped,) = demo.ask("scrape_samples_scraped{job='kpi'}")
    (sample,) = demo.ask("scrape_samples_post_metric_relabeling{job='kpi'}")
    assert float(scraped["value"][1]) == float(sample["value"][1]) > 1000
    assert demo.ask("min_over_time(up{job='kpi'}[1h]) == 0") == []
    assert demo.ask("kpi_exporter_source_up == 0") == []


def test_every_rule_is_evaluated_and_the_config_says_how_long_series_are_kept(demo: Project) -> None:
    def evaluated() -> list[dict[str, Any]]:
        return [rule for group in data(demo, "rules")["groups"] for rule in group["rules"]]

    until(lambda: all(rule["health"] != "unknown" for rule in evaluated()))
    rules = evaluated()
    assert len(rules) > 20
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []
    assert data(demo, "status/flags")["storage.tsdb.retention.time"] == "400d"


def test_alertmanager_has_the_generated_config_and_receives_alerts_from_prometheus(demo: Project) -> None:
    shown = demo.inside("alertmanager", "amtool", "--alertmanager.url=http://127.0.0.1:9093", "config", "show")
    assert "sales@alpenwerk.example" in shown
    assert [entry["url"] for entry in data(demo, "alertmanagers")["activeAlertmanagers"]] == [
        "http://alertmanager:9093/api/v2/alerts"
    ]


def test_no_container_has_more_privileges_than_it_needs(demo: Project) -> None:
    for service in demo.services:
        container = demo.container(service)
        how, bound = container["HostConfig"], container["Config"]
        assert how["ReadonlyRootfs"], service
        assert how["CapDrop"] == ["ALL"], service
        assert not how["CapAdd"], service
        assert not how["Privileged"], service
        assert how["SecurityOpt"] == ["no-new-privileges:true"], service
        assert 0 < how["Memory"] <= 2 << 30, service
        assert 0 < how["PidsLimit"] <= 200, service
        assert not {"0", "root", ""} & {bound["User"].partition(":")[0]}, service
        assert [m["Source"] for m in container["Mounts"] if m["Type"] == "bind" and m["RW"]] == [], service


def test_running_containers_have_no_capabilities_and_a_read_only_image(demo: Project) -> None:
    for service in demo.services:
        container = demo.container(service)
        if not container["State"]["Running"]:
            continue
        results = set(demo.inside(service, "cat", "/proc/1/status").splitlines())
        assert results >= NO_POWERS, service
        (users,) = (line.split()[1:] for line in results if line.startswith("Uid:"))
        assert "0" not in users, service
        tried = demo.engine.run("docker", "exec", container["Id"], "sh", "-c", "echo x > /etc/x", check=False)
        assert tried.returncode != 0, service
        assert "Read-only file system" in tried.stderr or "Permission denied" in tried.stderr, service


def test_only_grafana_can_be_reached_from_outside_and_only_from_this_machine(demo: Project) -> None:
    for service in demo.services:
        bound = [b for bindings in demo.container(service)["NetworkSettings"]["Ports"].values() for b in bindings or ()]
        assert {entry["HostIp"] for entry in bound} == ({"127.0.0.1"} if service == "front" else set()), service
    networks = demo.container("prometheus")["NetworkSettings"]["Networks"]
    assert all(demo.engine.inspect(name)[0]["Internal"] for name in networks), "Prometheus has no way out"


def test_every_service_runs_without_a_restart_or_a_traceback(demo: Project) -> None:
    states = {name: demo.container(name)["State"] for name in demo.services}
    assert {"pod", "demo", "exporter", "prometheus", "alertmanager"} <= states.keys()
    for name, state in states.items():
        assert state["Status"] == ("exited" if name in {"provision", "history"} else "running"), name
        assert demo.container(name)["RestartCount"] == 0, demo.log(name)[-2000:]
    assert "Traceback" not in "".join(demo.log(name) for name in ("demo", "provision", "exporter"))


def question(query: dict[str, Any], values: dict[str, str]) -> str:
    """What Prometheus is asked for a panel's query: a chart of time may be empty on a closed day, but not for a week."""
    expr = with_variables(query["expr"], values)
    return expr if query["instant"] else f"({expr}) or last_over_time(({expr})[7d:1h])"


def test_every_panel_has_data(demo: Project, tmp_path: Path) -> None:
    boards = generated_boards(ROOT / "dashboards/generated")
    panels = [panel for board in boards.values() for panel in panels_of(board) if panel.get("targets")]
    values = VALUES | {"__to": str(int(time.time()))}
    queries = sorted({question(query, values) for panel in panels for query in panel["targets"]})
    questions = tmp_path / "questions.json"
    questions.write_text(json.dumps(queries))
    with questions.open("rb") as query_file:
        answers = json.loads(demo.inside("exporter", "python3", "-c", ASK_ALL, stdin=query_file, timeout=300))
    results = dict(zip(queries, answers, strict=True))
    assert [answer for answer in answers if isinstance(answer, str)] == []
    empty = [panel for panel in panels if not any(results[question(query, values)] for query in panel["targets"])]
    assert [panel["title"] for panel in empty if panel["fieldConfig"]["defaults"]["noValue"] == "no data"] == []
    assert len(panels) > 40


def test_grafana_accepts_everything_that_was_generated(demo: Project) -> None:
    if "grafana" in demo.unavailable:
        pytest.skip("the stack ran without Grafana, whose image is in no registry that can be reached from here")
    password = (demo.folder / "secrets/grafana_admin_password").read_text()
    boards = generated_boards(ROOT / "dashboards/generated")
    with httpx.Client(base_url="http://127.0.0.1:3000", auth=("admin", password), timeout=30) as client:
        grafana = Grafana(client)
        until(lambda: grafana.faults_of_dashboards(boards) == [])
        assert grafana.faults_of_rules() == []
        assert grafana.faults_of_queries(boards, VALUES) == []
        assert httpx.get("http://127.0.0.1:3000/api/search").status_code == 401, "nobody gets in without a password"
        assert httpx.get("http://127.0.0.1:3000/api/search", auth=("admin", "admin")).status_code == 401
    assert error_lines(demo.log("grafana")) == []
