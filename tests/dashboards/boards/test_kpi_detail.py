"""The board of one KPI: its headline, its units, and the tables beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter import naming
from exporter.config.fields import Status
from tests.dashboards.checks.boards import panels_of
from tests.dashboards.example_series import Series, query_failures, series
from tests.dashboards.generated import Json, dashboards, panel
from tests.dashboards.selectors import VARIABLE_VALUES, with_variables

INFO = {"period": "month", "better": "higher", "objective": "grow", "department": "Sales", "owner": "me"}


def board() -> Json:
    return dashboards("full")["kpi-detail"]


def query(panel_id: int, ref: str = "A", kpi: str = "revenue_won") -> str:
    (expr,) = (q["expr"] for q in panel(board(), panel_id)["targets"] if q["refId"] == ref)
    return with_variables(expr, VARIABLE_VALUES | {"kpi": kpi})


def kpi_series(name: str, status: Status, unit: str = "currency", guard: str = "") -> Series:
    numbers = series(naming.INFO, 1, kpi=name, title=name.upper(), unit=unit, guard=guard, **INFO)
    for other in Status:
        numbers |= series(naming.STATUS, float(other is status), kpi=name, status=other.value)
    return numbers


def headline(tmp_path: Path, numbers: Series, *expected: Series) -> str:
    return query_failures(tmp_path, numbers, [(f"max by (mark, word, remark) ({query(1)})", expected)])


def test_the_headline_says_verdict_and_share_of_plan(tmp_path: Path) -> None:
    numbers = kpi_series("revenue_won", Status.OFF_TRACK) | series(naming.VALUE, 5, kpi="revenue_won")
    numbers |= series(naming.PACE_RATIO, 0.84, kpi="revenue_won")
    failures = headline(tmp_path, numbers, {'{mark="▼",word="off track",remark=" · 84 % of plan"}': "5"})
    assert not failures, failures
    assert panel(board(), 1)["targets"][0]["legendFormat"] == "{{mark}} {{word}}{{remark}}"


def test_the_headline_names_the_guard_that_holds_the_kpi_back(tmp_path: Path) -> None:
    numbers = kpi_series("revenue_won", Status.AT_RISK, guard="win_rate") | kpi_series("win_rate", Status.OFF_TRACK)
    numbers |= series(naming.VALUE, 5, kpi="revenue_won") | series(naming.PACE_RATIO, 2.1, kpi="revenue_won")
    remark = ": guard WIN_RATE is off track"
    failures = headline(tmp_path, numbers, {f'{{mark="◆",word="at risk",remark="{remark}"}}': "5"})
    assert not failures, failures


def test_a_kpi_without_target_has_its_value_and_one_without_data_its_status(tmp_path: Path) -> None:
    numbers = kpi_series("revenue_won", Status.NO_TARGET) | series(naming.VALUE, 5, kpi="revenue_won")
    failures = headline(tmp_path, numbers, {'{mark="○",word="no target"}': "5"})
    unknown = f"count by (word) ({query(1)})"
    failures += query_failures(
        tmp_path, kpi_series("revenue_won", Status.NO_DATA), [(unknown, [{'{word="no data"}': "1"}])]
    )
    assert not failures, failures


def test_a_ratio_is_shown_in_percent_everywhere(tmp_path: Path) -> None:
    numbers = kpi_series("win_rate", Status.ON_TRACK, unit="ratio") | series(naming.VALUE, 0.31, kpi="win_rate")
    expected: list[Series] = [{"{}": "31"}]
    queries = [(f"max({query(panel_id, kpi='win_rate')})", expected) for panel_id in (1, 10)]
    failures = query_failures(tmp_path, numbers, queries)
    assert not failures, failures


@pytest.mark.parametrize(
    ("kpi", "unit", "shown"),
    [
        ("revenue_won", "currency", '{unit="currency:USD "}'),
        ("win_rate", "ratio", '{unit="percent",decimals="1"}'),
        ("backlog", "count", '{unit="locale",decimals="0"}'),
    ],
)
def test_the_unit_and_the_decimals_are_those_of_the_selected_kpi(
    tmp_path: Path, kpi: str, unit: str, shown: str
) -> None:
    for panel_id in (1, 2, 10, 26):
        expr = query(panel_id, "unit", kpi)
        failures = query_failures(tmp_path, kpi_series(kpi, Status.ON_TRACK, unit=unit), [(expr, [{shown: "1"}])])
        assert not failures, failures


def test_a_metric_without_a_value_now_has_no_tile_so_that_saturday_does_not_show_fridays(tmp_path: Path) -> None:
    name = "business_revenue_usd"
    ended = series(name, "5x270 stale", period="month") | series("business_won", 7, period="month")
    numbers = kpi_series("revenue_won", Status.ON_TRACK) | ended
    expr = f"max by (name) ({query(21)})"
    failures = query_failures(tmp_path, numbers, [(expr, [{'{name="won"}': "7"}])])
    assert not failures, failures


def test_teams_and_people_are_listed_worst_first_whatever_the_direction() -> None:
    for panel_id in (23, 24):
        steps = {step["id"]: step["options"] for step in panel(board(), panel_id)["transformations"]}
        assert steps["sortBy"]["sort"] == [{"field": "Value #S", "desc": False}], "rank, then share of plan"


def test_teams_and_people_have_no_panel_if_no_kpi_has_them_and_else_a_reason_for_being_empty() -> None:
    assert {23, 24}.isdisjoint(entry["id"] for entry in panels_of(dashboards("small")["kpi-detail"]))
    assert panel(board(), 23)["fieldConfig"]["defaults"]["noValue"] == "not measured by team"
    assert panel(board(), 24)["fieldConfig"]["defaults"]["noValue"] == "not measured by person"


def test_bars_of_parts_have_readable_names_and_no_colour_of_a_status() -> None:
    parts = panel(board(), 22)
    assert parts["options"]["text"] == {"titleSize": 13, "valueSize": 18}
    assert parts["fieldConfig"]["defaults"]["min"] == 0
    assert parts["fieldConfig"]["defaults"]["color"] == {"mode": "fixed", "fixedColor": "text"}


def test_no_chart_mixes_magnitudes_and_none_has_a_pager() -> None:
    for content in dashboards("full").values():
        for entry in panels_of(content):
            assert "perPage" not in entry.get("options", {})
            if entry["type"] == "timeseries" and content["uid"] in {"kpi-detail", "kpi-person", "kpi-team"}:
                units = {
                    p["value"] for o in entry["fieldConfig"]["overrides"] for p in o["properties"] if p["id"] == "unit"
                }
                assert not units, "one unit for all lines"


@pytest.mark.parametrize("uid", ["kpi-detail", "kpi-person", "kpi-team", "kpi-objective", "kpi-leaderboard"])
def test_no_legend_is_a_label_set_and_a_first_load_asks_little(uid: str) -> None:
    content = dashboards("full")[uid]
    for entry in panels_of(content):
        for target in entry.get("targets", ()):
            assert target["format"] == "table" or target["legendFormat"] != "__auto" or entry["type"] == "table"
    assert sum(len(entry.get("targets", ())) for entry in content["panels"]) <= 25
