"""What alerts say about a KPI, as Prometheus itself expands it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dashboards.encoding import yaml_text
from dashboards.rules.sentences import AlertSubject, stale_sentence, status_resolved, status_sentence
from dashboards.rules.texts import Sentence, for_prometheus
from exporter.config.fields import Scope, Status
from tests.dashboards.example_series import series
from tests.dashboards.samples import kpi, metric, small
from tests.programs import program

METRICS = [
    metric("won", sum="amount", count=None),
    metric("closed"),
    metric("share", unit="ratio", mean="attributes.share", count=None),
    metric("wait", unit="seconds", mean="attributes.wait", count=None),
]


def said(tmp_path: Path, sentence: Sentence, given: Mapping[str, str], expr: str = "vector(1)") -> list[str]:
    """What alerts with this expression say, given these series."""
    annotation = {"says": for_prometheus([sentence])}
    rules = {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": expr, "annotations": annotation}]}]}
    (tmp_path / "rules.yml").write_text(yaml_text(rules), encoding="utf-8")
    expectation = {"eval_time": "1h", "alertname": "A", "exp_alerts": []}
    content = {
        "rule_files": ["rules.yml"],
        "tests": [
            {
                "interval": "5m",
                "input_series": [{"series": name, "values": f"{value}x12"} for name, value in given.items()],
                "alert_rule_test": [expectation],
            }
        ],
    }
    (tmp_path / "test.yml").write_text(yaml_text(content), encoding="utf-8")
    command = [program("promtool"), "test", "rules", tmp_path / "test.yml"]
    output = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    lines = (output.stdout + output.stderr).splitlines()
    return [line.split('says="', 1)[1].rsplit('"', 1)[0] for line in lines if 'says="' in line]


def numbers(unit: str = "workdays", left: float = 1.4, **values: float) -> dict[str, str]:
    given = series("kpi_period_left", str(left), kpi="goal", unit=unit)
    for name, value in values.items():
        given |= series(f"kpi_{name}", str(value), kpi="goal")
    return given


REVENUE = numbers(value=1_284_000, target=1_600_000, pace_ratio=0.8412, target_ratio=0.8)
GUARDED = numbers(value=1_612_000, target=1_600_000, pace_ratio=1.01)
GUARD = series("kpi_status", "1", kpi="win_rate", status="off_track")
SHARE = numbers(value=0.2412, target=0.3, target_ratio=0.804)
RANGE = numbers(value=0.2412, target=0.34, target_low=0.28, target_high=0.4, target_ratio=0.62)
TICKETS = numbers(value=2150, target=1600, pace_ratio=-0.2)
WAIT = numbers("opening hours", 2.3, value=41, target=33, target_ratio=0.758)
RATIO = {"value": "share", "target": 0.3}


@pytest.mark.parametrize(
    ("changes", "status", "given", "sentence"),
    [
        ({}, Status.OFF_TRACK, REVENUE,
         "Revenue won this month is off track: CHF 1.28M of 1.60M, 84 % of plan, 2 workdays left"),
        ({}, Status.EXCEEDED, GUARDED,
         "Revenue won this month is ahead of its target: CHF 1.61M of 1.60M, 101 % of plan, 2 workdays left"),
        ({"guard": "win_rate"}, Status.AT_RISK, GUARDED | GUARD,
         "Revenue won this month is at risk: guard Win rate is off track, CHF 1.61M of 1.60M, 101 % of plan, 2 workdays left"),
        ({"guard": "win_rate"}, Status.AT_RISK, REVENUE,
         "Revenue won this month is at risk: CHF 1.28M of 1.60M, 84 % of plan, 2 workdays left"),
        (RATIO, Status.OFF_TRACK, SHARE,
         "Revenue won this month is off track: 24.1 %, target 30 %, 80 % of target, 2 workdays left"),
        (RATIO | {"better": "within", "target": {"within": [0.28, 0.4]}}, Status.AT_RISK, RANGE,
         "Revenue won this month is at risk: 24.1 %, target 28 % to 40 %, 2 workdays left"),
        ({"value": "closed", "better": "lower", "target": 1600}, Status.OFF_TRACK, TICKETS,
         "Revenue won this month is off track: 2,150, at most 1,600, 0 % of plan, 2 workdays left"),
        ({"value": "wait", "better": "lower", "target": 33, "period": "day"}, Status.OFF_TRACK, WAIT,
         "Revenue won this month is off track: 41 s, target at most 33 s, 76 % of target, 3 opening hours left"),
        ({"target": None}, Status.NO_TARGET, REVENUE, "Revenue won this month has no target: CHF 1.28M so far"),
        ({}, Status.NO_DATA, {}, "Revenue won this month has no data"),
        ({}, Status.TOO_EARLY, REVENUE,
         "Revenue won this month has no verdict yet: too little of its period has passed"),
    ],
)  # fmt: skip
def test_a_sentence_names_the_kpi_and_says_what_is_wrong(
    tmp_path: Path, changes: dict[str, Any], status: Status, given: dict[str, str], sentence: str
) -> None:
    entry = {"title": "Revenue won this month", "target": 1_600_000} | changes
    guard = kpi("win_rate", title="Win rate", value="share", target=0.3)
    config = small(metrics=METRICS, kpis=[kpi("goal", **entry), guard])
    assert said(tmp_path, status_sentence(AlertSubject(config, config.kpis[0]), status), given) == [sentence]


@pytest.mark.parametrize(
    ("left", "unit", "text"),
    [
        (0.4, "workdays", "1 workday left"),
        (1.0, "workdays", "1 workday left"),
        (0, "days", "0 days left"),
        (0.7, "opening hours", "1 opening hour left"),
        (12.2, "days", "13 days left"),
    ],
)
def test_the_rest_of_today_counts_as_a_day(tmp_path: Path, left: float, unit: str, text: str) -> None:
    given = numbers(unit, left, value=1_284_000, target=1_600_000, pace_ratio=0.84)
    (sentence,) = said(tmp_path, status_sentence(company(), Status.OFF_TRACK), given)
    assert sentence.endswith(f", {text}")


def company() -> AlertSubject:
    config = small(metrics=METRICS, kpis=[kpi("goal", title="Revenue", target=1_600_000, scopes=["company", "team"])])
    return AlertSubject(config, config.kpis[0])


def test_without_numbers_the_sentence_ends_after_the_verdict(tmp_path: Path) -> None:
    assert said(tmp_path, status_sentence(company(), Status.OFF_TRACK), {}) == ["Revenue is off track"]


def test_each_team_has_its_own_numbers(tmp_path: Path) -> None:
    teams = AlertSubject(company().config, company().kpi, Scope.TEAM)
    given = numbers()
    for team, value in (("North", 400_000), ('A "B" \\ {{ C }}', 90_500)):
        given |= series("team_kpi_value", str(value), kpi="goal", team=team)
        given |= series("team_kpi_target", "500000", kpi="goal", team=team)
        given |= series("team_kpi_pace_ratio", str(value / 500_000), kpi="goal", team=team)
    sentences = said(
        tmp_path, status_sentence(teams, Status.OFF_TRACK), given, "max by (kpi, team) (team_kpi_value) > 0"
    )
    assert sorted(sentences) == [
        r"Revenue of A \"B\" \\ {{ C }} is off track: CHF 91K of 500K, 18 % of plan, 2 workdays left",
        "Revenue of North is off track: CHF 400K of 500K, 80 % of plan, 2 workdays left",
    ]


def test_a_team_names_its_own_guard_or_the_company_s_if_it_has_none(tmp_path: Path) -> None:
    goal = kpi("goal", title="Revenue", target=1_600_000, scopes=["company", "team"], guard="win_rate")
    guard = kpi("win_rate", title="Win rate", value="share", target=0.3, scopes=["company", "team"])
    config = small(metrics=METRICS, kpis=[goal, guard])
    teams = AlertSubject(config, config.kpis[0], Scope.TEAM)
    given = numbers() | GUARD
    for team in ("North", "South", "West"):
        given |= series("team_kpi_value", "400000", kpi="goal", team=team)
    for team, off_track in (("North", "1"), ("South", "0")):
        given |= series("team_kpi_status", off_track, kpi="win_rate", team=team, status="off_track")
    sentences = said(tmp_path, status_sentence(teams, Status.AT_RISK), given, "max by (kpi, team) (team_kpi_value) > 0")
    assert sorted(sentences) == [
        "Revenue of North is at risk: guard Win rate is off track, CHF 400K, 2 workdays left",
        "Revenue of South is at risk: CHF 400K, 2 workdays left",
        "Revenue of West is at risk: guard Win rate is off track, CHF 400K, 2 workdays left",
    ]


def test_late_and_withheld_data_are_told_apart(tmp_path: Path) -> None:
    late = {'kpi_asof_timestamp_seconds{kpi="goal"}': "-5400"}
    assert said(tmp_path, stale_sentence(company()), late) == ["The data of Revenue is out of date: 2.5 h old"]
    withheld = late | series("kpi_exporter_kpi_up", "0", kpi="goal")
    assert said(tmp_path, stale_sentence(company()), withheld) == [
        "The data of Revenue is out of date: 2.5 h old, its numbers are withheld"
    ]
    never = series("kpi_exporter_kpi_up", "0", kpi="goal")
    assert said(tmp_path, stale_sentence(company()), never) == [
        "The data of Revenue is out of date, its numbers are withheld"
    ]


def test_a_resolved_alert_says_what_has_changed(tmp_path: Path) -> None:
    assert said(tmp_path, status_resolved(company(), Status.OFF_TRACK), {}) == ["Revenue is no longer off track"]
