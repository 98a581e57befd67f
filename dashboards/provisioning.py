"""Files that set up Grafana and Prometheus: data sources, dashboard providers, scraping, retention."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from dashboards.defaults import OVERVIEW, WALL, Site, department_uid, slug
from dashboards.deployment import Places
from dashboards.quoting import expanded
from dashboards.rules.exporter_alerts import SAMPLE_LIMIT
from dashboards.timing import compact
from exporter.config.root import Config

MAIN, PEOPLE_FOLDER = "kpi", "people"
"""Folders of dashboard files; that of people is apart, so that Grafana's folder permissions can guard it."""
ALERTMANAGER_UID = "kpi-alertmanager"
_OLDEST_PROMETHEUS = "2.50.0"


def folder_title(config: Config, kind: str) -> str:
    """The title of a folder in Grafana."""
    return config.dashboards.folder if kind == MAIN else f"{config.dashboards.folder} {kind}"


def folder_uid(title: str) -> str:
    """The uid of a folder with this title."""
    plain = slug(title)
    if plain and len(plain) <= 40 and plain.replace("-", " ") == title.lower():
        return plain
    return f"{plain[:31]}-{hashlib.sha256(title.encode()).hexdigest()[:8]}".strip("-")


def scrape_interval(config: Config) -> timedelta:
    """A minute, or as often as the quickest source is read; not under five seconds."""
    quickest = min(source.sync_every for source in config.sources)
    return min(max(quickest, timedelta(seconds=5)), timedelta(minutes=1))


def data_sources(site: Site, places: Places) -> dict[str, Any]:
    """Grafana's data sources: Prometheus, and Alertmanager for its list of alerts."""
    prometheus = {
        "name": "KPI Prometheus",
        "uid": site.datasource,
        "type": "prometheus",
        "access": "proxy",
        "orgId": 1,
        "url": expanded(site.config.dashboards.prometheus_url),
        "isDefault": True,
        "editable": False,
        "jsonData": {
            "httpMethod": "POST",
            "timeInterval": compact(scrape_interval(site.config)),
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
        "url": f"http://{places.alertmanager}",
        "editable": False,
        "jsonData": {"implementation": "prometheus", "handleGrafanaManagedAlerts": False},
    }
    return {"apiVersion": 1, "datasources": [prometheus, alertmanager]}


def dashboard_providers(site: Site, places: Places, folders: Sequence[str]) -> dict[str, Any]:
    """Where Grafana finds the dashboards, and in which folder it shows them."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": MAIN if kind == MAIN else f"{MAIN}-{kind}",
                "orgId": 1,
                "folder": expanded(folder_title(site.config, kind)),
                "folderUid": folder_uid(folder_title(site.config, kind)),
                "type": "file",
                "disableDeletion": False,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 30,
                "options": {"path": f"{places.dashboards_dir}/{kind}", "foldersFromFilesStructure": False},
            }
            for kind in folders
        ],
    }


def prometheus_config(config: Config, places: Places) -> dict[str, Any]:
    """The content of prometheus.yml."""
    interval = compact(scrape_interval(config))
    limits = {
        "sample_limit": SAMPLE_LIMIT,
        "label_limit": 30,
        "label_name_length_limit": 200,
        "label_value_length_limit": 1024,
        "honor_labels": False,
        "honor_timestamps": False,
    }
    targets = [{"targets": [places.exporter]}]
    people = {"job_name": "kpi-people", "metrics_path": "/metrics/people", **limits, "static_configs": targets}
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": ["rules/*.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [places.alertmanager]}]}]},
        "scrape_configs": [
            {"job_name": "kpi", **limits, "static_configs": targets},
            *([people] if config.privacy.people == "separate" else []),
            {"job_name": "prometheus", "static_configs": [{"targets": [places.prometheus]}]},
        ],
    }


def prometheus_flags(config: Config) -> str:
    """Flags that the config decides, one on each line: `prometheus @flags` reads them."""
    return f"--storage.tsdb.retention.time={compact(config.dashboards.retention)}\n"


def playlist(site: Site) -> dict[str, Any]:
    """A playlist for screens on the wall; Grafana takes it by API only (`POST /api/playlists`)."""
    uids = [OVERVIEW, *(department_uid(site, name) for name in site.departments), WALL]
    items = [{"type": "dashboard_by_uid", "value": uid, "order": place} for place, uid in enumerate(uids, start=1)]
    return {"name": f"{site.config.dashboards.folder} wall", "interval": "1m", "items": items}
