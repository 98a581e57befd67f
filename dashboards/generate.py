"""Generates all files from a config. Pure and sorted, without a clock: the same config always gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dashboards.boards.department import department
from dashboards.boards.kpi_detail import kpi_detail
from dashboards.boards.leaderboard import leaderboard
from dashboards.boards.objective import objective
from dashboards.boards.operations import exporter_health
from dashboards.boards.overview import overview
from dashboards.boards.people import people, person
from dashboards.boards.runbook import runbook
from dashboards.boards.team import team
from dashboards.boards.wall import wall
from dashboards.encoding import Json, json_text, yaml_text
from dashboards.grafana_model import Dashboard, to_json
from dashboards.output import MANIFEST, Manifest, WriteResult, read_manifest, write_files
from dashboards.provisioning import (
    PROVISIONING,
    PROVISIONING_FOLDERS,
    dashboard_providers,
    data_sources,
    kubernetes_files,
    people_prometheus_config,
    playlist,
    prometheus_config,
    prometheus_flags,
)
from dashboards.rules.alertmanager import TEMPLATES, alertmanager
from dashboards.rules.exporter_alerts import OWN_PROMETHEUS
from dashboards.rules.grafana import contact_points, mute_timings, policies, rule_groups
from dashboards.rules.groups import alert_groups, company_groups, person_groups, recording_rules
from dashboards.rules.model import RuleGroup
from dashboards.rules.notification_templates import alertmanager_templates, grafana_templates
from dashboards.rules.prometheus import alert_file, recording_file, test_file
from dashboards.site import MAIN_FOLDER, PEOPLE_FOLDER, Deployment, Site, department_uid
from exporter.config.fields import Scope
from exporter.config.root import Config
from exporter.errors import StartError

RECORDING_RULES, ALERT_RULES = "prometheus/rules/kpi-recording.yml", "prometheus/rules/kpi-alerts.yml"
RULE_TESTS = "prometheus/tests/kpi.yml"
PEOPLE_RULES, PEOPLE_RULE_TESTS = "prometheus/people-rules/kpi-people.yml", "prometheus/tests/kpi-people.yml"
GRAFANA_ALERTING = f"{PROVISIONING}/alerting/kpi.yaml"


@dataclass(frozen=True, slots=True)
class DashboardFile:
    """A dashboard with its kind of folder and its file name."""

    folder: str
    name: str
    dashboard: Dashboard

    @property
    def json(self) -> Json:
        """The JSON that Grafana loads."""
        content: Json = to_json(self.dashboard)
        return content


def dashboard_files(site: Site) -> Iterator[DashboardFile]:
    """All dashboards of a config."""
    yield DashboardFile(MAIN_FOLDER, "overview", overview(site))
    for name in site.departments:
        uid = department_uid(site, name)
        yield DashboardFile(MAIN_FOLDER, uid.removeprefix("kpi-"), department(site, name))
    yield DashboardFile(MAIN_FOLDER, "kpi-detail", kpi_detail(site))
    if site.config.objectives:
        yield DashboardFile(MAIN_FOLDER, "objective", objective(site))
    if site.kpis(Scope.TEAM):
        yield DashboardFile(MAIN_FOLDER, "team", team(site))
    yield DashboardFile(MAIN_FOLDER, "wall", wall(site))
    yield DashboardFile(MAIN_FOLDER, "exporter-health", exporter_health(site))
    yield DashboardFile(MAIN_FOLDER, "runbook", runbook(site))
    people_site = site.for_people
    if people_site is not None and site.kpis(Scope.PERSON):
        yield DashboardFile(PEOPLE_FOLDER, "person", person(people_site))
        yield DashboardFile(PEOPLE_FOLDER, "people", people(people_site))
        if site.config.dashboards.leaderboard:
            yield DashboardFile(PEOPLE_FOLDER, "leaderboard", leaderboard(people_site))


def compose_files(site: Site, deployment: Deployment, earlier: Manifest) -> dict[str, str]:
    """All files of a self-contained stack (path to text); `earlier` is the manifest of the last run."""
    config, groups = site.config, alert_groups(site.config)
    dashboards = list(dashboard_files(site))
    folders = list(dict.fromkeys(board.folder for board in dashboards))
    files = {f"grafana/dashboards/{board.folder}/{board.name}.json": json_text(board.json) for board in dashboards}
    files |= {
        "grafana/playlist.json": json_text(playlist(site)),
        f"{PROVISIONING}/datasources/kpi.yaml": yaml_text(data_sources(site, deployment)),
        f"{PROVISIONING}/dashboards/kpi.yaml": yaml_text(dashboard_providers(site, deployment, folders)),
        "prometheus/prometheus.yml": yaml_text(prometheus_config(config, deployment)),
        "prometheus/flags": prometheus_flags(config),
        RECORDING_RULES: yaml_text(recording_file(recording_rules(config))),
        "alertmanager/alertmanager.yml": yaml_text(alertmanager(config, deployment)),
        f"alertmanager/{TEMPLATES}": alertmanager_templates(config),
    }
    files |= _people_prometheus(site, deployment)
    if site.prometheus_alerts:
        rule_files = [f"../rules/{path.rsplit('/', 1)[1]}" for path in (RECORDING_RULES, ALERT_RULES)]
        files[ALERT_RULES] = yaml_text(alert_file(config, groups))
        files[RULE_TESTS] = yaml_text(test_file(config, groups, rule_files))
    alerting = alerting_content(site, deployment, groups)
    manifest = replace(_grafana_objects(alerting), files=tuple(sorted(files))).after(earlier)
    if content := with_deletions(alerting, manifest):
        files[GRAFANA_ALERTING] = yaml_text(content)
        manifest = replace(manifest, files=tuple(sorted(files)))
    return dict(sorted((files | {MANIFEST: manifest.to_text()}).items()))


def _people_prometheus(site: Site, deployment: Deployment) -> dict[str, str]:
    """The files of the Prometheus for people alone; none if it is not asked for."""
    groups = person_groups(site.config) if site.prometheus_alerts else ()
    people = people_prometheus_config(site.config, deployment, with_alerts=bool(groups))
    if not people:
        return {}
    files = {"prometheus/people.yml": yaml_text(people)}
    if groups:
        files[PEOPLE_RULES] = yaml_text(alert_file(site.config, groups))
        files[PEOPLE_RULE_TESTS] = yaml_text(
            test_file(site.config, groups, [f"../{PEOPLE_RULES.removeprefix('prometheus/')}"])
        )
    return files


def alerting_content(site: Site, deployment: Deployment, groups: Sequence[RuleGroup]) -> Json:
    """Grafana's rules, contact points, policies and mute timings; empty if Prometheus alone evaluates alerts."""
    if not site.grafana_alerts:
        return {}
    sections = {
        "groups": rule_groups(site, company_groups(groups)),
        "templates": grafana_templates() if site.config.contacts else [],
        "contactPoints": contact_points(site.config, deployment),
        "muteTimes": mute_timings(site.config),
        "policies": policies(site.config),
    }
    return {name: section for name, section in sections.items() if section}


def _grafana_objects(alerting: Json) -> Manifest:
    return Manifest(
        rules=tuple(rule["uid"] for group in alerting.get("groups", ()) for rule in group["rules"]),
        contact_points=tuple(r["uid"] for point in alerting.get("contactPoints", ()) for r in point["receivers"]),
        mute_timings=tuple(timing["name"] for timing in alerting.get("muteTimes", ())),
        templates=tuple(template["name"] for template in alerting.get("templates", ())),
    )


def with_deletions(alerting: Json, manifest: Manifest) -> Json:
    """The alerting content, plus what Grafana has to delete.

    Contact points and mute timings are deleted only together with a new policy tree: if the tree still named them,
    Grafana would not start.
    """
    deletions: Json = {
        "deleteRules": [{"orgId": 1, "uid": uid} for uid in manifest.gone_rules],
        "deleteTemplates": [{"orgId": 1, "name": name} for name in manifest.gone_templates],
    }
    if "policies" in alerting:
        deletions["deleteContactPoints"] = [{"orgId": 1, "uid": uid} for uid in manifest.gone_contact_points]
        deletions["deleteMuteTimes"] = [{"orgId": 1, "name": name} for name in manifest.gone_mute_timings]
    content = alerting | {name: entries for name, entries in deletions.items() if entries}
    return {"apiVersion": 1, **content} if content else {}


def cluster_files(site: Site, deployment: Deployment) -> dict[str, str]:
    """All files (path to text) for a cluster with the Prometheus operator and Grafana's sidecar."""
    groups = alert_groups(site.config, leave_out=OWN_PROMETHEUS)
    rules = recording_file(recording_rules(site.config))["groups"]
    if site.prometheus_alerts:
        rules = [*rules, *alert_file(site.config, groups)["groups"]]
    alerting = alerting_content(site, deployment, groups)
    files = kubernetes_files(
        site.config,
        rules,
        {f"{board.folder}-{board.name}": (board.folder, json_text(board.json)) for board in dashboard_files(site)},
        yaml_text(data_sources(site, deployment)),
        yaml_text({"apiVersion": 1, **alerting}) if alerting else "",
        alertmanager_templates(site.config),
    )
    manifest = Manifest(files=tuple(sorted(files)))
    return dict(sorted((files | {MANIFEST: manifest.to_text()}).items()))


def write_stack(config: Config, out: Path, deployment: Deployment = Deployment()) -> None:  # noqa: B008  # immutable
    """Writes the files of a self-contained stack, for `provision` and the demo. Raises StartError if it cannot."""
    write_generated(out, compose_files(Site(config), deployment, read_manifest(out)))


def write_generated(out: Path, files: dict[str, str]) -> WriteResult:
    """Brings the folder to `files`, all or nothing. Raises StartError if it cannot be written.

    Makes the folders that Grafana looks for, even if no file is in them.
    """
    try:
        result = write_files(out, files)
        if any(path.startswith(f"{PROVISIONING}/") for path in files):
            for name in PROVISIONING_FOLDERS:
                (out / PROVISIONING / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"cannot write to {out}: {error.strerror}") from None
    return result
