"""The dashboards of all sample configs: valid queries and links, and readable by Grafana's own models."""

from __future__ import annotations

import json
import re
import warnings
from datetime import timedelta

import pytest

from dashboards.generate import dashboard_files
from dashboards.grafana_model import SCHEMA_VERSION
from dashboards.site import Site
from exporter.config.fields import Scope
from tests.dashboards import samples
from tests.dashboards.checks.boards import dashboard_problems, links_of, panels_of
from tests.dashboards.generated import CONFIGS, Json, config, dashboards, expressions, losses, panel
from tests.dashboards.selectors import families, selectors

every = pytest.mark.parametrize("name", CONFIGS)


@every
def test_every_expression_parses_and_names_series_and_labels_that_exist(name: str) -> None:
    known_families = families(config(name))
    for dashboard in dashboards(name).values():
        for position, expr in expressions(dashboard):
            for series, labels in selectors(expr):
                assert series in known_families, f"{position}: {series}"
                assert set(labels) <= {*known_families[series].labels, "job", "instance"}, (
                    f"{position}: {series} {labels}"
                )


@every
def test_no_dashboard_has_a_problem(name: str) -> None:
    by_uid = dashboards(name)
    faults = [fault for uid, content in by_uid.items() for fault in dashboard_problems(uid, content, by_uid)]
    assert faults == []


def column_widths(table: Json) -> list[int]:
    """The pixels that each visible column has at least; Grafana makes none narrower than 50."""
    properties = [
        {entry["id"]: entry["value"] for entry in override["properties"]}
        for override in table["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byName"
    ]
    shown = [column for column in properties if not column.get("custom.hideFrom.viz")]
    return [max(column.get("custom.width") or column.get("custom.minWidth", 60), 50) for column in shown]


@every
def test_the_columns_of_every_table_fit_a_screen_of_1280_pixels(name: str) -> None:
    margin, gap, padding = 16, 8, 8
    unit = (1280 - 2 * margin - 23 * gap) / 24
    cut = [
        f"{uid}: {entry['title']}"
        for uid, content in dashboards(name).items()
        for entry in panels_of(content)
        if entry["type"] == "table"
        and sum(column_widths(entry)) > (unit + gap) * entry["gridPos"]["w"] - gap - 2 * padding
    ]
    assert cut == []


@every
def test_grafanas_own_models_read_every_dashboard_without_loss(name: str) -> None:
    for uid, content in dashboards(name).items():
        assert losses(content, _round_trip(content)) == [], uid


def _round_trip(content: Json) -> object:
    with warnings.catch_warnings():
        # the classic dashboard is deprecated in the SDK, but file provisioning still needs it
        warnings.simplefilter("ignore", DeprecationWarning)
        from grafana_foundation_sdk.cog import encoder, plugins
        from grafana_foundation_sdk.models.dashboard import Dashboard

        plugins.register_default_plugins()
        dashboard = Dashboard.from_json(json.loads(json.dumps(content)))
        return json.loads(json.dumps(dashboard, cls=encoder.JSONEncoder))


@every
def test_dashboards_have_the_current_schema_and_are_not_editable(name: str) -> None:
    for content in dashboards(name).values():
        assert content["schemaVersion"] == SCHEMA_VERSION
        assert content["editable"] is False
        assert "id" not in content
        assert "version" not in content
        assert content["tags"][0] == "kpi"
        assert re.fullmatch(r"\d+[smh]", content["refresh"])


def test_there_are_dashboards_for_the_scopes_that_the_config_uses() -> None:
    assert set(dashboards("small")) == {
        "kpi-overview", "kpi-dept-sales", "kpi-detail", "kpi-objective", "kpi-wall", "kpi-exporter", "kpi-runbook",
    }  # fmt: skip
    assert set(dashboards("full")) - set(dashboards("small")) == {
        "kpi-dept-service-care", "kpi-team", "kpi-person", "kpi-people", "kpi-leaderboard",
    }  # fmt: skip


def test_people_are_ranked_only_if_the_config_asks_for_it_and_have_their_own_folder() -> None:
    without_leaderboard = samples.full(dashboards={"leaderboard": False})
    folders = {board.name: board.folder for board in dashboard_files(Site(without_leaderboard))}
    assert "leaderboard" not in folders
    assert {name for name, folder in folders.items() if folder == "people"} == {"person", "people"}


def test_no_range_query_but_that_of_the_leaderboard_covers_all_people() -> None:
    narrow = ("${person:raw}", "${team:raw}", 'kpi="$kpi"')
    for uid, dashboard in dashboards("full").items():
        if uid == "kpi-leaderboard":
            continue
        for entry in panels_of(dashboard):
            for query in entry.get("targets", ()):
                is_range_of_people = "person_kpi" in query["expr"] and query["range"]
                assert not is_range_of_people or any(part in query["expr"] for part in narrow), entry["title"]


def test_each_kpi_tile_links_to_its_detail_with_the_time_range() -> None:
    tiles = panel(dashboards("full")["kpi-dept-sales"], 4)
    url = "/d/kpi-detail?var-kpi=${__field.labels.kpi}&${__url_time_range}"
    assert list(links_of(tiles["fieldConfig"]["defaults"])) == [url]


def test_every_other_dashboard_links_to_the_overview_and_keeps_the_time_range() -> None:
    for uid, content in dashboards("full").items():
        home, *_ = content["links"]
        assert (home["url"] == "/d/kpi-overview") is (uid != "kpi-overview")
        assert all(link["keepTime"] for link in content["links"])


def test_two_hundred_kpis_need_few_overrides_and_queries() -> None:
    kpis = [samples.kpi(f"kpi_{number}", scopes=["company", "team", "person"]) for number in range(200)]
    boards = {board.name: board.json for board in dashboard_files(Site(samples.small(kpis=kpis)))}
    for entry in panels_of(boards["kpi-detail"]):
        if entry["type"] in ("stat", "bargauge", "timeseries"):
            assert len(entry["fieldConfig"]["overrides"]) <= 20, entry["title"]
    for name, content in boards.items():
        assert sum(len(entry.get("targets", ())) for entry in panels_of(content)) < 70, name


def test_the_palette_can_be_traffic_light_colours() -> None:
    boards = {b.name: b.json for b in dashboard_files(Site(samples.small(dashboards={"palette": "traffic"})))}
    tiles = json.dumps(panel(boards["dept-sales"], 4))
    assert '"green"' in tiles
    assert '"blue"' not in tiles


def test_the_detail_draws_value_expected_value_and_target_on_one_chart() -> None:
    chart = panel(dashboards("full")["kpi-detail"], 10)
    assert [query["legendFormat"] for query in chart["targets"] if not query["instant"]] == [
        "value", "should be by then", "target of the period", "lower end", "upper end",
    ]  # fmt: skip
    lines = {
        override["matcher"]["options"]: {prop["id"]: prop["value"] for prop in override["properties"]}
        for override in chart["fieldConfig"]["overrides"]
    }
    assert lines["value"]["custom.fillBelowTo"] == "should be by then", "what is ahead"
    assert lines["should be by then"]["custom.fillBelowTo"] == "value", "what is missing"
    assert lines["should be by then"]["custom.lineStyle"]["fill"] == "dash"
    assert lines["target of the period"]["custom.lineStyle"]["fill"] == "dot"


def test_hourly_history_is_drawn_as_a_line_at_shorter_steps_too() -> None:
    charts = [p for board in dashboards("full").values() for p in panels_of(board) if p["type"] == "timeseries"]
    spans = {chart["fieldConfig"]["defaults"]["custom"]["spanNulls"] for chart in charts}
    (longest_gap,) = spans
    assert timedelta(hours=1) < timedelta(milliseconds=longest_gap) < timedelta(hours=2), "missing data stays a gap"


def test_the_detail_marks_changes_of_the_target() -> None:
    (annotation,) = dashboards("full")["kpi-detail"]["annotations"]["list"]
    assert annotation["target"]["expr"] == 'max by (kpi) (changes(kpi_target{kpi="$kpi"}[2h])) > 0'


def test_the_detail_shows_reason_formula_and_decision() -> None:
    about = panel(dashboards("full")["kpi-detail"], 13)
    texts = about["targets"][0]["expr"]
    assert "Whom to hire." in texts
    assert "Revenue" in texts
    assert "Won / Closed" in texts
    assert not any(
        prop["id"] == "mappings" for override in about["fieldConfig"]["overrides"] for prop in override["properties"]
    ), "Grafana measures the height of a row on the label, not on the text of a mapping"


def test_the_detail_offers_kpis_by_title() -> None:
    (variable,) = dashboards("full")["kpi-detail"]["templating"]["list"]
    assert variable["current"] == {"selected": True, "text": "Revenue won", "value": "revenue_won"}
    pattern = re.compile(variable["regex"].strip("/").replace("?<", "?P<"))
    match = pattern.search('{kpi="a_b",title="Say "hi""} 1 1700000000000')
    assert match
    assert match.groupdict() == {"value": "a_b", "text": 'Say "hi"'}


def test_the_detail_shows_teams_and_people_only_if_kpis_have_them() -> None:
    assert {23, 24} & {entry["id"] for entry in panels_of(dashboards("small")["kpi-detail"])} == set()
    assert config("full").kpis[0].scopes == (Scope.COMPANY, Scope.TEAM, Scope.PERSON)
    assert {23, 24} <= {entry["id"] for entry in panels_of(dashboards("full")["kpi-detail"])}


def test_details_are_in_collapsed_rows() -> None:
    for uid in ("kpi-overview", "kpi-dept-sales", "kpi-exporter"):
        content = dashboards("full")[uid]
        rows = [entry for entry in content["panels"] if entry["type"] == "row"]
        assert rows
        assert all(row["collapsed"] and row["panels"] for row in rows)
        assert len(content["panels"]) <= 16


def test_panel_ids_stay_the_same_when_kpis_are_added() -> None:
    full = samples.full()
    fewer_kpis = full.model_copy(update={"kpis": full.kpis[1:]})

    def ids(of: object) -> dict[tuple[str, str], int]:
        return {
            (board.name, entry["title"]): entry["id"]
            for board in dashboard_files(Site(of))  # type: ignore[arg-type]
            for entry in panels_of(board.json)
            if entry["title"]
        }

    before, after = ids(full), ids(fewer_kpis)
    assert {key: before[key] for key in after} == after


@pytest.mark.parametrize(("grafana", "expected"), [("prometheus", "table"), ("grafana", "alertlist")])
def test_firing_alerts_come_from_the_engine_that_evaluates_them(grafana: str, expected: str) -> None:
    boards = {b.name: b.json for b in dashboard_files(Site(samples.small(alerting={"engine": grafana})))}
    for name in ("overview", "kpi-detail", "dept-sales"):
        (alerts,) = [p for p in panels_of(boards[name]) if p["title"] == "Firing alerts"]
        assert alerts["type"] == expected
        assert "kpi" in json.dumps(alerts["options" if expected == "alertlist" else "targets"])


def test_time_zone_and_weeks_are_those_of_the_company() -> None:
    content: Json = dashboards("full")["kpi-overview"]
    assert (content["timezone"], content["weekStart"], content["fiscalYearStartMonth"]) == (
        "America/New_York",
        "monday",
        6,
    )
    midweek = samples.small(company={"name": "A", "timezone": "UTC", "week_starts": "wednesday"})
    assert next(iter(dashboard_files(Site(midweek)))).json["weekStart"] == ""


def test_the_data_source_can_be_set() -> None:
    board = next(iter(dashboard_files(Site(samples.small(), "their-prometheus")))).json
    references = {json.dumps(q["datasource"]) for entry in panels_of(board) for q in entry.get("targets", ())}
    assert references == {'{"type": "prometheus", "uid": "their-prometheus"}'}
