"""Every dashboard of every sample config: what it asks exists, what it links to exists, and Grafana reads all of it."""

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
from tests.dashboards.generated import CONFIGS, Json, config, dashboards, expressions, lost, panel
from tests.dashboards.selectors import families, selectors

every = pytest.mark.parametrize("name", CONFIGS)


@every
def test_every_expression_parses_and_names_series_and_labels_that_exist(name: str) -> None:
    known = families(config(name))
    for dashboard in dashboards(name).values():
        for where, expr in expressions(dashboard):
            for series, labels in selectors(expr):
                assert series in known, f"{where}: {series}"
                assert set(labels) <= {*known[series].labels, "job", "instance"}, f"{where}: {series} {labels}"


@every
def test_no_dashboard_has_a_fault(name: str) -> None:
    found = dashboards(name)
    faults = [fault for uid, content in found.items() for fault in dashboard_problems(uid, content, found)]
    assert faults == []


@every
def test_grafanas_own_models_read_every_dashboard_without_loss(name: str) -> None:
    for uid, content in dashboards(name).items():
        assert lost(content, _read_and_written(content)) == [], uid


def _read_and_written(content: Json) -> object:
    with warnings.catch_warnings():
        # the classic dashboard is deprecated there; file provisioning still wants it
        warnings.simplefilter("ignore", DeprecationWarning)
        from grafana_foundation_sdk.cog import encoder, plugins
        from grafana_foundation_sdk.models.dashboard import Dashboard

        plugins.register_default_plugins()
        read = Dashboard.from_json(json.loads(json.dumps(content)))
        return json.loads(json.dumps(read, cls=encoder.JSONEncoder))


@every
def test_dashboards_are_of_the_modern_schema_and_only_the_generator_edits_them(name: str) -> None:
    for content in dashboards(name).values():
        assert content["schemaVersion"] == SCHEMA_VERSION
        assert content["editable"] is False
        assert "id" not in content
        assert "version" not in content
        assert content["tags"][0] == "kpi"
        assert re.fullmatch(r"\d+[smh]", content["refresh"])


def test_everybody_gets_the_dashboards_of_the_scopes_that_the_config_has() -> None:
    assert set(dashboards("small")) == {
        "kpi-overview", "kpi-dept-sales", "kpi-detail", "kpi-wall", "kpi-exporter", "kpi-runbook",
    }  # fmt: skip
    assert set(dashboards("full")) - set(dashboards("small")) == {
        "kpi-dept-service-care", "kpi-person", "kpi-people", "kpi-leaderboard",
    }  # fmt: skip


def test_people_are_ranked_only_where_the_config_says_so_and_live_in_a_folder_of_their_own() -> None:
    quiet = samples.full(dashboards={"leaderboard": False})
    found = {board.name: board.folder for board in dashboard_files(Site(quiet))}
    assert "leaderboard" not in found
    assert {name for name, folder in found.items() if folder == "people"} == {"person", "people"}


def test_a_dashboard_of_people_never_asks_for_everybody_along_time() -> None:
    for dashboard in dashboards("full").values():
        for shown in panels_of(dashboard):
            for query in shown.get("targets", ()):
                along_time = "person_kpi" in query["expr"] and query["range"]
                assert not along_time or "${person:raw}" in query["expr"], shown["title"]


def test_each_kpi_tile_leads_to_its_detail_with_the_time_range() -> None:
    tiles = panel(dashboards("full")["kpi-dept-sales"], 4)
    url = "/d/kpi-detail?var-kpi=${__field.labels.kpi}&${__url_time_range}"
    assert list(links_of(tiles["fieldConfig"]["defaults"])) == [url]


def test_every_dashboard_but_the_first_leads_home_with_variables_and_time_kept() -> None:
    for uid, content in dashboards("full").items():
        home, *_ = content["links"]
        assert (home["url"] == "/d/kpi-overview") is (uid != "kpi-overview")
        assert all(link["keepTime"] for link in content["links"])


def test_units_are_given_by_pattern_so_that_two_hundred_kpis_need_a_handful_of_overrides() -> None:
    kpis = [samples.kpi(f"kpi_{number}", scopes=["company", "team", "person"]) for number in range(200)]
    found = {board.name: board.json for board in dashboard_files(Site(samples.small(kpis=kpis)))}
    for shown in panels_of(found["kpi-detail"]):
        if shown["type"] in ("stat", "bargauge", "timeseries"):
            assert len(shown["fieldConfig"]["overrides"]) <= 20, shown["title"]
    for name, content in found.items():
        assert sum(len(shown.get("targets", ())) for shown in panels_of(content)) < 70, name


def test_a_status_is_said_by_word_and_by_a_colour_that_the_colour_blind_tell_apart() -> None:
    tiles = panel(dashboards("full")["kpi-dept-sales"], 4)["fieldConfig"]["overrides"]
    painted = {
        o["matcher"]["options"]: o["properties"][0]["value"] for o in tiles if o["properties"][0]["id"] == "color"
    }
    assert painted["/ off_track$/"] == {"mode": "fixed", "fixedColor": "#C4162A"}
    assert painted["/ on_track$/"] == {"mode": "fixed", "fixedColor": "#5794F2"}
    assert len(painted) == 9
    assert tiles[-1]["properties"] == [
        {"id": "displayName", "value": "${__field.labels.title}: ${__field.labels.verdict}"}
    ]


def test_traffic_light_colours_are_there_for_who_wants_them() -> None:
    found = {b.name: b.json for b in dashboard_files(Site(samples.small(dashboards={"palette": "traffic"})))}
    assert "#56A64B" in json.dumps(found["dept-sales"])
    assert "#5794F2" not in json.dumps(panel(found["dept-sales"], 4))


def test_the_detail_draws_value_target_expected_and_previous_on_one_chart() -> None:
    chart = panel(dashboards("full")["kpi-detail"], 10)
    assert [query["legendFormat"].split()[-1] for query in chart["targets"]] == [
        "value", "target", "expected", "previous", "low", "high",
    ]  # fmt: skip
    dashed = next(o for o in chart["fieldConfig"]["overrides"] if o["matcher"]["options"] == "/ target$/")
    assert {"id": "custom.lineInterpolation", "value": "stepAfter"} in dashed["properties"]


def test_hours_of_history_are_a_line_also_where_a_closer_look_asks_between_them() -> None:
    charts = [p for board in dashboards("full").values() for p in panels_of(board) if p["type"] == "timeseries"]
    spans = {chart["fieldConfig"]["defaults"]["custom"]["spanNulls"] for chart in charts}
    (longest,) = spans
    assert timedelta(hours=1) < timedelta(milliseconds=longest) < timedelta(hours=2), "what is missing stays a gap"


def test_the_detail_marks_where_the_target_changed() -> None:
    (annotation,) = dashboards("full")["kpi-detail"]["annotations"]["list"]
    assert annotation["target"]["expr"] == 'max by (kpi) (changes(kpi_target{kpi="$kpi"}[2h])) > 0'


def test_the_detail_tells_why_how_and_for_which_decision() -> None:
    about = panel(dashboards("full")["kpi-detail"], 13)
    texts = json.dumps(about["fieldConfig"]["overrides"])
    assert "Whom to hire." in texts
    assert "Won / Closed" in texts


def test_the_detail_offers_kpis_by_title() -> None:
    (variable,) = dashboards("full")["kpi-detail"]["templating"]["list"]
    assert variable["current"] == {"selected": True, "text": "Revenue won", "value": "revenue_won"}
    pattern = re.compile(variable["regex"].strip("/").replace("?<", "?P<"))
    found = pattern.search('{kpi="a_b",title="Say "hi""} 1 1700000000000')
    assert found
    assert found.groupdict() == {"value": "a_b", "text": 'Say "hi"'}


def test_the_detail_shows_teams_and_people_only_where_there_are_any() -> None:
    assert {23, 24} & {shown["id"] for shown in panels_of(dashboards("small")["kpi-detail"])} == set()
    assert config("full").kpis[0].scopes == (Scope.COMPANY, Scope.TEAM, Scope.PERSON)
    assert {23, 24} <= {shown["id"] for shown in panels_of(dashboards("full")["kpi-detail"])}


def test_details_wait_in_collapsed_rows_until_they_are_asked_for() -> None:
    for uid in ("kpi-overview", "kpi-dept-sales", "kpi-exporter"):
        content = dashboards("full")[uid]
        rows = [shown for shown in content["panels"] if shown["type"] == "row"]
        assert rows
        assert all(row["collapsed"] and row["panels"] for row in rows)
        assert len(content["panels"]) <= 16


def test_the_wall_has_few_panels_on_one_screen() -> None:
    panels = dashboards("full")["kpi-wall"]["panels"]
    assert len(panels) <= 9
    assert max(shown["gridPos"]["y"] + shown["gridPos"]["h"] for shown in panels) <= 21


def test_panel_ids_stay_when_kpis_are_added() -> None:
    more = samples.full()
    fewer = more.model_copy(update={"kpis": more.kpis[1:]})

    def ids(of: object) -> dict[tuple[str, str], int]:
        return {
            (board.name, shown["title"]): shown["id"]
            for board in dashboard_files(Site(of))  # type: ignore[arg-type]
            for shown in panels_of(board.json)
            if shown["title"]
        }

    before, after = ids(more), ids(fewer)
    assert {key: before[key] for key in after} == after


@pytest.mark.parametrize(("grafana", "expected"), [("prometheus", "table"), ("grafana", "alertlist")])
def test_firing_alerts_are_asked_from_whoever_evaluates_them(grafana: str, expected: str) -> None:
    found = {b.name: b.json for b in dashboard_files(Site(samples.small(alerting={"engine": grafana})))}
    for name in ("overview", "kpi-detail", "dept-sales"):
        (shown,) = [p for p in panels_of(found[name]) if p["title"] == "Firing alerts"]
        assert shown["type"] == expected
        assert "kpi" in json.dumps(shown["options" if expected == "alertlist" else "targets"])


def test_times_and_weeks_are_the_companys() -> None:
    content: Json = dashboards("full")["kpi-overview"]
    assert (content["timezone"], content["weekStart"], content["fiscalYearStartMonth"]) == (
        "America/New_York",
        "monday",
        6,
    )
    late = samples.small(company={"name": "A", "timezone": "UTC", "week_starts": "wednesday"})
    assert next(iter(dashboard_files(Site(late)))).json["weekStart"] == ""


def test_the_data_source_can_be_another() -> None:
    found = next(iter(dashboard_files(Site(samples.small(), "their-prometheus")))).json
    used = {json.dumps(q["datasource"]) for shown in panels_of(found) for q in shown.get("targets", ())}
    assert used == {'{"type": "prometheus", "uid": "their-prometheus"}'}
