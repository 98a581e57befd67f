"""Alerts about teams and persons: which rules there are, what fires, and whom Alertmanager notifies."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.generate import ALERT_RULES, GRAFANA_ALERTING, PEOPLE_RULE_TESTS, PEOPLE_RULES, RULE_TESTS
from exporter.config.root import Config
from tests.dashboards.checks.validate import validate
from tests.dashboards.samples import files_of, kpi, small
from tests.programs import program
from tests.rules.digest_samples import EVERYBODY, PEOPLE, TO_ALL, digests

Json = dict[str, Any]
PATH = "alertmanager/alertmanager.yml"


def rules(config: Config, path: str = ALERT_RULES) -> list[Json]:
    groups: list[Json] = yaml.safe_load(files_of(config)[path])["groups"]
    return [rule for group in groups for rule in group["rules"] if "digest" in rule["labels"]]


def run(folder: Path, config: Config, *command: str) -> str:
    for path, text in files_of(config).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    name, *arguments = command
    result = subprocess.run([str(program(name)), *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize("changes", [{}, PEOPLE])
def test_prometheus_and_alertmanager_accept_the_files_and_every_rule_fires_on_its_example(
    tmp_path: Path, changes: Json
) -> None:
    config = digests(**changes)
    validate(files_of(config))
    run(tmp_path, config, "promtool", "test", "rules", RULE_TESTS)
    run(tmp_path, config, "amtool", "check-config", PATH)
    if changes:
        run(tmp_path, config, "promtool", "test", "rules", PEOPLE_RULE_TESTS)
        run(tmp_path, config, "promtool", "check", "config", "prometheus/people.yml")


def test_rules_about_persons_are_for_the_prometheus_that_has_their_series() -> None:
    together, separate = digests(), digests(**PEOPLE)
    assert {rule["alert"] for rule in rules(together)} == {"KpiAtRisk", "KpiOffTrack", "KpiNoData"}
    assert sum("person_kpi" in rule["expr"] for rule in rules(together)) == 4
    assert not any("person_" in rule["expr"] for rule in rules(separate))
    assert len(rules(separate, PEOPLE_RULES)) == 4
    assert "person_" not in files_of(separate)[ALERT_RULES]
    people = yaml.safe_load(files_of(separate)["prometheus/people.yml"])
    assert people["rule_files"] == ["rules/kpi-recording.yml", "people-rules/*.yml"]
    assert people["alerting"] == yaml.safe_load(files_of(separate)["prometheus/prometheus.yml"])["alerting"]


def test_a_kpi_without_alerts_of_teams_and_persons_has_no_such_rules_routes_and_receivers() -> None:
    config = small(contacts=[{"name": "mail", "email": "a@example.com"}])
    assert rules(config) == []
    content = yaml.safe_load(files_of(config)[PATH])
    assert [receiver["name"] for receiver in content["receivers"]] == ["nobody", "mail"]
    assert "time_intervals" not in content


def test_grafana_evaluates_no_alert_about_a_team_or_a_person() -> None:
    text = files_of(digests())[GRAFANA_ALERTING]
    assert "digest" not in text
    assert "team_kpi_status" not in text
    assert "KpiOffTrack deals" in text


def test_only_alerts_that_notify_a_person_carry_an_address() -> None:
    to_lead = digests(kpis=[_with({**TO_ALL, "people_to": ["lead"]})])
    assert not any("email" in rule["expr"] for rule in rules(to_lead))
    assert "email" in rules(digests(kpis=[_with(TO_ALL)]))[-1]["expr"]


def _with(alerts: Json) -> Json:
    return kpi("deals", scopes=EVERYBODY, alerts=alerts)


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({"digest": ",lead,", "team": "North"}, "lead north@example.com"),
        ({"digest": ",lead,", "team": 'A "B" \\ | é.'}, "lead north@example.com"),
        ({"digest": ",lead,", "team": "A"}, "nobody"),
        ({"digest": ",lead,", "team": "West"}, "nobody"),
        ({"digest": ",person,lead,", "team": "South", "email": "x@y"}, "lead south@example.com,each person"),
        ({"digest": ",person,", "team": "South", "email": "x@y"}, "each person"),
        ({"digest": ",person,lead,", "team": "South"}, "lead south@example.com"),
        ({"digest": ",person,", "team": "South"}, "nobody"),
        ({"contacts": ",owner_mail,", "team": "South"}, "owner_mail"),
    ],
)
def test_an_alert_goes_to_the_lead_and_to_the_person_whom_it_names(
    tmp_path: Path, labels: dict[str, str], receivers: str
) -> None:
    arguments = [f"{name}={_matched(value)}" for name, value in labels.items()]
    command = ("amtool", "config", "routes", "test", f"--config.file={PATH}", *arguments)
    assert run(tmp_path, digests(), *command) == receivers


def _matched(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def test_mail_is_sent_within_an_hour_of_workdays_and_a_group_is_looked_at_once_an_hour() -> None:
    content = yaml.safe_load(files_of(digests())[PATH])
    routes = [route for route in content["route"]["routes"] if "digest" in route["matchers"][0]]
    assert [route["group_by"] for route in routes] == [["no_such_label"], ["no_such_label"], ["email"]]
    assert {(r["group_interval"], *r["active_time_intervals"], *r["mute_time_intervals"]) for r in routes} == {
        ("1h", "digest-hour", "days-off")
    }
    intervals = {each["name"]: each["time_intervals"] for each in content["time_intervals"]}
    (hour,) = intervals["digest-hour"]
    assert hour["times"] == [{"start_time": "08:00", "end_time": "09:00"}]
    assert hour["weekdays"] == ["monday", "tuesday", "wednesday", "thursday", "friday"]
    assert hour["location"] == "America/New_York"
    mails = [each["email_configs"][0] for each in content["receivers"] if " " in each["name"]]
    assert not any(mail["send_resolved"] for mail in mails)  # so that it never takes the place of a day's mail


@pytest.mark.parametrize(
    ("alerting", "times"),
    [
        ({"digest_at": "07:30"}, ("07:30", "08:30")),
        ({"digest_at": "23:00"}, ("23:00", "24:00")),
        ({"quiet_outside": {"opens": "23:15", "closes": "23:45"}}, ("23:00", "24:00")),
    ],
)
def test_the_hour_begins_when_the_config_says_so(alerting: Json, times: tuple[str, str]) -> None:
    content = yaml.safe_load(files_of(digests(alerting=alerting))[PATH])
    (hour,) = next(each for each in content["time_intervals"] if each["name"] == "digest-hour")["time_intervals"]
    assert hour["times"] == [dict(zip(("start_time", "end_time"), times, strict=True))]


def test_a_person_off_track_does_not_silence_the_others_who_are_at_risk() -> None:
    content = yaml.safe_load(files_of(digests())[PATH])
    assert content["inhibit_rules"][0]["equal"] == ["kpi", "team", "person"]
