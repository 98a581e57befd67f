"""From a config to files: pure, sorted, without a clock, so that the same config gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dashboards.boards.department import department
from dashboards.boards.exporter_health import exporter_health
from dashboards.boards.kpi_detail import kpi_detail
from dashboards.boards.leaderboard import leaderboard
from dashboards.boards.overview import overview
from dashboards.boards.people import people
from dashboards.boards.person import person
from dashboards.boards.runbook import runbook
from dashboards.boards.wall import wall
from dashboards.defaults import Site, department_uid
from dashboards.deployment import Places
from dashboards.documents import json_text, yaml_text
from dashboards.grafana_model import Dashboard, Json, to_json
from dashboards.kubernetes import kubernetes_files
from dashboards.manifest import NAME, Manifest
from dashboards.provisioning import (
    MAIN,
    PEOPLE_FOLDER,
    dashboard_providers,
    data_sources,
    playlist,
    prometheus_config,
    prometheus_flags,
)
from dashboards.rules.alerting import alert_groups
from dashboards.rules.alertmanager import alertmanager
from dashboards.rules.exporter_alerts import OWN_PROMETHEUS
from dashboards.rules.grafana import contact_points, mute_timings, policies, rule_groups
from dashboards.rules.model import RuleGroup
from dashboards.rules.prometheus import alert_file, recording_file
from dashboards.rules.recording import recording_rules
from dashboards.rules.unit_tests import test_file

RECORDING, ALERTS = "prometheus/rules/kpi-recording.yml", "prometheus/rules/kpi-alerts.yml"
TESTS = "prometheus/tests/kpi.yml"
ALERTING = "grafana/provisioning/alerting/kpi.yaml"


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard with its folder and file name."""

    folder: str
    name: str
    dashboard: Dashboard

    @property
    def json(self) -> Json:
        """What Grafana gets."""
        content: Json = to_json(self.dashboard)
        return content


def boards(site: Site) -> Iterator[Board]:
    """All dashboards of a config."""
    yield Board(MAIN, "overview", overview(site))
    for name in site.departments:
        uid = department_uid(site, name)
        yield Board(MAIN, uid.removeprefix("kpi-"), department(site, name))
    yield Board(MAIN, "kpi-detail", kpi_detail(site))
    yield Board(MAIN, "wall", wall(site))
    yield Board(MAIN, "exporter-health", exporter_health(site))
    yield Board(MAIN, "runbook", runbook(site))
    if site.shows_people:
        yield Board(PEOPLE_FOLDER, "person", person(site))
        yield Board(PEOPLE_FOLDER, "people", people(site))
        if site.config.dashboards.leaderboard:
            yield Board(PEOPLE_FOLDER, "leaderboard", leaderboard(site))


def compose_files(site: Site, places: Places, earlier: Manifest) -> dict[str, str]:
    """Everything that a stack of its own needs: path to text."""
    config, groups = site.config, alert_groups(site.config)
    found = list(boards(site))
    folders = list(dict.fromkeys(board.folder for board in found))
    files = {f"grafana/dashboards/{board.folder}/{board.name}.json": json_text(board.json) for board in found}
    files |= {
        "grafana/playlist.json": json_text(playlist(site)),
        "grafana/provisioning/datasources/kpi.yaml": yaml_text(data_sources(site, places)),
        "grafana/provisioning/dashboards/kpi.yaml": yaml_text(dashboard_providers(site, places, folders)),
        "prometheus/prometheus.yml": yaml_text(prometheus_config(config, places)),
        "prometheus/flags": prometheus_flags(config),
        RECORDING: yaml_text(recording_file(recording_rules(config))),
        "alertmanager/alertmanager.yml": yaml_text(alertmanager(config, places)),
    }
    if site.prometheus_alerts:
        rule_files = [f"../rules/{path.rsplit('/', 1)[1]}" for path in (RECORDING, ALERTS)]
        files[ALERTS] = yaml_text(alert_file(config, groups))
        files[TESTS] = yaml_text(test_file(config, groups, rule_files))
    alerting = alerting_content(site, places, groups)
    manifest = replace(_grafana_objects(alerting), files=tuple(sorted(files))).after(earlier)
    if content := with_deletions(alerting, manifest):
        files[ALERTING] = yaml_text(content)
        manifest = replace(manifest, files=tuple(sorted(files)))
    return _sorted(files | {NAME: manifest.to_text()})


def alerting_content(site: Site, places: Places, groups: Sequence[RuleGroup]) -> Json:
    """Grafana's own rules, contact points, policies and mute timings; nothing where Prometheus alerts alone."""
    if not site.grafana_alerts:
        return {}
    parts = {
        "groups": rule_groups(site, groups),
        "contactPoints": contact_points(site.config, places),
        "muteTimes": mute_timings(site.config),
        "policies": policies(site.config),
    }
    return {name: part for name, part in parts.items() if part}


def _grafana_objects(alerting: Json) -> Manifest:
    return Manifest(
        rules=tuple(rule["uid"] for group in alerting.get("groups", ()) for rule in group["rules"]),
        contact_points=tuple(r["uid"] for point in alerting.get("contactPoints", ()) for r in point["receivers"]),
        mute_timings=tuple(timing["name"] for timing in alerting.get("muteTimes", ())),
    )


def with_deletions(alerting: Json, manifest: Manifest) -> Json:
    """The same, telling Grafana what to delete.

    Contact points and timings are deleted only together with a new policy tree: one that still names them would keep
    Grafana from starting.
    """
    deletions: Json = {"deleteRules": [{"orgId": 1, "uid": uid} for uid in manifest.gone_rules]}
    if "policies" in alerting:
        deletions["deleteContactPoints"] = [{"orgId": 1, "uid": uid} for uid in manifest.gone_contact_points]
        deletions["deleteMuteTimes"] = [{"orgId": 1, "name": name} for name in manifest.gone_mute_timings]
    content = alerting | {name: entries for name, entries in deletions.items() if entries}
    return {"apiVersion": 1, **content} if content else {}


def cluster_files(site: Site, places: Places) -> dict[str, str]:
    """Everything for a cluster that has Prometheus' operator and Grafana's sidecar."""
    groups = alert_groups(site.config, leave_out=OWN_PROMETHEUS)
    rules = recording_file(recording_rules(site.config))["groups"]
    if site.prometheus_alerts:
        rules = [*rules, *alert_file(site.config, groups)["groups"]]
    alerting = alerting_content(site, places, groups)
    found = {f"{board.folder}-{board.name}": board for board in boards(site)}
    files = kubernetes_files(
        site.config,
        rules,
        {name: (board.folder, json_text(board.json)) for name, board in found.items()},
        yaml_text(data_sources(site, places)),
        yaml_text({"apiVersion": 1, **alerting}) if alerting else "",
    )
    return _sorted(files | {NAME: Manifest(files=tuple(sorted(files))).to_text()})


def _sorted(files: dict[str, str]) -> dict[str, str]:
    return {path: files[path] for path in sorted(files)}
