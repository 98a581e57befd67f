"""The alert rules, loaded and evaluated by Prometheus itself."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.encoding import yaml_text
from dashboards.generate import ALERT_RULES, RECORDING_RULES, RULE_TESTS
from dashboards.rules.groups import alert_groups
from dashboards.rules.kpi_alerts import withheld_after
from dashboards.rules.model import AlertRule
from dashboards.rules.texts import example_text
from exporter.config.root import Config
from tests.dashboards.example_series import series
from tests.dashboards.generated import config as sample_config
from tests.dashboards.samples import files_of, full, kpi, metric, small, source
from tests.programs import program

IN_A_ROW = ("KpiTargetMissedInARow", "KpiTargetExceededInARow")

every = pytest.mark.parametrize("name", ["small", "full", "hostile"])


def promtool(*arguments: object) -> str:
    """What promtool reports; empty if it finds no problem."""
    result = subprocess.run([program("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def write_rules(tmp_path: Path, config: Config) -> Path:
    files = files_of(config)
    for path in (RECORDING_RULES, ALERT_RULES, RULE_TESTS):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(files[path], encoding="utf-8")
    return tmp_path


def rules(config: Config) -> dict[tuple[str, str], AlertRule]:
    return {(rule.name, rule.subject): rule for group in alert_groups(config) for rule in group.rules}


@every
def test_prometheus_accepts_all_rules(tmp_path: Path, name: str) -> None:
    out = write_rules(tmp_path, sample_config(name))
    problems = promtool("check", "rules", out / RECORDING_RULES, out / ALERT_RULES)
    assert not problems, problems


@every
def test_every_alert_fires_on_its_example_and_not_otherwise(tmp_path: Path, name: str) -> None:
    problems = promtool("test", "rules", write_rules(tmp_path, sample_config(name)) / RULE_TESTS)
    assert not problems, problems


@every
def test_the_generated_tests_cover_every_alert(name: str) -> None:
    content = yaml.safe_load(files_of(sample_config(name))[RULE_TESTS])
    *fires, quiet, nothing = content["tests"]
    names = {rule.name for rule in rules(sample_config(name)).values()}
    assert {test["alert_rule_test"][0]["alertname"] for test in fires} == names
    assert all(test["alert_rule_test"][0]["exp_alerts"] for test in fires)
    assert {entry["alertname"] for entry in quiet["alert_rule_test"]} == names
    assert not any(entry["exp_alerts"] for entry in quiet["alert_rule_test"])
    missing = {entry["alertname"] for entry in nothing["alert_rule_test"] if entry["exp_alerts"]}
    assert missing == {"KpiExporterUnreachable"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('status="off_track"})', 'status="on_track"})'),
        ("max by (kpi) (kpi_status{kpi=", "sum by (kpi) (kpi_status{kpi="),
        ("> 600", "> 86400"),
        ("absent(kpi", "count(kpi"),
        ("is off track{{", "is fine{{"),
        ("severity: critical", "severity: info"),
    ],
)
def test_the_generated_tests_notice_a_changed_rule(tmp_path: Path, before: str, after: str) -> None:
    out = write_rules(tmp_path, sample_config("small"))
    path = out / ALERT_RULES
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    assert promtool("test", "rules", out / RULE_TESTS)


def test_alerts_have_owner_severity_and_links() -> None:
    content = yaml.safe_load(files_of(full())[ALERT_RULES])
    alerts = {(r["alert"], r["labels"].get("kpi")): r for g in content["groups"] for r in g["rules"]}
    rule = alerts["KpiOffTrack", "revenue_won"]
    assert rule["labels"] == {
        "severity": "critical",
        "kpi": "revenue_won",
        "owner": "owner@example.com",
        "department": "Sales",
        "objective": "grow",
        "contacts": ",team_slack,hook,",
    }
    assert (rule["for"], rule["keep_firing_for"]) == ("1h", "15m")
    link = "https://grafana.example.com/d/kpi-detail?var-kpi=revenue_won"
    assert rule["annotations"]["dashboard_url"] == link
    assert rule["annotations"]["panel_url"] == f"{link}&viewPanel=10"
    assert rule["annotations"]["runbook_url"].startswith("https://grafana.example.com/d/kpi-runbook?viewPanel=")
    assert "Whom to hire." in rule["annotations"]["description"]


def test_a_kpi_has_alerts_for_the_statuses_that_it_lists() -> None:
    by_name = rules(full())
    assert {name for name, subject in by_name if subject == "revenue_won"} == {
        "KpiAtRisk", "KpiOffTrack", "KpiTargetReached", "KpiDataStale", "KpiReviewOverdue", *IN_A_ROW,
    }  # fmt: skip
    assert {name for name, subject in by_name if subject == "backlog"} == {
        "KpiAtRisk", "KpiOffTrack", "KpiDataStale", *IN_A_ROW,
    }  # fmt: skip
    dated = {name for name, subject in by_name if subject == "dated"}
    assert {"KpiNoData", "KpiNoTarget", "KpiTooEarly", "KpiTooFew", "KpiOnTrack"} <= dated


def test_a_kpi_without_a_company_value_has_no_status_alerts() -> None:
    by_name = rules(small(kpis=[kpi("deals", scopes=["team"])]))
    assert {name for name, subject in by_name if subject == "deals"} == {"KpiDataStale"}


def test_the_owner_is_told_of_reviews_and_targets_with_the_decision_and_the_contacts_of_all_else() -> None:
    by_name = rules(full())
    for name in ("KpiReviewOverdue", *IN_A_ROW):
        rule = by_name[name, "revenue_won"]
        assert rule.labels["contacts"] == ",owner_mail,"
        assert ("Decision it supports: Whom to hire.",) in rule.description
    assert by_name["KpiOffTrack", "revenue_won"].labels["contacts"] == ",team_slack,hook,"
    alone = rules(small(contacts=[{"name": "room", "email": "a@b"}], kpis=[kpi("deals", alerts={"notify": ["room"]})]))
    assert alone["KpiTargetMissedInARow", "deals"].labels["contacts"] == ",room,"


@pytest.mark.parametrize(("period", "count"), [("day", 20), ("week", 8), ("month", 4), ("quarter", 3), ("year", 2)])
def test_how_many_periods_in_a_row_depends_on_their_length_unless_the_config_says_so(period: str, count: int) -> None:
    assert rules(small(kpis=[kpi("deals", period=period)]))["KpiTargetMissedInARow", "deals"].expr.endswith(
        f">= {count}"
    )
    chosen = rules(small(kpis=[kpi("deals", period=period, alerts={"in_a_row": 5})]))
    assert chosen["KpiTargetExceededInARow", "deals"].expr.endswith(">= 5")


def test_a_kpi_without_a_target_or_a_company_value_has_no_alert_about_targets_in_a_row() -> None:
    for changes in ({"target": None}, {"scopes": ["team"]}):
        assert not {name for name, _ in rules(small(kpis=[kpi("deals", **changes)]))} & set(IN_A_ROW)


def test_a_driver_warns_the_contacts_of_each_kpi_that_it_supports() -> None:
    by_name = rules(full())
    drivers = {subject: rule for (name, subject), rule in by_name.items() if name == "KpiDriverOutOfRange"}
    assert set(drivers) == {"revenue_won won", "revenue_won pipeline"}
    rule = drivers["revenue_won won"]
    assert (rule.labels["kpi"], rule.labels["metric"]) == ("revenue_won", "won")
    assert rule.labels["contacts"] == by_name["KpiOffTrack", "revenue_won"].labels["contacts"]
    assert example_text([rule.summary], timedelta()) == (
        "Won is outside its expected range: 31 in the last finished week, expected 3 to 30; it threatens Revenue won"
    )


@every
def test_a_summary_begins_with_its_headline(name: str) -> None:
    for rule in rules(sample_config(name)).values():
        headline, summary = (example_text([sentence], timedelta()) for sentence in (rule.headline, rule.summary))
        assert summary.startswith(headline)
        assert summary == headline or not headline or summary[len(headline)] in ":,"


def test_slack_that_is_spent_too_fast_is_told_only_while_both_windows_exceed_the_limit() -> None:
    rule = rules(full())["KpiSlackSpentFast", "service_level"]
    assert example_text([rule.summary], timedelta()) == "Service level spends its slack 4 times as fast as it may"
    assert 'window="2h"' in rule.expr
    assert 'window="10m"' in rule.expr
    assert 'window="8h"' in rule.expr


def test_a_review_alert_requires_the_date_of_the_last_review() -> None:
    undated = rules(small(kpis=[kpi("deals", review="yearly")]))
    assert ("KpiReviewOverdue", "deals") not in undated


def test_the_stale_alert_fires_before_data_is_withheld() -> None:
    several = small(
        sources=[
            source("a", stale_after="30m"),
            source("b", stale_after="2h"),
            source("desk", "tickets", stale_after="1m"),
        ],
        kpis=[kpi("deals")],
    )
    withheld = withheld_after(several, several.kpis[0])
    assert withheld.total_seconds() == 1800
    rule = rules(several)["KpiDataStale", "deals"]
    assert "> 1200 or" in rule.expr
    assert 1200 + rule.for_.total_seconds() < withheld.total_seconds()


def test_two_exporters_make_one_alert_and_a_changed_instance_makes_no_second_one(tmp_path: Path) -> None:
    """The generated examples come from two exporters that agree; here one replaces the other."""
    out = write_rules(tmp_path, small())
    status = series("kpi_status", 1, kpi="deals", status="off_track")
    first, second = status
    test: dict[str, Any] = {
        "rule_files": [str(out / ALERT_RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": first, "values": "1x20 stale"},
                    {"series": second, "values": "_x20 1x60"},
                ],
                "promql_expr_test": [
                    {
                        "expr": 'count(ALERTS{alertname="KpiOffTrack",alertstate="firing"})',
                        "eval_time": "35m",
                        "exp_samples": [{"labels": "{}", "value": 1}],
                    }
                ],
            }
        ],
    }
    path = tmp_path / "two.yml"
    path.write_text(yaml_text(test), encoding="utf-8")
    problems = promtool("test", "rules", path)
    assert not problems, problems


def test_the_stale_alert_fires_before_alerts_of_a_withheld_kpi_stop(tmp_path: Path) -> None:
    """A source stops at minute 60: its data is late at 70, withheld at 75, and back at 120."""
    out = write_rules(tmp_path, small(kpis=[kpi("deals", alerts={"for": "5m", "on": ["off_track"]})]))
    fresh = "0+60x60 " + "3600x59 " + "7200+60x60"
    test = {
        "rule_files": [str(out / ALERT_RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": 'kpi_asof_timestamp_seconds{kpi="deals"}', "values": fresh},
                    {"series": 'kpi_status{kpi="deals",status="off_track"}', "values": "1x75 0x44 1x60"},
                    {"series": 'kpi_exporter_kpi_up{kpi="deals"}', "values": "1x75 0x44 1x60"},
                ],
                "promql_expr_test": [
                    _expects(name, minute, fires=fires)
                    for minute, name, fires in [
                        ("60m", "KpiOffTrack", True),
                        ("60m", "KpiDataStale", False),
                        ("73m", "KpiOffTrack", True),
                        ("73m", "KpiDataStale", True),
                        ("85m", "KpiOffTrack", True),
                        ("100m", "KpiOffTrack", False),
                        ("100m", "KpiDataStale", True),
                        ("130m", "KpiOffTrack", True),
                        ("145m", "KpiDataStale", False),
                    ]
                ],
            }
        ],
    }
    path = tmp_path / "stale.yml"
    path.write_text(yaml_text(test), encoding="utf-8")
    problems = promtool("test", "rules", path)
    assert not problems, problems


def _expects(name: str, minute: str, *, fires: bool) -> dict[str, Any]:
    expr = f'count(ALERTS{{alertname="{name}",alertstate="firing"}})'
    return {"expr": expr, "eval_time": minute, "exp_samples": [{"labels": "{}", "value": 1}] if fires else []}


def test_uids_of_rules_are_unique_and_short() -> None:
    uids = [rule.uid for rule in rules(full()).values()]
    assert len(set(uids)) == len(uids)
    assert max(map(len, uids)) <= 40


def test_each_department_has_a_rule_group() -> None:
    names = [group.name for group in alert_groups(full())]
    assert names == ["kpi-alerts-1", "kpi-alerts-2", "kpi-sources", "kpi-exporter"]


def test_numbers_are_withheld_by_the_sources_that_contribute_to_them() -> None:
    sources = [source("shop", stale_after="20m"), source("archive", stale_after="2h")]
    archived = metric("won", where={"source": "archive"})
    config = small(sources=sources, metrics=[archived, metric("closed")])
    assert withheld_after(config, config.kpis[0]) == config.sources[1].withheld_after


def test_data_that_rests_on_a_file_may_be_as_old_as_the_file() -> None:
    crm, export = source("crm"), source("export", complete_until="file")
    config = small(sources=[crm, export, source("desk", "tickets")], kpis=[kpi("deals")])
    assert withheld_after(config, config.kpis[0]) == timedelta(days=4)
    stale = rules(config)["KpiDataStale", "deals"]
    assert f"> {4 * 24 * 3600 * 2 // 3} or" in stale.expr
    assert "nobody replaced its file" in str(stale.description)
    without = small(sources=[crm], kpis=[kpi("deals")])
    assert "file" not in str(rules(without)["KpiDataStale", "deals"].description)
