"""A real Grafana loads everything that is generated, and the client that checks it notices problems."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from dashboards.generate import write_stack
from dashboards.local import stack as local_stack
from dashboards.local.stack import prometheus_command
from exporter.config.loader import load
from tests import small_company
from tests.command_line import RunCli
from tests.dashboards.generated import Json, dashboards
from tests.dashboards.grafana_client import Grafana, error_lines, generated_boards
from tests.exporter_process import exporting
from tests.programs import program
from tests.test_alert_journey import running, stack
from tests.waiting import until
from tests.waiting import until as soon

SKIPPED = (
    "no real Grafana has loaded the generated files. Put grafana on PATH, or set GRAFANA_URL and GRAFANA_TOKEN of a "
    "Grafana for tests"
)
VALUES = {"kpi": "yearly_revenue", "objective": "grow", "person": "Ada Lovelace", "team": "North"}
VALUES |= {"__range": "6h", "__rate_interval": "5m", "__interval": "1m", "__interval_ms": "60000"}


def company(directory: Path) -> Path:
    """The small company, with rules that Grafana evaluates too."""
    contacts = "contacts:\n  - {name: boss, webhook: {url: 'http://127.0.0.1:9/'}}\nalerting: {engine: both}\n"
    return small_company.write(directory, small_company.CONFIG + contacts)


def test_a_provisioned_grafana_shows_all_dashboards_and_answers_all_queries(tmp_path: Path) -> None:
    if not (shutil.which("grafana") or shutil.which("grafana-server")):
        pytest.skip(SKIPPED)
    program("prometheus")
    config = company(tmp_path / "company")
    with exporting(config, tmp_path / "data") as exporter:
        soon(lambda: exporter.value('kpi_value{kpi="yearly_revenue"}'))
        address = f"http://127.0.0.1:{exporter.port}"
        with local_stack.begin(load(config, {}).config, address, tmp_path, no_history) as addresses:
            with httpx.Client(base_url=addresses["Grafana"], timeout=30) as client:
                grafana = Grafana(client)
                until(grafana.is_up)
                boards = generated_boards(tmp_path / "stack/generated")
                until(lambda: grafana.faults_of_dashboards(boards) == [])
                until(lambda: grafana.rules() != [] and {r["health"] for r in grafana.rules()} <= {"ok", "nodata"})
                assert grafana.faults_of_rules() == []
                until(lambda: grafana.faults_of_queries(boards, VALUES) == [])
            assert error_lines((tmp_path / "stack/grafana.log").read_text()) == []


def no_history(_: Path, stopped: Event) -> bool:
    return stopped.wait(0)


def test_a_running_grafana_accepts_a_push(run_cli: RunCli, tmp_path: Path) -> None:
    url, token = os.environ.get("GRAFANA_URL"), os.environ.get("GRAFANA_TOKEN")
    if not (url and token):
        pytest.skip(SKIPPED)
    source = os.environ.get("GRAFANA_DATASOURCE_UID", "kpi-prometheus")
    config = company(tmp_path / "company")
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        existing = client.get("/api/search", params={"tag": "kpi-exporter"}).json()
        assert existing == [], "GRAFANA_URL already has KPI dashboards: use a Grafana for tests"
        grafana = Grafana(client)
        push = ("push-grafana", "--config", config, "--url", url, "--datasource-uid", source)
        try:
            assert run_cli(*push).code == 0
            assert run_cli(*push).out == "0 changes\n", "a second push changes nothing"
            write_stack(load(config, {}).config, tmp_path / "generated")
            assert {entry["uid"] for entry in client.get("/api/search").json()} >= {"kpi-overview", "kpi-detail"}
            until(lambda: {rule["health"] for rule in grafana.rules()} <= {"ok", "nodata"})
            failing = grafana.faults_of_queries(generated_boards(tmp_path / "generated"), VALUES)
            assert [fault for fault in failing if not fault.endswith(": no data")] == []
        finally:
            for entry in client.get("/api/search", params={"tag": "kpi-exporter"}).json():
                client.delete(f"/api/dashboards/uid/{entry['uid']}")
            for rule in client.get("/api/v1/provisioning/alert-rules").json():
                if rule["labels"].get("contacts", "").startswith(",boss,"):
                    client.delete(f"/api/v1/provisioning/alert-rules/{rule['uid']}")


NAMED_VARIABLE = re.compile(r"\$\{?[A-Za-z_]")
"""A variable of a dashboard; $1 and ${1} belong to label_replace."""


class GrafanaWithBoards:
    """Responds like a Grafana that has loaded these dashboards. `change` alters the content of responses."""

    def __init__(self, boards: dict[str, Json], change: Callable[[str, Any], Any] = lambda _, content: content) -> None:
        self.boards, self.change = boards, change

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.path)
        return httpx.Response(200, json=self.change(path, self._content(path, request)))

    def _content(self, path: str, request: httpx.Request) -> Any:
        if path == "/api/health":
            return {"database": "ok", "version": "12.4.0"}
        if path == "/api/search":
            return [{"uid": uid, "title": board["title"]} for uid, board in self.boards.items()]
        if path.startswith("/api/dashboards/uid/"):
            board = self.boards[path.rpartition("/")[2]]
            return {"dashboard": {**board, "id": 7, "version": 3}, "meta": {"provisioned": True}}
        if path == "/api/ds/query":
            frame = {"schema": {"fields": []}, "data": {"values": [[1], [0.7]]}}
            queries = json.loads(request.content)["queries"]
            assert not any(NAMED_VARIABLE.search(query["expr"]) for query in queries)
            return {"results": {query["refId"]: {"status": 200, "frames": [frame]} for query in queries}}
        assert path == "/api/prometheus/grafana/api/v1/rules"
        return {"status": "success", "data": {"groups": [{"rules": [{"name": "KpiOffTrack", "health": "ok"}]}]}}


class GrafanaWithPrometheus(GrafanaWithBoards):
    """Answers queries like Grafana's data source: from a Prometheus."""

    def __init__(self, boards: dict[str, Json], port: int) -> None:
        super().__init__(boards)
        self.prometheus = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

    def _content(self, path: str, request: httpx.Request) -> Any:
        if path != "/api/ds/query":
            return super()._content(path, request)
        return {"results": {q["refId"]: self._query(q["expr"]) for q in json.loads(request.content)["queries"]}}

    def _query(self, expr: str) -> dict[str, Any]:
        content = self.prometheus.post("/api/v1/query", data={"query": expr}).json()
        if content["status"] != "success":
            return {"error": content["error"]}
        return {"frames": [{"data": {"values": [[sample["value"][1]]]}} for sample in content["data"]["result"]]}


def test_every_panel_has_data_from_a_prometheus_that_scrapes_the_exporter(tmp_path: Path) -> None:
    config = company(tmp_path / "company")
    with exporting(config, tmp_path / "data") as exporter:
        soon(lambda: exporter.value('kpi_value{kpi="yearly_revenue"}'))
        ports = stack(config, tmp_path, [exporter.port])
        command = prometheus_command(str(program("prometheus")), tmp_path, ports["prometheus"])
        boards = generated_boards(tmp_path / "generated")
        fake = GrafanaWithPrometheus(boards, ports["prometheus"])
        with (
            running(command, ports["prometheus"], tmp_path / "prometheus.log"),
            httpx.Client(base_url="http://grafana", transport=httpx.MockTransport(fake)) as client,
            fake.prometheus,
        ):
            until(lambda: Grafana(client).faults_of_queries(boards, VALUES) == [])


def faults(change: Callable[[str, Any], Any]) -> list[str]:
    """The faults found in a Grafana whose responses are altered."""
    boards = dashboards("small")
    with httpx.Client(
        base_url="http://grafana", transport=httpx.MockTransport(GrafanaWithBoards(boards, change))
    ) as client:
        grafana = Grafana(client)
        assert grafana.is_up()
        return [*grafana.faults_of_dashboards(boards), *grafana.faults_of_rules(), *grafana.faults_of_queries(boards)]


def test_no_fault_is_found_when_all_is_well() -> None:
    assert faults(lambda _, content: content) == []


def at(changed_path: str, change: Callable[[Any], Any]) -> Callable[[str, Any], Any]:
    return lambda path, content: change(content) if path == changed_path else content


def every_result(changes: dict[str, Any]) -> Callable[[Any], Any]:
    return lambda content: {"results": {ref: result | changes for ref, result in content["results"].items()}}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (at("/api/search", lambda content: content[1:]), "Grafana does not list it"),
        (
            at(
                "/api/dashboards/uid/kpi-overview", lambda content: {"dashboard": content["dashboard"] | {"panels": []}}
            ),
            "kpi-overview.panels",
        ),
        (
            at("/api/dashboards/uid/kpi-wall", lambda content: {"dashboard": content["dashboard"] | {"refresh": "5s"}}),
            "kpi-wall.refresh: '1m' became '5s'",
        ),
        (
            at(
                "/api/prometheus/grafana/api/v1/rules",
                lambda _: {"data": {"groups": [{"rules": [{"name": "R", "health": "error", "lastError": "no"}]}]}},
            ),
            "R: error no",
        ),
        (at("/api/ds/query", every_result({"error": "bad_data: parse error"})), "bad_data: parse error"),
        (at("/api/ds/query", every_result({"frames": []})), "KPIs by status: no data"),
        (at("/api/ds/query", lambda _: {"message": "internal error"}), "no result"),
    ],
)
def test_each_fault_is_found(change: Callable[[str, Any], Any], fault: str) -> None:
    assert any(fault in entry for entry in faults(change)), fault


def test_a_panel_that_may_be_empty_is_not_a_fault() -> None:
    empty = faults(at("/api/ds/query", every_result({"frames": []})))
    assert not any("Firing alerts" in fault or "Needs attention" in fault for fault in empty)


def test_an_error_in_grafanas_log_is_found() -> None:
    log = "logger=settings level=info msg=ok\nlogger=provisioning.alerting level=error msg=broken\nlvl=eror msg=old"
    assert [line.rpartition("=")[2] for line in error_lines(log)] == ["broken", "old"]
