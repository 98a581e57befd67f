"""The dashboard of a department: only its own KPIs, teams, people and metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboards.boards.department import department
from dashboards.boards.metric_tiles import explaining_metrics
from dashboards.grafana_model import to_json
from dashboards.site import Site
from exporter import naming
from exporter.config.fields import Scope, Status
from exporter.naming import metric_family, scoped
from tests.dashboards.example_series import SAMPLES, Series, all_series, query_failures, series
from tests.dashboards.samples import full, kpi, metric, small
from tests.dashboards.selectors import with_variables

Json = dict[str, Any]


def board(config: Any, name: str = "Sales") -> Json:
    content: Json = to_json(department(Site(config), name))
    return content


def panel_of(content: Json, title: str) -> Json:
    nested = [inner for panel in content["panels"] for inner in panel.get("panels", ())]
    found = [panel for panel in [*content["panels"], *nested] if panel["title"] == title and panel["type"] != "row"]
    return dict(found[0])


def expr(panel: Json, ref: str = "A") -> str:
    (query,) = [query["expr"] for query in panel["targets"] if query["refId"] == ref]
    return with_variables(query)


def titles(content: Json) -> list[str]:
    return [panel["title"] for panel in content["panels"]]


def test_it_has_the_same_first_screen_as_the_overview() -> None:
    content = board(full())
    assert titles(content)[:5] == ["On plan", "KPIs by status", "Alerts and data", "Needs attention", "KPIs"]
    assert sum(len(panel.get("targets", ())) for panel in content["panels"]) <= 20


def test_every_query_about_kpis_is_limited_to_the_department(tmp_path: Path) -> None:
    content = board(full(), "Service & Care")
    own = {"waiting_time", "rating_mean", "replies_sent"}
    counted = []
    for title, ref in [("Needs attention", "A"), *(("KPIs", ref) for ref in "SPVTF")]:
        names = (
            f'count by (kpi) ({expr(panel_of(content, title), ref)}) unless on (kpi) kpi_info{{department!="Sales"}}'
        )
        counted.append((names, []))
    failures = query_failures(tmp_path, all_series(full()), counted)
    assert not failures, failures
    assert own == {entry.name for entry in full().kpis if entry.department == "Service & Care"}


def test_alerts_are_those_of_the_department() -> None:
    content = board(full())
    for title in ("Alerts and data", "Firing alerts"):
        assert 'department="Sales"' in expr(panel_of(content, title))


def team_series(status: Status, pace: float | None, team: str) -> Series:
    identity = {"kpi": "deals", "team": team}
    result: Series = {}
    for candidate in Status:
        family = scoped(naming.STATUS, Scope.TEAM)
        result |= series(family, float(candidate is status), **identity, status=candidate.value)
    return result | (series(scoped(naming.PACE_RATIO, Scope.TEAM), pace, **identity) if pace is not None else {})


def test_a_cell_says_the_verdict_and_the_percentage_and_is_empty_without_a_ratio(tmp_path: Path) -> None:
    config = small(kpis=[kpi("deals", scopes=["company", "team"])])
    info = {"unit": "count", "period": "month", "better": "higher", "objective": "grow", "owner": "me"}
    kpi_series = series(naming.INFO, 1, kpi="deals", title="Deals", department="Sales", **info)
    kpi_series |= team_series(Status.OFF_TRACK, 0.844, "North") | team_series(Status.NO_DATA, None, "South")
    kpi_series |= team_series(Status.AT_RISK, 0.996, "East") | team_series(Status.TOO_FEW, -0.6, "West")
    cells = {"North": "▼ 84 %", "East": "◆ 100 %", "West": "○ 0 %"}
    expected = [{f'{{team="{team}",title="Deals",cell="{cell}"}}': "1"} for team, cell in cells.items()]
    query = f"max by (team, title, cell) ({expr(panel_of(board(config), 'Teams'))})"
    failures = query_failures(tmp_path, kpi_series, [(query, expected)])
    assert not failures, failures


@pytest.mark.parametrize(("title", "rows"), [("Teams", "team"), ("People", "person")])
def test_a_matrix_paints_no_cell_and_colours_texts_by_verdict(title: str, rows: str) -> None:
    matrix = panel_of(board(full()), title)
    pivot = matrix["transformations"][0]
    assert pivot["options"] == {
        "rowField": rows, "columnField": "title", "valueField": "cell", "emptyValue": "null",
    }  # fmt: skip
    assert "color-background" not in str(matrix["fieldConfig"])
    cells, names = matrix["fieldConfig"]["overrides"]
    properties = {entry["id"]: entry["value"] for entry in cells["properties"]}
    patterns = {entry["options"]["pattern"]: entry["options"]["result"]["color"] for entry in properties["mappings"]}
    assert patterns == {"^▼.*": "red", "^◆.*": "orange", "^●.*": "blue", "^▲.*": "blue", "^○.*": "#8e8e8e"}
    assert matrix["fieldConfig"]["defaults"]["noValue"] == "–"
    assert names["matcher"]["options"] == rows.capitalize()


def test_a_department_without_teams_or_people_has_no_empty_matrix() -> None:
    content = board(small(kpis=[kpi("deals")]))
    assert not {"Teams", "People"} & set(titles(content))


def test_people_are_not_shown_if_their_series_are_separate() -> None:
    kpis = [kpi("deals", scopes=["company", "person"])]
    assert "People" in titles(board(small(kpis=kpis)))
    assert "People" not in titles(board(small(kpis=kpis, privacy={"people": "separate"})))


def test_the_last_column_is_the_objective_if_there_are_several() -> None:
    def last(config: Any) -> str:
        overrides = panel_of(board(config), "KPIs")["fieldConfig"]["overrides"]
        return str(overrides[-1]["matcher"]["options"])

    two = [{"name": name, "title": name, "owner": "owner@example.com"} for name in ("grow", "serve")]
    assert last(small(kpis=[kpi("a"), kpi("b", objective="serve")], objectives=two)) == "Objective"
    assert last(small(kpis=[kpi("a"), kpi("b")])) == "Department"


def test_what_slipped_shows_only_kpis_behind_plan_with_their_symbol(tmp_path: Path) -> None:
    config = small(kpis=[kpi(name) for name in "abc"])
    info = {"unit": "count", "period": "month", "better": "higher", "objective": "grow", "owner": "me"}
    kpi_series: Series = {}
    for name, status in (("a", "off_track"), ("b", "on_track"), ("c", "at_risk")):
        kpi_series |= series(naming.INFO, 1, kpi=name, title=name.upper(), department="Sales", **info)
        kpi_series |= series(naming.PACE_RATIO, 0.1, kpi=name)
        for candidate in Status:
            kpi_series |= series(naming.STATUS, float(candidate == status), kpi=name, status=candidate.value)
    expected = [{'{kpi="a",mark="▼",title="A"}': "50"}, {'{kpi="c",mark="◆",title="C"}': "50"}]
    failures = query_failures(tmp_path, kpi_series, [(expr(panel_of(board(config), "What slipped")), expected)])
    assert not failures, failures


def test_metrics_without_a_target_explain_the_kpis(tmp_path: Path) -> None:
    panel = panel_of(board(full()), "What explains it")
    # Won and Pipeline are values of KPIs, By_origin adds up to Won, and the mean Size_by_stage does not add up
    query = f"max by (name) ({expr(panel)})"
    expected = [{'{name="Closed, this month"}': "5"}]
    failures = query_failures(tmp_path, all_series(full()), [(query, expected)])
    assert not failures, failures
    assert panel["options"]["colorMode"] == "none"


def test_a_metric_without_a_value_now_does_not_show_an_older_one(tmp_path: Path) -> None:
    config = small(kpis=[kpi("deals", value="won", period="day", supporting=["closed"])])
    query = expr(panel_of(board(config), "What explains it"))
    closed = metric_family(config, config.metric_by_name["closed"])
    friday = series(closed, f"7x{SAMPLES - 36}", period="day")  # of the 24 hours, the last three have none
    still = series(closed, 7, period="day")
    for values, samples in ((friday, []), (still, [{'{name="Closed, today"}': "7"}])):
        failures = query_failures(tmp_path, values, [(f"max by (name) (max_over_time(({query})[1h:1m]))", samples)])
        assert not failures, failures


def test_a_sum_over_labels_is_shown_by_the_metric_that_counts_the_same_without_them() -> None:
    split, mean = metric("by_origin", by=["origin"], title="Won by origin"), metric("size", mean="amount", count=None)
    other = metric("lost_by_origin", where={"status": "lost"}, by=["origin"], title="Lost")
    metrics = [metric("won"), metric("closed", where={"status": "won"}), split, other, mean]

    def names(*supporting: str, value: str = "size") -> list[str]:
        config = small(metrics=metrics, kpis=[kpi("deals", value=value, supporting=list(supporting))])
        return [entry.name for entry in explaining_metrics(config, config.kpis)]

    assert names("by_origin") == ["Won, this month"]
    assert names("by_origin", "won") == ["Won, this month"], "once"
    assert names("by_origin", value="won") == [], "a KPI already"
    assert names("lost_by_origin") == ["Lost, this month"], "no other metric counts the same"


def test_a_metric_that_is_a_kpi_is_not_shown_twice_and_without_any_there_is_no_panel() -> None:
    assert "What explains it" not in titles(board(small(kpis=[kpi("deals", value="won")])))


def test_many_metrics_are_in_a_closed_row() -> None:
    names = [f"metric_{number}" for number in range(13)]
    config = small(metrics=[metric("won"), *map(metric, names)], kpis=[kpi("deals", supporting=names)])
    (row,) = [panel for panel in board(config)["panels"] if panel["title"] == "What explains it"]
    assert row["type"] == "row"
    assert [len(panel["fieldConfig"]["overrides"]) for panel in row["panels"]] == [4, 4, 5]
