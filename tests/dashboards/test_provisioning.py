"""Data sources, dashboard providers, scraping and retention."""

from __future__ import annotations

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


def test_people_are_scraped_separately_if_their_series_are_separate() -> None:
    jobs = {
        job["job_name"]: job
        for job in prometheus_config(small(privacy={"people": "separate"}), Deployment())["scrape_configs"]
    }
    assert set(jobs) == {"kpi", "kpi-people", "prometheus"}
    assert jobs["kpi-people"]["metrics_path"] == "/metrics/people"
    assert "kpi-people" not in str(prometheus_config(small(), Deployment()))


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
