"""The file from which Grafana takes its own alert rules: flat, complete, and with nothing it would expand."""

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
def test_nobody_is_told_twice_unless_both_engines_are_wanted(engine: str, files: set[str]) -> None:
    assert {ALERT_RULES, GRAFANA_ALERTING} & files_of(small(alerting={"engine": engine})).keys() == files


def test_a_rule_is_flat_and_asks_for_the_number_that_its_text_shows() -> None:
    rule = rules(alerting())["KpiOffTrack revenue_won"]
    assert {key: rule[key] for key in ("condition", "for", "keepFiringFor", "noDataState", "execErrState")} == {
        "condition": "B", "for": "1h", "keepFiringFor": "15m", "noDataState": "OK", "execErrState": "Error",
    }  # fmt: skip
    assert (rule["dashboardUid"], rule["panelId"], rule["annotations"]["__panelId__"]) == ("kpi-detail", 10, "10")
    asked, held = rule["data"]
    assert asked["model"]["expr"] == (
        'max by (kpi) (kpi_value{kpi="revenue_won"}) and on (kpi) '
        'max by (kpi) (kpi_status{kpi="revenue_won",status="off_track"}) == 1'
    )
    assert held["model"]["expression"] == "is_number($A)"
    assert held["datasourceUid"] == "__expr__"
    assert rule["annotations"]["summary"] == "Revenue won is off track: {{ $values.A.Value | humanize }} USD"


def test_sentences_with_numbers_that_grafana_does_not_ask_for_are_left_out() -> None:
    description = rules(alerting())["KpiOffTrack revenue_won"]["annotations"]["description"]
    assert description == "Why it matters: It matters. Decision it supports: Whom to hire."


def test_grafanalibs_own_leftovers_are_gone() -> None:
    text = files_of(config("full"))[GRAFANA_ALERTING]
    for word in ("grafana_alert", "no_data_state", "No Data", "strict", "intervalFactor", "'-100'"):
        assert word not in text


def test_hostile_text_is_not_expanded_and_shows_literally() -> None:
    for rule in rules(alerting("hostile")).values():
        for value in rule["labels"].values():
            assert _grafana_template(_expanded(value)) == _plain(value)
        for name, value in rule["annotations"].items():
            assert not re.search(r"\$(__\w+)?\{", value), name


def _expanded(text: str) -> str:
    """What Grafana makes of a value of a provisioning file."""
    return "$".join(re.sub(r"\$\w+|\$\{\w+\}", "EXPANDED", part) for part in text.split("$$"))


def _grafana_template(text: str) -> str:
    return re.sub(r'\{\{ "(.)" \}\}', r"\1", text)


def _plain(text: str) -> str:
    return _grafana_template(text.replace("$$", "$"))


def test_the_unescaped_labels_are_what_the_config_says() -> None:
    found = rules(alerting("hostile"))
    for entry in config("hostile").kpis:
        assert _plain(found[f"KpiOffTrack {entry.name}"]["labels"]["owner"]) == entry.owner


def test_contacts_become_contact_points_whose_secrets_stay_in_files() -> None:
    points = {point["name"]: point["receivers"][0] for point in alerting()["contactPoints"]}
    assert points["owner_mail"]["settings"] == {"addresses": "owner@example.com", "singleEmail": True}
    assert points["team_slack"]["settings"] == {"url": "$__file{/app/secrets/slack}", "recipient": "#kpi"}
    assert points["hook"]["settings"] == {"url": "http://hook.example.com/kpi", "httpMethod": "POST"}
    assert points["teams_room"]["settings"] == {"url": "$__file{/app/secrets/TEAMS_URL}"}


def test_policies_lead_each_alert_to_its_contacts_and_the_rest_to_nobody() -> None:
    (tree,) = alerting()["policies"]
    unheard, *routes = tree["routes"]
    assert unheard["object_matchers"] == [["generated_by", "=", "kpi-exporter"], ["contacts", "=", ""]]
    assert unheard["mute_time_intervals"] == ["kpi-never"]
    assert [route["receiver"] for route in routes] == ["owner_mail", "team_slack", "hook", "teams_room"]
    assert all(route["continue"] for route in routes)
    (_, operator, pattern), = routes[1]["object_matchers"]  # fmt: skip
    label = rules(alerting())["KpiOffTrack revenue_won"]["labels"]["contacts"]
    assert operator == "=~"
    assert re.fullmatch(pattern, label)
    assert not re.fullmatch(routes[0]["object_matchers"][0][2], label)


def test_notifications_rest_outside_working_hours() -> None:
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


def test_an_exporter_that_is_gone_is_an_alert_not_missing_data() -> None:
    rule = rules(alerting())["KpiExporterUnreachable"]
    assert rule["noDataState"] == "Alerting"
    assert rule["data"][0]["model"]["expr"] == "count(kpi_exporter_build_info) or vector(0)"
    assert rule["data"][1]["model"]["expression"] == "$A < 1"


def test_long_names_of_contacts_get_short_uids() -> None:
    name = "a" * 63
    assert len(contact_uid(name)) == 40
    assert contact_uid(name) != contact_uid("a" * 62)
    assert contact_uid("ops") == "kpi-ops"


def test_both_engines_know_the_same_alerts() -> None:
    files = files_of(full())
    in_prometheus = {
        (rule["alert"], rule["labels"].get("kpi") or rule["labels"].get("source") or "")
        for group in yaml.safe_load(files[ALERT_RULES])["groups"]
        for rule in group["rules"]
    }
    in_grafana = {tuple(f"{title} ".split(" ")[:2]) for title in rules(yaml.safe_load(files[GRAFANA_ALERTING]))}
    assert in_prometheus == in_grafana


def test_statuses_that_carry_no_number_are_asked_as_they_are() -> None:
    found = rules(yaml.safe_load(files_of(full())[GRAFANA_ALERTING]))
    rule = found["KpiNoData dated"]
    assert rule["data"][1]["model"]["expression"] == "$A == 1"
    assert "$values" not in rule["annotations"]["summary"]
    assert len({name for name, _ in STATUS_ALERTS.values()}) == len(STATUS_ALERTS)


def test_nothing_of_the_environment_is_in_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAMS_URL", "https://secret.example.com/canary")
    assert os.environ["TEAMS_URL"]
    assert not [path for path, text in files_of(full()).items() if "canary" in text]


def test_a_kpi_with_its_own_duration_waits_as_long_in_grafana() -> None:
    content = yaml.safe_load(
        files_of(small(alerting={"engine": "grafana"}, kpis=[kpi("deals", alerts={"for": "90m"})]))[GRAFANA_ALERTING]
    )
    assert rules(content)["KpiAtRisk deals"]["for"] == "90m"
