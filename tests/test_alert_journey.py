"""The way of an alert: from records through the exporter, Prometheus and Alertmanager to the owner's webhook."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from dashboards.generate import write_stack
from dashboards.local.stack import alertmanager_command, prometheus_command
from dashboards.site import Deployment
from exporter.config.loader import load
from tests import small_company
from tests.exporter_process import exporting, free_port
from tests.programs import program
from tests.prometheus_server import ask
from tests.smtp_sink import mail_server
from tests.waiting import LIMIT, until
from tests.web.live_server import get

OWNER = "boss@example.com"


@dataclass
class Inbox:
    """The notifications that a webhook received."""

    url: str
    messages: list[dict[str, Any]] = field(default_factory=list)

    def alerts(self, name: str) -> list[dict[str, Any]]:
        return [
            alert for message in self.messages for alert in message["alerts"] if alert["labels"]["alertname"] == name
        ]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    box = Inbox("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            box.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    box.url = f"http://127.0.0.1:{server.server_port}/kpi"
    yield box
    server.shutdown()
    thread.join()
    server.server_close()


MAIL_COMPANY = """\
contacts:
  - {{name: boss, email: boss@example.com}}
teams:
  - {{name: North, lead: lead@example.com}}
alerting: {{smtp: {{host: 127.0.0.1, port: {port}, sender: kpi@example.com}}}}
"""


def company_with_mail(directory: Path, port: int) -> Path:
    """The small company, with revenue far below its target and alerts by mail for its owner, a lead and a person."""
    alerts = "{for: 0s, notify: [boss], on: [off_track], scopes: [company, team, person], people_to: [person, lead]}"
    text = small_company.CONFIG.replace("target: 1000\n", f"target: 900000\n    pace: none\n    alerts: {alerts}\n")
    text = text.replace("{id: id, name: name, team: team}", "{id: id, name: name, team: team, email: email}")
    config = small_company.write(directory, text + MAIL_COMPANY.format(port=port))
    (directory / "people.csv").write_text("id,name,team,email\nada,Ada Lovelace,North,ada@example.com\n")
    return config


def company(directory: Path, webhook: str) -> Path:
    """The small company, with revenue far below its target and an alert for its owner."""
    text = small_company.CONFIG.replace(
        "target: 1000\n", "target: 900000\n    pace: none\n    alerts: {for: 0s, notify: [boss], on: [off_track]}\n"
    )
    return small_company.write(directory, text + f"contacts:\n  - {{name: boss, webhook: {{url: {webhook!r}}}}}\n")


@contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[int]:
    """Runs a program, yields when it is ready, and stops it on exit."""

    def ready() -> bool:
        try:
            return get(port, "/-/ready")[0] == 200
        except OSError:
            return False

    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        until(lambda: ready() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield port
    finally:
        process.terminate()
        process.wait(30)


def stack(config: Path, folder: Path, exporters: list[int]) -> dict[str, int]:
    """Generates files with these replicas as targets and with short intervals."""
    ports = {name: free_port() for name in ("prometheus", "alertmanager")}
    deployment = Deployment(
        exporter=f"127.0.0.1:{exporters[0]}",
        alertmanager=f"127.0.0.1:{ports['alertmanager']}",
        prometheus=f"127.0.0.1:{ports['prometheus']}",
        config_dir=str(config.parent),
    )
    write_stack(load(config, {}).config, folder / "generated", deployment)
    path = folder / "generated/prometheus/prometheus.yml"
    prometheus = yaml.safe_load(path.read_text())
    prometheus["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    prometheus["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{port}" for port in exporters]}]
    path.write_text(yaml.safe_dump(prometheus))
    hurry(folder / "generated/alertmanager/alertmanager.yml")
    return ports


def hurry(path: Path) -> None:
    """Has Alertmanager wait for seconds instead of minutes, and send at all times."""
    content = yaml.safe_load(path.read_text())
    for route in (content["route"], *content["route"]["routes"]):
        assert route.get("group_wait", "30s") in ("30s", "5m")  # the generated ones
        route["group_wait"] = "2s"
        if "digest" in str(route.get("matchers")):
            route["group_interval"] = "5s"
        route.pop("active_time_intervals", None)
        route.pop("mute_time_intervals", None)
    path.write_text(yaml.safe_dump(content))


@contextmanager
def prometheus_and_alertmanager(config: Path, folder: Path, exporters: list[int]) -> Iterator[dict[str, int]]:
    """Runs Prometheus and Alertmanager for these replicas of the exporter."""
    alertmanager = program("prometheus-alertmanager", "/usr/bin/alertmanager")
    ports = stack(config, folder, exporters)
    commands = {
        "alertmanager": alertmanager_command(str(alertmanager), folder, ports["alertmanager"]),
        "prometheus": prometheus_command(str(program("prometheus")), folder, ports["prometheus"]),
    }
    with (
        running(commands["alertmanager"], ports["alertmanager"], folder / "alertmanager.log"),
        running(commands["prometheus"], ports["prometheus"], folder / "prometheus.log"),
    ):
        yield ports


def test_two_replicas_with_an_off_track_kpi_notify_its_owner_once(inbox: Inbox, tmp_path: Path) -> None:
    config = company(tmp_path / "company", inbox.url)
    series = 'kpi_value{kpi="yearly_revenue"}'
    with exporting(config, tmp_path / "one") as one, exporting(config, tmp_path / "two") as two:
        until(lambda: one.value(series) == 700.0 and two.value(series) == 700.0)
        with prometheus_and_alertmanager(config, tmp_path, [one.port, two.port]) as ports:
            until(lambda: len(ask(ports["prometheus"], series)) == 2)
            until(lambda: inbox.alerts("KpiOffTrack"))
            assert len(ask(ports["prometheus"], 'ALERTS{alertname="KpiOffTrack"}')) == 1
            time.sleep(4)  # time for a second notification, which must not come
            with urlopen(f"http://127.0.0.1:{ports['alertmanager']}/api/v2/alerts", timeout=LIMIT) as response:
                names = [alert["labels"]["alertname"] for alert in json.loads(response.read())]
            assert names.count("KpiOffTrack") == 1
        (alert,) = inbox.alerts("KpiOffTrack")
    assert alert["status"] == "firing"
    labels, annotations = alert["labels"], alert["annotations"]
    assert labels["owner"] == OWNER
    assert labels["department"] == "Sales"
    assert labels["kpi"] == "yearly_revenue"
    assert "instance" not in labels
    assert "Revenue this year" in annotations["summary"]
    assert "700" in annotations["summary"] + annotations["description"]
    assert annotations["dashboard_url"].startswith("http://localhost:3000/d/kpi-")
    assert "yearly_revenue" in annotations["dashboard_url"]
    assert annotations["runbook_url"].startswith("http")


def test_an_owner_a_lead_and_a_person_get_mail_about_their_own_numbers(tmp_path: Path) -> None:
    with mail_server() as mailbox:
        config = company_with_mail(tmp_path / "company", mailbox.port)
        with (
            exporting(config, tmp_path / "one") as exporter,
            prometheus_and_alertmanager(config, tmp_path, [exporter.port]),
        ):
            until(lambda: mailbox.to("boss@example.com") and mailbox.to("ada@example.com"))
            until(lambda: "2 off track" in str([mail["Subject"] for mail in mailbox.to("lead@example.com")]))
    to_boss, to_ada, to_lead = (mailbox.to(f"{name}@example.com")[-1] for name in ("boss", "ada", "lead"))
    figures = "is off track: CHF 700 of 900K, 0 % of target, "
    assert to_boss["Subject"].startswith(f"▼ Revenue this year {figures}")
    assert to_ada["Subject"].startswith(f"▼ Revenue this year of Ada Lovelace {figures}")
    assert to_lead["Subject"].startswith("▼ 2 off track: Revenue this year of ")
    page = to_lead.get_body(("html",))
    assert page is not None
    for name in ("North", "Ada Lovelace"):
        assert f"Revenue this year of {name} is off track" in page.get_content()
