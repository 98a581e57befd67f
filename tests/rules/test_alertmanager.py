"""Alertmanager's configuration: who is notified of which alert, inhibitions, and quiet hours."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.rules.alertmanager import TEMPLATES
from exporter.config.root import Config
from tests.dashboards.generated import config as sample_config
from tests.dashboards.samples import files_of, full, kpi, small
from tests.programs import program

PATH = "alertmanager/alertmanager.yml"

Json = dict[str, Any]


def alertmanager(config: Config) -> Json:
    content: Json = yaml.safe_load(files_of(config)[PATH])
    return content


def written(folder: Path, config: Config) -> Path:
    """The path of alertmanager.yml, with its templates beside it."""
    files = files_of(config)
    for path in (PATH, f"alertmanager/{TEMPLATES}"):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(files[path], encoding="utf-8")
    return folder / PATH


def amtool_problems(tmp_path: Path, config: Config) -> str:
    path = written(tmp_path, config)
    result = subprocess.run([program("amtool"), "check-config", path], capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def without_teams() -> Config:
    """Teams needs Alertmanager 0.28, but Debian has amtool 0.25."""
    config = full()
    return config.model_copy(update={"contacts": config.contacts[:3]})


def test_amtool_accepts_it(tmp_path: Path) -> None:
    for config in (without_teams(), small(), sample_config("hostile")):
        problems = amtool_problems(tmp_path, config)
        assert not problems, problems


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({"alertname": "KpiOffTrack", "contacts": ",team_slack,hook,"}, "team_slack,hook"),
        ({"alertname": "KpiOffTrack", "contacts": ",owner_mail,"}, "owner_mail"),
        ({"alertname": "KpiOffTrack"}, "nobody"),
        ({"alertname": "KpiOffTrack", "contacts": ",hook_two,"}, "nobody"),
    ],
)
def test_an_alert_goes_to_each_of_its_contacts(tmp_path: Path, labels: dict[str, str], receivers: str) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(files_of(without_teams())[PATH], encoding="utf-8")
    command = [str(program("amtool")), "config", "routes", "test", f"--config.file={path}"]
    command += [f"{name}={value}" for name, value in labels.items()]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == receivers


def test_the_owner_is_notified_if_a_kpi_lists_no_contacts() -> None:
    rules = yaml.safe_load(files_of(full())["prometheus/rules/kpi-alerts.yml"])
    labels = {r["labels"]["kpi"]: r["labels"] for g in rules["groups"] for r in g["rules"] if "kpi" in r["labels"]}
    assert labels["backlog"]["contacts"] == ",owner_mail,"


def test_the_first_contact_is_notified_of_alerts_about_the_exporter() -> None:
    rules = yaml.safe_load(files_of(full())["prometheus/rules/kpi-alerts.yml"])
    labels = {r["alert"]: r["labels"] for g in rules["groups"] for r in g["rules"]}
    assert labels["KpiExporterUnreachable"]["contacts"] == ",owner_mail,"
    without_contacts = yaml.safe_load(files_of(small())["prometheus/rules/kpi-alerts.yml"])
    assert all("contacts" not in rule["labels"] for group in without_contacts["groups"] for rule in group["rules"])


def test_secrets_are_read_from_files() -> None:
    config = full(
        alerting={
            "smtp": {
                "host": "mail.example.com",
                "sender": "a@example.com",
                "user": "kpi",
                "password": {"env": "SMTP_PASSWORD"},
            }
        }
    )
    content = alertmanager(config)
    receivers = {receiver["name"]: receiver for receiver in content["receivers"]}
    assert content["global"]["smtp_auth_password_file"] == "/app/secrets/contacts/SMTP_PASSWORD"
    assert content["global"]["smtp_auth_username"] == "kpi"
    assert receivers["team_slack"]["slack_configs"][0]["api_url_file"] == "/app/secrets/slack"
    assert receivers["teams_room"]["msteamsv2_configs"][0]["webhook_url_file"] == "/app/secrets/contacts/TEAMS_URL"
    secret_hook = small(contacts=[{"name": "hook", "webhook": {"url": {"file": "/run/hook"}}}])
    assert alertmanager(secret_hook)["receivers"][1]["webhook_configs"] == [
        {"send_resolved": True, "url_file": "/run/hook"}
    ]


def test_mail_goes_through_this_machine_if_the_config_has_no_server(tmp_path: Path) -> None:
    config = small(contacts=[{"name": "mail", "email": "a@example.com"}])
    assert alertmanager(config)["global"] == {
        "smtp_smarthost": "localhost:25", "smtp_from": "kpi-exporter@localhost", "smtp_require_tls": False,
    }  # fmt: skip
    problems = amtool_problems(tmp_path, config)
    assert not problems, problems


def test_a_template_in_an_address_is_literal() -> None:
    mail = alertmanager(sample_config("hostile"))["receivers"][1]["email_configs"][0]
    assert mail["to"] == '{{ "{" }}{{ "{" }}x}}@example.com'


def test_worse_alerts_inhibit_those_that_follow_from_them() -> None:
    rules = alertmanager(small())["inhibit_rules"]
    inhibitions = [(r["source_matchers"], r["target_matchers"], r.get("equal")) for r in rules]
    assert (['alertname="KpiOffTrack"'], ['alertname="KpiAtRisk"'], ["kpi", "team", "person"]) in inhibitions
    stale = next(entry for entry in inhibitions if entry[0] == ['alertname="KpiDataStale"'])
    pattern = stale[1][0].removeprefix('alertname=~"').removesuffix('"')
    for name in ("KpiOffTrack", "KpiAtRisk", "KpiTargetReached", "KpiNoData"):
        assert re.fullmatch(pattern, name)
    assert not re.fullmatch(pattern, "KpiReviewOverdue")
    unreachable = next(entry for entry in inhibitions if entry[0] == ['alertname="KpiExporterUnreachable"'])
    pattern = unreachable[1][0].removeprefix('alertname=~"').removesuffix('"')
    assert re.fullmatch(pattern, "KpiDataStale")
    assert not re.fullmatch(pattern, "KpiExporterUnreachable")


def test_working_hours_are_those_of_the_company_unless_set_for_alerts() -> None:
    (first, second), routes = alertmanager(full())["time_intervals"], alertmanager(full())["route"]["routes"]
    assert first["time_intervals"] == [
        {
            "weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "times": [{"start_time": "08:00", "end_time": "17:30"}],
            "location": "America/New_York",
        }
    ]
    assert second["name"] == "days-off"
    assert routes[0]["active_time_intervals"] == ["working-hours"]
    assert routes[0]["mute_time_intervals"] == ["days-off"]
    with_quiet_hours = full(alerting={"quiet_outside": {"opens": "09:00", "closes": "10:00"}})
    times = alertmanager(with_quiet_hours)["time_intervals"][0]["time_intervals"][0]["times"]
    assert times == [{"start_time": "09:00", "end_time": "10:00"}]


def test_without_working_hours_notifications_are_always_sent() -> None:
    content = alertmanager(small(contacts=[{"name": "mail", "email": "a@example.com"}], kpis=[kpi("deals")]))
    assert "time_intervals" not in content
    assert set(content["route"]["routes"][0]) == {"receiver", "matchers", "continue"}


def test_templates_of_the_user_are_read_after_the_generated_ones() -> None:
    assert alertmanager(small())["templates"] == [TEMPLATES, "/etc/alertmanager/templates/*.tmpl"]


def test_every_text_is_laid_out_by_a_template() -> None:
    receivers = {receiver["name"]: receiver for receiver in alertmanager(full())["receivers"]}
    assert receivers["teams_room"]["msteamsv2_configs"][0]["title"] == '{{ template "kpi.teams.title" . }}'
    assert receivers["team_slack"]["slack_configs"][0]["title"] == '{{ template "kpi.slack.title" . }}'
    mail = receivers["owner_mail"]["email_configs"][0]
    assert mail["headers"] == {"Subject": '{{ template "kpi.subject" . }}'}
    assert (mail["html"], mail["text"]) == ('{{ template "kpi.mail" . }}', '{{ template "kpi.text" . }}')
