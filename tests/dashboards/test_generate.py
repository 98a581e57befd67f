"""Generated files: deterministic, valid, and complete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dashboards.generate import (
    ALERT_RULES,
    GRAFANA_ALERTING,
    cluster_files,
    compose_files,
    write_generated,
    write_stack,
)
from dashboards.output import Manifest
from dashboards.site import Deployment, Site
from exporter.config.loader import load
from tests.acceptance.configs import CONFIGS as ACCEPTANCE_CONFIGS
from tests.acceptance.configs import acceptance_config
from tests.dashboards.checks.validate import validate
from tests.dashboards.generated import CONFIGS, config
from tests.dashboards.samples import files_of, full, kpi, small
from tests.programs import program

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", CONFIGS)
def test_generated_files_are_valid(name: str) -> None:
    validate(files_of(config(name)))


def test_files_are_sorted_and_the_same_in_another_process(tmp_path: Path) -> None:
    files = files_of(full())
    assert list(files) == sorted(files)
    code = (
        "from tests.dashboards.samples import *; import json, sys;json.dump(files_of(full()), open(sys.argv[1], 'w'))"
    )
    out = tmp_path / "files.json"
    subprocess.run(
        [sys.executable, "-c", code, str(out)], check=True, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "77"}
    )
    assert json.loads(out.read_text()) == files


@pytest.mark.parametrize("name", ACCEPTANCE_CONFIGS)
def test_the_acceptance_configs_generate_and_validate(tmp_path: Path, name: str) -> None:
    path = acceptance_config(tmp_path, name)
    files = compose_files(Site(load(path, {}).config), Deployment(), Manifest())
    validate(files)
    for file, text in files.items():
        target = tmp_path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    commands = (
        ["promtool", "check", "config", "prometheus/prometheus.yml"],
        ["promtool", "test", "rules", "prometheus/tests/kpi.yml"],
        ["amtool", "check-config", "alertmanager/alertmanager.yml"],
    )
    for name_of_program, *arguments in commands:
        command = [str(program(name_of_program)), *arguments]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_the_committed_output_is_that_of_the_demo_config() -> None:
    generated = ROOT / "dashboards/generated"
    earlier = Manifest.from_text((generated / "manifest.json").read_text(encoding="utf-8"))
    files = compose_files(Site(load(ROOT / "config/kpis.yaml", {}).config), Deployment(), earlier)
    on_disk = {
        str(path.relative_to(generated)): path.read_text(encoding="utf-8")
        for path in generated.rglob("*")
        if path.is_file()
    }
    assert on_disk == files, "run kpi-exporter generate"


def test_no_path_of_this_machine_is_in_the_files() -> None:
    for path, text in files_of(full().located_in(ROOT / "config")).items():
        assert str(ROOT) not in text, path


def test_rules_removed_from_the_config_are_deleted_in_grafana() -> None:
    engine = {"alerting": {"engine": "grafana"}}
    two = small(kpis=[kpi("deals"), kpi("orders")], **engine)
    first = files_of(two)
    assert "deleteRules" not in yaml.safe_load(first[GRAFANA_ALERTING])

    second = files_of(small(**engine), Manifest.from_text(first["manifest.json"]))
    deleted = {entry["uid"] for entry in yaml.safe_load(second[GRAFANA_ALERTING])["deleteRules"]}
    obsolete = {
        r["uid"]
        for g in yaml.safe_load(first[GRAFANA_ALERTING])["groups"]
        for r in g["rules"]
        if "orders" in r["title"]
    }
    assert deleted == obsolete
    assert len(obsolete) == 5

    again = files_of(small(**engine), Manifest.from_text(second["manifest.json"]))
    assert again == second
    back = files_of(two, Manifest.from_text(second["manifest.json"]))
    assert back == first


def test_removed_contact_points_and_timings_are_deleted_with_a_new_policy_tree() -> None:
    first = files_of(full())
    fewer = full(contacts=[{"name": "owner_mail", "email": "owner@example.com"}], company=_without_hours())
    fewer = fewer.model_copy(update={"kpis": tuple(k.model_copy(update={"alerts": None}) for k in fewer.kpis)})
    content = yaml.safe_load(files_of(fewer, Manifest.from_text(first["manifest.json"]))[GRAFANA_ALERTING])
    assert [entry["uid"] for entry in content["deleteContactPoints"]] == [
        "kpi-hook",
        "kpi-team_slack",
        "kpi-teams_room",
    ]
    assert [entry["name"] for entry in content["deleteMuteTimes"]] == ["kpi-days-off", "kpi-outside-working-hours"]


def _without_hours() -> dict[str, str]:
    return {"name": "Acme", "timezone": "America/New_York"}


def test_a_switch_to_prometheus_deletes_grafanas_rules_and_templates_but_keeps_what_policies_use() -> None:
    first = files_of(full())
    files = files_of(full(alerting={"engine": "prometheus"}), Manifest.from_text(first["manifest.json"]))
    content = yaml.safe_load(files[GRAFANA_ALERTING])
    assert set(content) == {"apiVersion", "deleteRules", "deleteTemplates"}
    assert content["deleteTemplates"] == [{"orgId": 1, "name": "kpi-exporter"}]
    assert ALERT_RULES in files
    validate(files)
    back = files_of(full(), Manifest.from_text(files["manifest.json"]))
    assert "deleteTemplates" not in yaml.safe_load(back[GRAFANA_ALERTING])


def test_a_manifest_of_a_version_that_listed_less_still_says_which_rules_are_gone() -> None:
    first = json.loads(files_of(full())["manifest.json"])
    del first["templates"], first["gone_templates"]
    content = yaml.safe_load(
        files_of(full(alerting={"engine": "prometheus"}), Manifest.from_text(json.dumps(first)))[GRAFANA_ALERTING]
    )
    assert [entry["uid"] for entry in content["deleteRules"]] == first["rules"]


def test_files_for_a_cluster_are_a_rule_object_and_config_maps() -> None:
    files = cluster_files(Site(full()), Deployment())
    kinds = {path: yaml.safe_load(text) for path, text in files.items() if path.endswith(".yaml")}
    assert kinds["kubernetes/rules.yaml"]["kind"] == "PrometheusRule"
    boards = {p: c for p, c in kinds.items() if p.startswith("kubernetes/dashboards/")}
    assert len(boards) == 12
    stack = files_of(full())
    for path, content in boards.items():
        assert content["metadata"]["labels"]["grafana_dashboard"] == "1", path
        ((name, text),) = content["data"].items()
        folder, file = name.split("-", 1)
        assert text == stack[f"grafana/dashboards/{folder}/{file}"]
        assert len(text.encode()) < 1_000_000
    assert boards["kubernetes/dashboards/people-person.yaml"]["metadata"]["annotations"] == {
        "grafana_folder": "KPI people"
    }
    assert kinds["kubernetes/alerting.yaml"]["metadata"]["labels"]["grafana_alert"] == "1"


def test_the_rules_for_a_cluster_are_valid(tmp_path: Path) -> None:
    files = cluster_files(Site(full()), Deployment())
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump(yaml.safe_load(files["kubernetes/rules.yaml"])["spec"]), encoding="utf-8")
    result = subprocess.run([program("promtool"), "check", "rules", path], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_a_cluster_without_grafana_alerts_gets_no_alerting_map() -> None:
    assert "kubernetes/alerting.yaml" not in cluster_files(Site(small()), Deployment())
    rules = yaml.safe_load(
        cluster_files(Site(small(alerting={"engine": "grafana"})), Deployment())["kubernetes/rules.yaml"]
    )
    assert [group["name"] for group in rules["spec"]["groups"]] == ["kpi-recording"]


@pytest.mark.parametrize("engine", ["grafana", "prometheus"])
def test_the_folders_that_grafana_looks_for_are_made(tmp_path: Path, engine: str) -> None:
    write_stack(small(alerting={"engine": engine}), tmp_path)
    folders = {path.name: any(path.iterdir()) for path in (tmp_path / "grafana/provisioning").iterdir()}
    assert folders == {"alerting": engine == "grafana", "dashboards": True, "datasources": True, "plugins": False}


def test_a_cluster_needs_no_provisioning_folders(tmp_path: Path) -> None:
    write_generated(tmp_path, cluster_files(Site(small()), Deployment()))
    assert not (tmp_path / "grafana").exists()


def test_a_cluster_gets_the_templates_of_notifications() -> None:
    content = yaml.safe_load(cluster_files(Site(small()), Deployment())["kubernetes/alertmanager-templates.yaml"])
    assert content["kind"] == "ConfigMap"
    assert '{{ define "kpi.subject" -}}' in content["data"]["kpi.tmpl"]
