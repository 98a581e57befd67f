"""The company overview: its order, its contents for one KPI and for hundreds, and the cost of its first load."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dashboards.boards.overview import MOST_ROWS, overview
from dashboards.grafana_model import to_json
from dashboards.promql import ALERTS
from dashboards.site import Site
from exporter import naming
from tests.dashboards.example_series import query_failures, series
from tests.dashboards.samples import full, kpi, small

Json = dict[str, Any]

OBJECTIVES = [
    {"name": f"objective_{number}", "title": f"Objective {number}", "owner": "owner@example.com"}
    for number in range(12)
]


def board(kpis: Sequence[Json], **changes: Any) -> Json:
    content: Json = to_json(overview(Site(small(kpis=kpis, **changes))))
    return content


def many(count: int, objectives: int = 3, departments: int = 2) -> Json:
    kpis = [
        kpi(
            f"kpi_{number}",
            objective=f"objective_{number % objectives}",
            department=f"Department {number % departments}",
            scopes=["company", "team"],
        )
        for number in range(count)
    ]
    return board(kpis, objectives=OBJECTIVES[:objectives])


def titles(content: Json) -> list[str]:
    return [panel["title"] for panel in content["panels"]]


def panel_of(content: Json, title: str) -> Json:
    (found,) = [panel for panel in content["panels"] if panel["title"] == title]
    return dict(found)


def first_queries(content: Json) -> int:
    """Queries that run before a row is opened."""
    return sum(len(panel.get("targets", ())) for panel in content["panels"])


def test_the_first_screen_says_how_many_are_on_plan_and_what_needs_attention() -> None:
    content: Json = to_json(overview(Site(full())))
    assert titles(content)[:5] == ["On plan", "KPIs by status", "Alerts and data", "Needs attention", "All KPIs"]
    assert (
        panel_of(content, "Needs attention")["gridPos"]["y"] + panel_of(content, "Needs attention")["gridPos"]["h"]
        <= 10
    )


@pytest.mark.parametrize("count", [1, 2, 25, 26, 200])
def test_a_first_load_asks_at_most_25_queries(count: int) -> None:
    content = many(count)
    assert first_queries(content) <= 25
    assert all(panel["collapsed"] for panel in content["panels"] if panel["type"] == "row")


def test_one_kpi_has_a_table_of_one_row_and_no_groups() -> None:
    content = board([kpi("deals")])
    assert titles(content) == [
        "On plan", "KPIs by status", "Alerts and data", "Needs attention", "All KPIs", "Status history", "Alerts",
    ]  # fmt: skip
    assert panel_of(content, "All KPIs")["gridPos"]["h"] == 4


def test_every_row_of_the_table_is_on_the_screen() -> None:
    assert panel_of(many(MOST_ROWS), "All KPIs")["gridPos"]["h"] * 38 >= 98 + MOST_ROWS * 42


def test_of_many_kpis_the_fifteen_worst_are_shown_and_all_in_closed_rows_by_objective() -> None:
    content = many(200)
    worst = panel_of(content, "Worst first")
    assert all("bottomk(15, " in query["expr"] for query in worst["targets"])
    assert "All KPIs" not in titles(content)
    rows = [panel for panel in content["panels"] if panel["title"].startswith("Objective ")]
    assert [row["title"] for row in rows] == ["Objective 0", "Objective 1", "Objective 2"]
    for number, row in enumerate(rows):
        (table,) = row["panels"]
        assert all(f'objective="objective_{number}"' in query["expr"] for query in table["targets"])


def test_with_more_than_ten_objectives_closed_rows_are_by_department() -> None:
    rows = [panel["title"] for panel in many(60, objectives=12)["panels"] if panel["type"] == "row"]
    assert rows == ["Department 0", "Department 1", "Status history", "Alerts"]


def test_objectives_and_departments_appear_only_if_there_are_several() -> None:
    one_department = titles(many(4, departments=1))
    assert "Objectives" in one_department
    assert "Departments" not in one_department
    one_objective = titles(many(4, objectives=1))
    assert "Departments" in one_objective
    assert "Objectives" not in one_objective
    assert "Objectives against plan" not in one_objective


def test_a_department_in_the_table_links_to_its_dashboard() -> None:
    table = panel_of(many(4), "Departments")
    assert '"uid", "kpi-dept-department-1"' in next(q["expr"] for q in table["targets"] if q["refId"] == "X")
    names = next(o for o in table["fieldConfig"]["overrides"] if o["matcher"]["options"] == "Department")
    links = next(p["value"] for p in names["properties"] if p["id"] == "links")
    assert links[0]["url"] == "/d/${__data.fields.uid}?${__url_time_range}"


def test_an_objective_in_the_table_links_to_its_dashboard_by_name() -> None:
    table = panel_of(many(4), "Objectives")
    names = next(o for o in table["fieldConfig"]["overrides"] if o["matcher"]["options"] == "Objective")
    links = next(p["value"] for p in names["properties"] if p["id"] == "links")
    assert links[0]["url"] == "/d/kpi-objective?var-objective=${__value.raw}&${__url_time_range}"


def test_no_panel_shows_a_number_in_the_colour_of_a_ratio() -> None:
    """A month that is 74 % over is red against the whole target and on track against plan."""
    for panel in many(30)["panels"]:
        assert "Of whole target" not in str(panel)
        assert panel["type"] != "bargauge"
        if panel["type"] == "table":
            steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            assert steps == [{"color": "text", "value": None}]


def test_counts_by_status_come_by_severity() -> None:
    query = panel_of(many(4), "KPIs by status")["targets"][0]
    words = ("off track", "at risk", "on track", "exceeded", "no verdict")
    positions = [query["expr"].index(word) for word in words]
    assert positions == sorted(positions)
    assert query["instant"]


def test_alert_tables_leave_no_column_off_the_screen() -> None:
    (row,) = [panel for panel in many(4)["panels"] if panel["title"] == "Alerts"]
    overrides = row["panels"][0]["fieldConfig"]["overrides"]
    widths = {
        o["matcher"]["options"]: p["value"] for o in overrides for p in o["properties"] if p["id"] == "custom.width"
    }
    assert widths == {"KPI": 250, "Alert": 200, "Severity": 120}
    assert row["panels"][0]["fieldConfig"]["defaults"]["noValue"] == "no alert is firing"


@pytest.mark.parametrize(("engine", "title", "queries"), [("prometheus", "Alerts and data", 2), ("grafana", "Data", 1)])
def test_alerts_are_counted_if_prometheus_evaluates_them(engine: str, title: str, queries: int) -> None:
    content = board([kpi("deals")], alerting={"engine": engine})
    assert len(panel_of(content, title)["targets"]) == queries


def test_an_alert_is_named_in_words(tmp_path: Path) -> None:
    (row,) = [panel for panel in board([kpi("deals")])["panels"] if panel["title"] == "Alerts"]
    info = {"unit": "count", "period": "month", "better": "higher", "objective": "grow", "department": "Sales"}
    kpi_series = series(naming.INFO, 1, kpi="deals", title="Deals", owner="me", **info)
    labels = {"alertstate": "firing", "kpi": "deals", "severity": "critical", "owner": "me"}
    for name in ("KpiOffTrack", "KpiDataStale"):
        kpi_series |= series(ALERTS, 1, alertname=name, **labels)
    words = f"max by (alertname, title) ({row['panels'][0]['targets'][0]['expr']})"
    expected = [{f'{{alertname="{name}",title="Deals"}}': "1"} for name in ("Off Track ", "Data Stale ")]
    failures = query_failures(tmp_path, kpi_series, [(words, expected)])
    assert not failures, failures


def test_the_history_of_statuses_has_at_most_forty_bands() -> None:
    (row,) = [panel for panel in many(200)["panels"] if panel["title"] == "Status history"]
    (bands,) = row["panels"]
    assert "bottomk(40, " in bands["targets"][0]["expr"]
    assert bands["gridPos"]["h"] == 45
