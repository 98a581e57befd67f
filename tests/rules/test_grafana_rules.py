"""The provisioning file of Grafana's alert rules: flat, complete, and without text that Grafana would expand."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
import yaml

from dashboards.generate import ALERT_RULES, GRAFANA_ALERTING
from dashboards.rules.grafana import contact_uid
from dashboards.rules.kpi_alerts import STATUS_ALERTS
from tests.dashboards.generated import config
from tests.dashboards.samples import files_of, full, kpi, small

Json = dict[str, Any]


def alerting(name: str = "full") -> Json:
    content: Json = yaml.safe_load(files_of(config(name))[GRAFANA_ALERTING])
    return content


def rules(content: Json) -> dict[str, Json]:
    return {rule["title"]: rule for group in content["groups"] for rule in group["rules"]}


@pytest.mark.parametrize(
    ("engine", "files"),
    [("prometheus", {ALERT_RULES}), ("grafana", {GRAFANA_ALERTING}), ("both", {ALERT_RULES, GRAFANA_ALERTING})],
)
def test_each_engine_gets_rules_only_if_it_evaluates_them(engine: str, files: set[str]) -> None:
    assert {ALERT_RULES, GRAFANA_ALERTING} & files_of(small(alerting={"engine": engine})).keys() == files


def test_a_rule_is_flat_and_queries_each_text() -> None:
    rule = rules(alerting())["KpiOffTrack revenue_won"]
    assert {key: rule[key] for key in ("condition", "for", "keepFiringFor", "noDataState", "execErrState")} == {
        "condition": "B", "for": "1h", "keepFiringFor": "15m", "noDataState": "OK", "execErrState": "Error",
    }  # fmt: skip
    assert (rule["dashboardUid"], rule["panelId"], rule["annotations"]["__panelId__"]) == ("kpi-detail", 10, "10")
    query, condition, *texts = rule["data"]
    assert query["model"]["expr"] == 'max by (kpi) (kpi_status{kpi="revenue_won",status="off_track"})'
    assert condition["model"]["expression"] == "$A == 1"
    assert condition["datasourceUid"] == "__expr__"
    assert [text["refId"] for text in texts] == ["C", "D", "E", "F", "G"]


def test_texts_ask_whether_there_is_a_value_before_they_use_it() -> None:
    """At the first evaluation, and after one that failed, there are no values."""
    summary = rules(alerting())["KpiOffTrack revenue_won"]["annotations"]["summary"]
    assert summary.startswith(
        "Revenue won is off track{{ with $values.C }}{{ with .Labels.text }}: {{ . }}{{ end }}{{ end }}"
    )
    for rule in (rule for name in ("full", "hostile") for rule in rules(alerting(name)).values()):
        names = {query["refId"] for query in rule["data"]}
        for text in rule["annotations"].values():
            uses = re.findall(r"\$values", text)
            guarded = re.findall(r"\{\{ with \$values\.([A-Z]) \}\}\{\{ with \.Labels\.text \}\}", text)
            assert len(uses) == len(guarded)
            assert set(guarded) <= names


def test_a_text_without_series_does_not_take_the_data_from_its_rule() -> None:
    for rule in rules(alerting()).values():
        for query in rule["data"][2:]:
            assert query["model"]["expr"].endswith(") or on () vector(0)")


def test_obsolete_keys_of_grafanalib_are_removed() -> None:
    text = files_of(config("full"))[GRAFANA_ALERTING]
    for key in ("grafana_alert", "no_data_state", "No Data", "strict", "intervalFactor", "'-100'"):
        assert key not in text


def test_hostile_text_is_not_expanded_and_is_shown_literally() -> None:
    for rule in rules(alerting("hostile")).values():
        for value in rule["labels"].values():
            assert _grafana_template(_expanded(value)) == _plain(value)
        for name, value in rule["annotations"].items():
            assert not re.search(r"\$(__\w+)?\{", value), name


def _expanded(text: str) -> str:
    """A value of a provisioning file after Grafana has expanded it."""
    return "$".join(re.sub(r"\$\w+|\$\{\w+\}", "EXPANDED", segment) for segment in text.split("$$"))


def _grafana_template(text: str) -> str:
    return re.sub(r'\{\{ "(.)" \}\}', r"\1", text)


def _plain(text: str) -> str:
    return _grafana_template(text.replace("$$", "$"))


def test_the_unescaped_labels_are_what_the_config_says() -> None:
    by_title = rules(alerting("hostile"))
    for entry in config("hostile").kpis:
        assert _plain(by_title[f"KpiOffTrack {entry.name}"]["labels"]["owner"]) == entry.owner


def test_contacts_become_contact_points_whose_secrets_stay_in_files() -> None:
    points = {point["name"]: point["receivers"][0] for point in alerting()["contactPoints"]}
    settings = {name: point["settings"] for name, point in points.items()}
    assert settings["owner_mail"].items() >= {"addresses": "owner@example.com", "singleEmail": True}.items()
    assert settings["team_slack"].items() >= {"url": "$__file{/app/secrets/slack}", "recipient": "#kpi"}.items()
    assert settings["hook"].items() >= {"url": "http://hook.example.com/kpi", "httpMethod": "POST"}.items()
    assert settings["teams_room"]["url"] == "$__file{/app/secrets/contacts/TEAMS_URL}"


def test_contact_points_use_templates_that_the_same_file_provisions() -> None:
    content = alerting()
    (group,) = content["templates"]
    assert group["name"] == "kpi-exporter"
    assert "$" not in group["template"]  # Grafana would expand it from the environment
    defined = set(re.findall(r'{{ define "([\w.]+)"', group["template"]))
    used = {name for point in content["contactPoints"] for name in re.findall(r'template "([\w.]+)"', str(point))}
    assert {"kpi.subject", "kpi.text", "kpi.slack.title", "kpi.slack.text"} <= used <= defined
    settings = {point["name"]: point["receivers"][0]["settings"] for point in content["contactPoints"]}
    assert settings["owner_mail"]["subject"] == settings["hook"]["title"] == '{{ template "kpi.subject" . }}'


def test_policies_route_each_alert_to_its_contacts_and_others_to_nobody() -> None:
    (tree,) = alerting()["policies"]
    without_contacts, *routes = tree["routes"]
    assert without_contacts["object_matchers"] == [["generated_by", "=", "kpi-exporter"], ["contacts", "=", ""]]
    assert without_contacts["mute_time_intervals"] == ["kpi-never"]
    assert [route["receiver"] for route in routes] == ["owner_mail", "team_slack", "hook", "teams_room"]
    assert all(route["continue"] for route in routes)
    (_, operator, pattern), = routes[1]["object_matchers"]  # fmt: skip
    label = rules(alerting())["KpiOffTrack revenue_won"]["labels"]["contacts"]
    assert operator == "=~"
    assert re.fullmatch(pattern, label)
    assert not re.fullmatch(routes[0]["object_matchers"][0][2], label)


def test_notifications_are_muted_outside_working_hours() -> None:
    (tree,) = alerting()["policies"]
    timings = {timing["name"]: timing["time_intervals"] for timing in alerting()["muteTimes"]}
    assert tree["routes"][1]["mute_time_intervals"] == ["kpi-outside-working-hours", "kpi-days-off"]
    nights, weekend = timings["kpi-outside-working-hours"]
    assert nights["times"] == [
        {"start_time": "00:00", "end_time": "08:00"},
        {"start_time": "17:30", "end_time": "24:00"},
    ]
    assert (nights["location"], weekend["weekdays"]) == ("America/New_York", ["saturday", "sunday"])
    assert timings["kpi-days-off"][0] == {
        "days_of_month": ["2"], "months": ["1"], "years": ["2026"], "location": "America/New_York",
    }  # fmt: skip


def test_without_contacts_the_organisations_policies_are_left_alone() -> None:
    content = yaml.safe_load(files_of(small(alerting={"engine": "grafana"}))[GRAFANA_ALERTING])
    assert set(content) == {"apiVersion", "groups"}


def test_an_unreachable_exporter_is_an_alert_and_not_missing_data() -> None:
    rule = rules(alerting())["KpiExporterUnreachable"]
    assert rule["noDataState"] == "Alerting"
    assert rule["data"][0]["model"]["expr"] == "count(kpi_exporter_build_info) or vector(0)"
    assert rule["data"][1]["model"]["expression"] == "$A < 1"


def test_long_names_of_contacts_get_short_uids() -> None:
    name = "a" * 63
    assert len(contact_uid(name)) == 40
    assert contact_uid(name) != contact_uid("a" * 62)
    assert contact_uid("ops") == "kpi-ops"


def test_both_engines_have_the_same_alerts() -> None:
    files = files_of(full())
    in_prometheus = {
        (rule["alert"], rule["labels"].get("kpi") or rule["labels"].get("source") or "")
        for group in yaml.safe_load(files[ALERT_RULES])["groups"]
        for rule in group["rules"]
    }
    in_grafana = {tuple(f"{title} ".split(" ")[:2]) for title in rules(yaml.safe_load(files[GRAFANA_ALERTING]))}
    assert in_prometheus == in_grafana


def test_alerts_without_a_number_query_the_status() -> None:
    by_title = rules(yaml.safe_load(files_of(full())[GRAFANA_ALERTING]))
    rule = by_title["KpiNoData dated"]
    assert rule["data"][1]["model"]["expression"] == "$A == 1"
    assert "$values" not in rule["annotations"]["summary"]
    assert len({name for name, _ in STATUS_ALERTS.values()}) == len(STATUS_ALERTS)


def test_no_environment_variable_is_in_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAMS_URL", "https://secret.example.com/canary")
    assert os.environ["TEAMS_URL"]
    assert not [path for path, text in files_of(full()).items() if "canary" in text]


def test_the_duration_of_an_alert_is_the_same_in_grafana() -> None:
    content = yaml.safe_load(
        files_of(small(alerting={"engine": "grafana"}, kpis=[kpi("deals", alerts={"for": "90m"})]))[GRAFANA_ALERTING]
    )
    assert rules(content)["KpiAtRisk deals"]["for"] == "90m"
