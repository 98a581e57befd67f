"""Data sources, dashboard providers, scraping and retention."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.provisioning import folder_uid, prometheus_config, scrape_interval
from dashboards.site import Deployment, Site, department_uid
from exporter.config.fields import Secret
from tests.dashboards.samples import files_of, full, kpi, small, source
from tests.programs import program


def parsed(path: str, **changes: Any) -> Any:
    return yaml.safe_load(files_of(full(**changes))[path])


def test_the_data_sources_have_fixed_uids() -> None:
    prometheus, alertmanager = parsed("grafana/provisioning/datasources/kpi.yaml")["datasources"]
    assert (prometheus["uid"], prometheus["isDefault"], prometheus["editable"]) == ("kpi-prometheus", True, False)
    assert prometheus["jsonData"]["timeInterval"] == "30s"
    assert prometheus["jsonData"]["httpMethod"] == "POST"
    assert prometheus["jsonData"]["alertmanagerUid"] == alertmanager["uid"]


def test_dashboards_of_people_have_their_own_folder() -> None:
    providers = parsed("grafana/provisioning/dashboards/kpi.yaml")["providers"]
    assert [(p["name"], p["folder"], p["folderUid"], p["options"]["path"]) for p in providers] == [
        ("kpi", "KPI", "kpi", "/etc/kpi/grafana/dashboards/kpi"),
        ("kpi-people", "KPI people", "kpi-people", "/etc/kpi/grafana/dashboards/people"),
    ]
    assert not any(provider["allowUiUpdates"] for provider in providers)


def test_a_dollar_in_a_folder_title_is_not_expanded_from_the_environment() -> None:
    providers = parsed("grafana/provisioning/dashboards/kpi.yaml", dashboards={"folder": "KPI $HOME"})["providers"]
    assert providers[0]["folder"] == "KPI $$HOME"


def test_prometheus_accepts_its_config(tmp_path: Path) -> None:
    files = files_of(full())
    for path in ("prometheus/prometheus.yml", "prometheus/rules/kpi-alerts.yml", "prometheus/rules/kpi-recording.yml"):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(files[path], encoding="utf-8")
    result = subprocess.run(
        [program("promtool"), "check", "config", tmp_path / "prometheus/prometheus.yml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 rule files found" in result.stdout


def test_prometheus_reads_the_flags_of_the_config(tmp_path: Path) -> None:
    flags = tmp_path / "flags"
    flags.write_text(files_of(small(dashboards={"retention": "90d"}))["prometheus/flags"], encoding="utf-8")
    assert flags.read_text() == "--storage.tsdb.retention.time=90d\n"
    result = subprocess.run(
        [program("prometheus"), f"@{flags}", "--config.file=/nowhere"], capture_output=True, text=True, check=False
    )
    assert "err=" in result.stderr
    assert "unexpected" not in result.stderr


SCRAPE = {
    "tls": {"ca_file": "/etc/ca.pem", "server_name": "kpi.example.com"},
    "basic_auth": {"username": "prometheus", "password_file": "/run/secrets/kpi"},
}
PEOPLE = {"prometheus_url": "http://people:9090", "basic_auth": {"username": "hr", "password_file": "/run/secrets/hr"}}


def test_the_exporter_is_scraped_with_the_certificates_and_credentials_of_the_config() -> None:
    job = prometheus_config(small(dashboards={"scrape": SCRAPE}), Deployment())["scrape_configs"][0]
    assert job["scheme"] == "https"
    assert job["tls_config"] == SCRAPE["tls"]
    assert job["basic_auth"] == SCRAPE["basic_auth"]
    public = prometheus_config(small(dashboards={"scrape": {"tls": {}}}), Deployment())["scrape_configs"][0]
    assert public["scheme"] == "https"
    assert not {"tls_config", "basic_auth"} & set(public)
    assert not {"scheme", "basic_auth"} & set(prometheus_config(small(), Deployment())["scrape_configs"][0])


def test_a_client_certificate_without_its_key_is_rejected() -> None:
    with pytest.raises(ValueError, match="belong together"):
        small(dashboards={"scrape": {"tls": {"cert_file": "/etc/client.pem"}}})


def test_separate_people_are_not_scraped_by_the_shared_prometheus() -> None:
    """Whoever may query a Prometheus may query all of its series."""
    for dashboards in ({}, {"people": PEOPLE}):
        files = files_of(full(privacy={"people": "separate"}, dashboards=dashboards))
        assert "people" not in files["prometheus/prometheus.yml"]
    assert "prometheus/people.yml" not in files_of(full(dashboards={"people": PEOPLE}))


def test_without_a_prometheus_of_their_own_separate_people_have_no_dashboards() -> None:
    files = files_of(full(privacy={"people": "separate"}))
    assert not [path for path in files if "dashboards/people/" in path or path == "prometheus/people.yml"]
    assert len(yaml.safe_load(files["grafana/provisioning/datasources/kpi.yaml"])["datasources"]) == 2


def test_separate_people_can_have_a_prometheus_and_a_data_source_of_their_own(tmp_path: Path) -> None:
    files = files_of(full(privacy={"people": "separate"}, dashboards={"people": PEOPLE, "scrape": SCRAPE}))
    shared, people = yaml.safe_load(files["prometheus/people.yml"])["scrape_configs"]
    assert "metrics_path" not in shared
    assert (people["metrics_path"], people["basic_auth"]) == ("/metrics/people", PEOPLE["basic_auth"])
    assert people["tls_config"] == SCRAPE["tls"]
    sources = yaml.safe_load(files["grafana/provisioning/datasources/kpi.yaml"])["datasources"]
    assert [(s["uid"], s["url"], s.get("isDefault")) for s in sources if s["type"] == "prometheus"] == [
        ("kpi-prometheus", "http://prometheus:9090", True),
        ("kpi-prometheus-people", "http://people:9090", False),
    ]
    for path, text in files.items():
        if path.startswith("grafana/dashboards/"):
            uids = set(re.findall(r'"uid": "(kpi-prometheus[a-z-]*)"', text))
            assert uids <= {"kpi-prometheus-people" if "/people/" in path else "kpi-prometheus"}, path
    for name in ("prometheus.yml", "people.yml"):
        (tmp_path / "rules").mkdir(exist_ok=True)
        (tmp_path / "rules/kpi-recording.yml").write_text(files["prometheus/rules/kpi-recording.yml"])
        (tmp_path / name).write_text(
            re.sub("/etc/ca.pem|/run/secrets/kpi|/run/secrets/hr", str(tmp_path / name), files[f"prometheus/{name}"])
        )
        command = [program("promtool"), "check", "config", "--syntax-only", tmp_path / name]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_addresses_are_those_of_the_deployment() -> None:
    content = prometheus_config(small(), Deployment(exporter="127.0.0.1:9940", alertmanager="127.0.0.1:9093"))
    assert content["scrape_configs"][0]["static_configs"] == [{"targets": ["127.0.0.1:9940"]}]
    assert "127.0.0.1:9093" in str(content["alerting"])


@pytest.mark.parametrize(("every", "expected"), [("10m", 60), ("20s", 20), ("1s", 5)])
def test_the_scrape_interval_is_the_shortest_sync_interval_within_bounds(every: str, expected: int) -> None:
    uids = scrape_interval(small(sources=[source("a", sync_every=every), source("b", "tickets", sync_every="1h")]))
    assert uids == timedelta(seconds=expected)


def test_a_playlist_shows_the_company_each_department_and_the_wall() -> None:
    items = yaml.safe_load(files_of(full())["grafana/playlist.json"])["items"]
    assert [item["value"] for item in items] == [
        "kpi-overview", "kpi-dept-sales", "kpi-dept-service-care", "kpi-wall",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("departments", "start"),
    [
        (["Sales"], "kpi-dept-sales"),
        (["Sales", "sales"], "kpi-dept-sales-"),
        (["営業", "開発"], "kpi-dept-"),
        (["A very long name of a department that does not fit"], "kpi-dept-a-very-long-name-of-a-"),
    ],
)
def test_each_department_has_a_unique_uid(departments: list[str], start: str) -> None:
    site = Site(small(kpis=[kpi(f"kpi_{i}", department=name) for i, name in enumerate(departments)]))
    uids = [department_uid(site, name) for name in departments]
    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 40 and uid.startswith(start) for uid in uids)


def test_each_folder_has_a_unique_uid() -> None:
    assert folder_uid("KPI") == "kpi"
    assert folder_uid("KPI people") == "kpi-people"
    assert len({folder_uid(title) for title in ("KPI", "KPI!", "K-PI", "営業", "x" * 60)}) == 5
    assert all(len(folder_uid(title)) <= 40 for title in ("x" * 60, "営業"))


def test_secret_files_have_the_paths_that_alertmanager_sees() -> None:
    deployment = Deployment(config_dir="/srv/kpi/config")
    assert deployment.secret_file(Secret.model_validate({"file": "../secrets/slack"})) == "/srv/kpi/secrets/slack"
    assert deployment.secret_file(Secret.model_validate({"file": "/run/secrets/slack"})) == "/run/secrets/slack"
    assert deployment.secret_file(Secret(env="SLACK")) == "/srv/kpi/secrets/contacts/SLACK"
