"""What a real Grafana says to all that is generated; and that what asks it would notice if it said no."""

from __future__ import annotations

import json
import os
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
from tests.command_line import Typed
from tests.dashboards.generated import Json, dashboards
from tests.dashboards.grafana_client import Grafana, generated_boards, troubles
from tests.programs import program
from tests.test_alert_journey import running, stack
from tests.test_end_to_end import exporting
from tests.test_end_to_end import until as soon
from tests.waiting import until

LEFT_OUT = (
    "no Grafana itself has read what is generated. Put grafana on PATH, or give GRAFANA_URL and GRAFANA_TOKEN "
    "of one that is there for tests"
)
VALUES = {"kpi": "yearly_revenue", "person": "Ada Lovelace", "team": "North"}
VALUES |= {"__range": "6h", "__rate_interval": "5m", "__interval": "1m"}


def company(directory: Path) -> Path:
    """The small company, whose rules Grafana evaluates too."""
    contacts = "contacts:\n  - {name: boss, webhook: {url: 'http://127.0.0.1:9/'}}\nalerting: {engine: both}\n"
    return small_company.write(directory, small_company.CONFIG + contacts)


def test_a_grafana_provisioned_with_it_shows_everything_and_answers_every_query(tmp_path: Path) -> None:
    if not (shutil.which("grafana") or shutil.which("grafana-server")):
        pytest.skip(LEFT_OUT)
    program("prometheus")
    config = company(tmp_path / "company")
    with exporting(config, tmp_path / "data") as exporter:
        soon(lambda: exporter.value('kpi_value{kpi="yearly_revenue"}'))
        address = f"http://127.0.0.1:{exporter.port}"
        with local_stack.begin(load(config, {}).config, address, tmp_path, no_past) as places:
            with httpx.Client(base_url=places["Grafana"], timeout=30) as client:
                grafana = Grafana(client)
                until(grafana.answers)
                boards = generated_boards(tmp_path / "stack/generated")
                until(lambda: grafana.faults_of_dashboards(boards) == [])
                until(lambda: grafana.rules() != [] and {r["health"] for r in grafana.rules()} <= {"ok", "nodata"})
                assert grafana.faults_of_rules() == []
                until(lambda: grafana.faults_of_queries(boards, VALUES) == [])
            assert troubles((tmp_path / "stack/grafana.log").read_text()) == []


def no_past(_: Path, stopped: Event) -> bool:
    return stopped.wait(0)


def test_a_grafana_that_runs_takes_it_over_its_api(typed: Typed, tmp_path: Path) -> None:
    url, token = os.environ.get("GRAFANA_URL"), os.environ.get("GRAFANA_TOKEN")
    if not (url and token):
        pytest.skip(LEFT_OUT)
    source = os.environ.get("GRAFANA_DATASOURCE_UID", "kpi-prometheus")
    config = company(tmp_path / "company")
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        taken = client.get("/api/search", params={"tag": "kpi-exporter"}).json()
        assert taken == [], "GRAFANA_URL is a Grafana that shows somebody's KPIs: give one that is there for tests"
        grafana = Grafana(client)
        push = ("push-grafana", "--config", config, "--url", url, "--datasource-uid", source)
        try:
            assert typed(*push).code == 0
            assert typed(*push).out == "0 changes\n", "the second time nothing is left to change"
            write_stack(load(config, {}).config, tmp_path / "generated")
            assert {found["uid"] for found in client.get("/api/search").json()} >= {"kpi-overview", "kpi-detail"}
            until(lambda: {rule["health"] for rule in grafana.rules()} <= {"ok", "nodata"})
            failing = grafana.faults_of_queries(generated_boards(tmp_path / "generated"), VALUES)
            assert [fault for fault in failing if not fault.endswith(": no data")] == []
        finally:
            for found in client.get("/api/search", params={"tag": "kpi-exporter"}).json():
                client.delete(f"/api/dashboards/uid/{found['uid']}")
            for rule in client.get("/api/v1/provisioning/alert-rules").json():
                if rule["labels"].get("contacts", "").startswith(",boss,"):
                    client.delete(f"/api/v1/provisioning/alert-rules/{rule['uid']}")


class Shown:
    """Answers as a Grafana does that has read the files; `spoil` changes what it says."""

    def __init__(self, boards: dict[str, Json], spoil: Callable[[str, Any], Any] = lambda _, said: said) -> None:
        self.boards, self.spoil = boards, spoil

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.path)
        return httpx.Response(200, json=self.spoil(path, self._said(path, request)))

    def _said(self, path: str, request: httpx.Request) -> Any:
        if path == "/api/health":
            return {"database": "ok", "version": "12.1.1"}
        if path == "/api/search":
            return [{"uid": uid, "title": board["title"]} for uid, board in self.boards.items()]
        if path.startswith("/api/dashboards/uid/"):
            board = self.boards[path.rpartition("/")[2]]
            return {"dashboard": {**board, "id": 7, "version": 3}, "meta": {"provisioned": True}}
        if path == "/api/ds/query":
            frame = {"schema": {"fields": []}, "data": {"values": [[1], [0.7]]}}
            queries = json.loads(request.content)["queries"]
            assert not any("$" in query["expr"].replace('"$1', "").replace("$2", "") for query in queries)
            return {"results": {query["refId"]: {"status": 200, "frames": [frame]} for query in queries}}
        assert path == "/api/prometheus/grafana/api/v1/rules"
        return {"status": "success", "data": {"groups": [{"rules": [{"name": "KpiOffTrack", "health": "ok"}]}]}}


class ApiClient(Shown):
    """Answers queries as Grafana's data source does: by asking a Prometheus."""

    def __init__(self, boards: dict[str, Json], port: int) -> None:
        super().__init__(boards)
        self.prometheus = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

    def _said(self, path: str, request: httpx.Request) -> Any:
        if path != "/api/ds/query":
            return super()._said(path, request)
        return {"results": {q["refId"]: self._asked(q["expr"]) for q in json.loads(request.content)["queries"]}}

    def _asked(self, expr: str) -> dict[str, Any]:
        said = self.prometheus.post("/api/v1/query", data={"query": expr}).json()
        if said["status"] != "success":
            return {"error": said["error"]}
        return {"frames": [{"data": {"values": [[found["value"][1]]]}} for found in said["data"]["result"]]}


def test_every_panel_has_data_from_a_prometheus_that_scrapes_the_exporter(tmp_path: Path) -> None:
    config = company(tmp_path / "company")
    with exporting(config, tmp_path / "data") as exporter:
        soon(lambda: exporter.value('kpi_value{kpi="yearly_revenue"}'))
        ports = stack(config, tmp_path, [exporter.port])
        command = prometheus_command(str(program("prometheus")), tmp_path, ports["prometheus"])
        boards = generated_boards(tmp_path / "generated")
        asking = ApiClient(boards, ports["prometheus"])
        with (
            running(command, ports["prometheus"], tmp_path / "prometheus.log"),
            httpx.Client(base_url="http://grafana", transport=httpx.MockTransport(asking)) as client,
            asking.prometheus,
        ):
            until(lambda: Grafana(client).faults_of_queries(boards, VALUES) == [])


def faults(spoil: Callable[[str, Any], Any]) -> list[str]:
    """What is told of a Grafana that says something else."""
    boards = dashboards("small")
    with httpx.Client(base_url="http://grafana", transport=httpx.MockTransport(Shown(boards, spoil))) as client:
        grafana = Grafana(client)
        assert grafana.answers()
        return [*grafana.faults_of_dashboards(boards), *grafana.faults_of_rules(), *grafana.faults_of_queries(boards)]


def test_nothing_is_found_where_all_is_well() -> None:
    assert faults(lambda _, said: said) == []


def at(place: str, change: Callable[[Any], Any]) -> Callable[[str, Any], Any]:
    return lambda path, said: change(said) if path == place else said


def first_query(answer: dict[str, Any]) -> Callable[[Any], Any]:
    return lambda said: {"results": {ref: found | answer for ref, found in said["results"].items()}}


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (at("/api/search", lambda said: said[1:]), "Grafana does not list it"),
        (
            at("/api/dashboards/uid/kpi-overview", lambda said: {"dashboard": said["dashboard"] | {"panels": []}}),
            "kpi-overview.panels",
        ),
        (
            at("/api/dashboards/uid/kpi-wall", lambda said: {"dashboard": said["dashboard"] | {"refresh": "5s"}}),
            "kpi-wall.refresh: '1m' became '5s'",
        ),
        (
            at(
                "/api/prometheus/grafana/api/v1/rules",
                lambda _: {"data": {"groups": [{"rules": [{"name": "R", "health": "error", "lastError": "no"}]}]}},
            ),
            "R: error no",
        ),
        (at("/api/ds/query", first_query({"error": "bad_data: parse error"})), "bad_data: parse error"),
        (at("/api/ds/query", first_query({"frames": []})), "KPIs on target: no data"),
        (at("/api/ds/query", lambda _: {"message": "internal error"}), "it was not answered"),
    ],
)
def test_what_is_not_well_is_found(spoil: Callable[[str, Any], Any], told: str) -> None:
    assert any(told in fault for fault in faults(spoil)), told


def test_a_panel_that_may_be_empty_says_so_itself() -> None:
    empty = faults(at("/api/ds/query", first_query({"frames": []})))
    assert not any("Firing alerts" in fault or "Needs attention" in fault for fault in empty)


def test_an_error_in_grafanas_log_is_found() -> None:
    log = "logger=settings level=info msg=ok\nlogger=provisioning.alerting level=error msg=broken\nlvl=eror msg=old"
    assert [line.rpartition("=")[2] for line in troubles(log)] == ["broken", "old"]
