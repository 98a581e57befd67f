"""Files that set up Grafana and Prometheus: data sources, dashboard providers, scraping, Kubernetes objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from dashboards.encoding import duration_text, escape_environment, yaml_text
from dashboards.rules.exporter_alerts import SAMPLE_LIMIT
from dashboards.site import (
    MAIN_FOLDER,
    OVERVIEW,
    PEOPLE_DATASOURCE_UID,
    WALL,
    Deployment,
    Site,
    department_uid,
    folder_title,
    folder_uid,
)
from exporter.config.organisation import ScrapeUser
from exporter.config.root import Config

ALERTMANAGER_UID = "kpi-alertmanager"
PROVISIONING = "grafana/provisioning"
PROVISIONING_FOLDERS = ("alerting", "dashboards", "datasources", "plugins")
"""The folders in `PROVISIONING` that Grafana reads. It logs an error for each that is missing."""
_OLDEST_PROMETHEUS = "2.50.0"
_KUBERNETES_NAME = "kpi-exporter"
_KUBERNETES_LABELS = {"app.kubernetes.io/name": _KUBERNETES_NAME}
_LONGEST_NAME = 253


def scrape_interval(config: Config) -> timedelta:
    """The shortest `sync_every` of the sources, limited to 5 to 60 seconds."""
    shortest = min(source.sync_every for source in config.sources)
    return min(max(shortest, timedelta(seconds=5)), timedelta(minutes=1))


def data_sources(site: Site, deployment: Deployment) -> dict[str, Any]:
    """Grafana's data sources: Prometheus, and Alertmanager to list alerts."""
    prometheus: dict[str, Any] = {
        "name": "KPI Prometheus",
        "uid": site.datasource,
        "type": "prometheus",
        "access": "proxy",
        "orgId": 1,
        "url": escape_environment(site.config.dashboards.prometheus_url),
        "isDefault": True,
        "editable": False,
        "jsonData": {
            "httpMethod": "POST",
            "timeInterval": duration_text(scrape_interval(site.config)),
            "prometheusType": "Prometheus",
            "prometheusVersion": _OLDEST_PROMETHEUS,
            "manageAlerts": site.prometheus_alerts,
            "alertmanagerUid": ALERTMANAGER_UID,
        },
    }
    alertmanager = {
        "name": "KPI Alertmanager",
        "uid": ALERTMANAGER_UID,
        "type": "alertmanager",
        "access": "proxy",
        "orgId": 1,
        "url": f"http://{deployment.alertmanager}",
        "editable": False,
        "jsonData": {"implementation": "prometheus", "handleGrafanaManagedAlerts": False},
    }
    people = site.config.dashboards.people
    if site.config.privacy.people != "separate" or people is None:
        return {"apiVersion": 1, "datasources": [prometheus, alertmanager]}
    url = escape_environment(people.prometheus_url)
    own = {"name": "KPI Prometheus people", "uid": PEOPLE_DATASOURCE_UID, "url": url, "isDefault": False}
    return {"apiVersion": 1, "datasources": [prometheus, alertmanager, prometheus | own]}


def dashboard_providers(site: Site, deployment: Deployment, folders: Sequence[str]) -> dict[str, Any]:
    """Grafana's dashboard providers, one for each kind of folder."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": MAIN_FOLDER if kind == MAIN_FOLDER else f"{MAIN_FOLDER}-{kind}",
                "orgId": 1,
                "folder": escape_environment(folder_title(site.config, kind)),
                "folderUid": folder_uid(folder_title(site.config, kind)),
                "type": "file",
                "disableDeletion": False,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 30,
                "options": {"path": f"{deployment.dashboards_dir}/{kind}", "foldersFromFilesStructure": False},
            }
            for kind in folders
        ],
    }


def prometheus_config(config: Config, deployment: Deployment) -> dict[str, Any]:
    """The content of prometheus.yml. Series of people are scraped only if they are part of /metrics."""
    own = {"job_name": "prometheus", "static_configs": [{"targets": [deployment.prometheus]}]}
    return {
        "global": _intervals(config),
        "rule_files": ["rules/*.yml"],
        **_alerting(deployment),
        "scrape_configs": [_scrape("kpi", config, deployment, config.dashboards.scrape.basic_auth), own],
    }


def people_prometheus_config(config: Config, deployment: Deployment, *, with_alerts: bool = False) -> dict[str, Any]:
    """The content of people.yml, for a Prometheus whose data only some may see; empty if there is none.

    It has the shared series, too, because dashboards of people compare with them.
    """
    people = config.dashboards.people
    if config.privacy.people != "separate" or people is None:
        return {}
    job = _scrape("kpi-people", config, deployment, people.basic_auth)
    return {
        "global": _intervals(config),
        "rule_files": ["rules/kpi-recording.yml", *(["people-rules/*.yml"] if with_alerts else [])],
        **(_alerting(deployment) if with_alerts else {}),
        "scrape_configs": [
            _scrape("kpi", config, deployment, config.dashboards.scrape.basic_auth),
            {**job, "metrics_path": "/metrics/people"},
        ],
    }


def _alerting(deployment: Deployment) -> dict[str, Any]:
    return {"alerting": {"alertmanagers": [{"static_configs": [{"targets": [deployment.alertmanager]}]}]}}


def _intervals(config: Config) -> dict[str, str]:
    interval = duration_text(scrape_interval(config))
    return {"scrape_interval": interval, "evaluation_interval": interval}


def _scrape(job: str, config: Config, deployment: Deployment, user: ScrapeUser | None) -> dict[str, Any]:
    """A job that scrapes the exporter, within limits, over TLS and with credentials if the config says so."""
    content: dict[str, Any] = {
        "job_name": job,
        "sample_limit": SAMPLE_LIMIT,
        "label_limit": 30,
        "label_name_length_limit": 200,
        "label_value_length_limit": 1024,
        "honor_labels": False,
        "honor_timestamps": False,
    }
    tls = config.dashboards.scrape.tls
    if tls is not None:
        content["scheme"] = "https"
        if settings := tls.model_dump(exclude_none=True):
            content["tls_config"] = settings
    if user is not None:
        content["basic_auth"] = user.model_dump()
    return {**content, "static_configs": [{"targets": [deployment.exporter]}]}


def prometheus_flags(config: Config) -> str:
    """The flags of Prometheus that depend on the config, for `prometheus @flags`."""
    return f"--storage.tsdb.retention.time={duration_text(config.dashboards.retention)}\n"


def playlist(site: Site) -> dict[str, Any]:
    """A playlist for wall screens. Grafana imports it only over its API (`POST /api/playlists`)."""
    uids = [OVERVIEW, *(department_uid(site, name) for name in site.departments), WALL]
    items = [
        {"type": "dashboard_by_uid", "value": uid, "order": position} for position, uid in enumerate(uids, start=1)
    ]
    return {"name": f"{site.config.dashboards.folder} wall", "interval": "1m", "items": items}


def kubernetes_files(
    config: Config,
    rule_groups: Sequence[Mapping[str, Any]],
    dashboards: Mapping[str, tuple[str, str]],
    datasources: str,
    alerting: str,
    templates: str,
) -> dict[str, str]:
    """A PrometheusRule, and ConfigMaps for Grafana's sidecar, as path to text.

    `dashboards` maps a name to its folder and JSON. `datasources` and `alerting` are YAML; `alerting` may be empty.
    `templates` is the template file of Alertmanager, which its object mounts with `configMaps`.
    """
    files = {
        "kubernetes/rules.yaml": yaml_text(
            {
                "apiVersion": "monitoring.coreos.com/v1",
                "kind": "PrometheusRule",
                "metadata": {"name": _KUBERNETES_NAME, "labels": _KUBERNETES_LABELS},
                "spec": {"groups": list(rule_groups)},
            }
        ),
        "kubernetes/datasources.yaml": _config_map("datasources", "grafana_datasource", {"kpi.yaml": datasources}),
    }
    files["kubernetes/alertmanager-templates.yaml"] = _config_map(
        "alertmanager-templates", "app.kubernetes.io/component", {"kpi.tmpl": templates}
    )
    if alerting:
        files["kubernetes/alerting.yaml"] = _config_map("alerting", "grafana_alert", {"kpi.yaml": alerting})
    for name, (folder, text) in dashboards.items():
        files[f"kubernetes/dashboards/{name}.yaml"] = _config_map(
            f"dashboard-{name}",
            "grafana_dashboard",
            {f"{name}.json": text},
            {"grafana_folder": folder_title(config, folder)},
        )
    return files


def _config_map(name: str, label: str, data: Mapping[str, str], annotations: Mapping[str, str] | None = None) -> str:
    metadata: dict[str, Any] = {
        "name": f"{_KUBERNETES_NAME}-{name}"[:_LONGEST_NAME].rstrip("-"),
        "labels": {**_KUBERNETES_LABELS, label: "1"},
    }
    if annotations:
        metadata["annotations"] = dict(annotations)
    return yaml_text({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)})
