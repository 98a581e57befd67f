"""The charts that a config asks for: their kind, place and order, and the KPIs on the wall."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards.boards.chosen_charts import chosen_charts, wall_kpis
from dashboards.boards.wall import wall
from dashboards.grafana_model import to_json
from dashboards.site import Site
from tests.dashboards.checks.boards import panels_of
from tests.dashboards.generated import Json, dashboards
from tests.dashboards.samples import kpi, metric, small


def site(*choices: dict[str, Any]) -> Site:
    names = ("deals", "orders", "rate")
    kpis = [kpi(name, value="won / closed" if name == "rate" else "won") for name in names]
    kpis[2] |= {"unit": "ratio", "target": 0.4, "department": "Service"}
    return Site(small(metrics=[metric("won"), metric("closed")], kpis=kpis, dashboards={"kpis": list(choices)}))


def chart(kind: str, name: str = "deals") -> Json:
    (item,) = chosen_charts(site({"kpi": name, "chart": kind}), "department")
    panel: Json = to_json(item.panel)
    return panel


@pytest.mark.parametrize(
    ("kind", "panel_type"), [("line", "timeseries"), ("bars", "timeseries"), ("gauge", "gauge"), ("number", "stat")]
)
def test_each_choice_draws_the_kpi_with_its_title_and_a_link_to_its_details(kind: str, panel_type: str) -> None:
    panel = chart(kind)
    assert (panel["type"], panel["title"]) == (panel_type, "Deals")
    assert panel["links"][0]["url"].startswith("/d/kpi-detail?var-kpi=deals&")
    assert all('kpi="deals"' in target["expr"] for target in panel["targets"])


def test_a_line_has_the_plan_and_the_target_beside_the_value() -> None:
    assert [target["legendFormat"] for target in chart("line")["targets"]] == ["value", "should be by then", "target"]


def test_bars_show_the_value_at_the_end_of_each_day() -> None:
    panel = chart("bars")
    assert panel["fieldConfig"]["defaults"]["custom"]["drawStyle"] == "bars"
    assert panel["interval"] == "1d"
    (target,) = panel["targets"]
    # Read at a midnight, the window ends 23 hours later: a day, even where a clock change moved the steps by an hour.
    assert target["expr"] == 'max by (kpi) (last_over_time(kpi_value{kpi="deals"}[23h] offset -23h))'


def test_ratios_are_drawn_in_percent() -> None:
    panel = chart("bars", "rate")
    assert panel["targets"][0]["expr"].startswith("100 * max by (kpi)")
    assert panel["fieldConfig"]["defaults"]["unit"] == "percent"


@pytest.mark.parametrize("kind", ["gauge", "number"])
def test_the_status_gives_the_colour_and_a_symbol(kind: str) -> None:
    panel = chart(kind)
    colours = {
        override["matcher"]["options"]: override["properties"][0]["value"].get("fixedColor")
        for override in panel["fieldConfig"]["overrides"]
        if override["properties"][0]["id"] == "color"
    }
    assert colours == {"/^▼/": "red", "/^◆/": "orange", "/^●/": "blue", "/^▲/": "blue", "/^○/": "#8e8e8e"}
    assert panel["targets"][0]["legendFormat"].startswith("{{mark}}")


def test_charts_are_where_and_in_the_order_that_the_config_says() -> None:
    chosen = site(
        {"kpi": "rate", "chart": "gauge"},
        {"kpi": "orders", "chart": "line"},
        {"kpi": "deals", "chart": "bars", "place": "overview"},
    )
    titles = {
        place: [item.panel.title for item in chosen_charts(chosen, *place)]
        for place in (("department",), ("department", "Sales"), ("department", "Service"), ("overview",))
    }
    assert titles == {
        ("department",): ["Rate", "Orders"],
        ("department", "Sales"): ["Orders"],
        ("department", "Service"): ["Rate"],
        ("overview",): ["Deals"],
    }
    assert chosen_charts(site(), "overview") == []


def test_the_overview_and_the_board_of_a_department_have_their_charts() -> None:
    boards = dashboards("full")
    titles = {uid: [panel["title"] for panel in panels_of(boards[uid])] for uid in ("kpi-overview", "kpi-dept-sales")}
    assert {"Goal", "Win rate"} <= set(titles["kpi-overview"])
    assert {"Revenue won", "Backlog"} <= set(titles["kpi-dept-sales"])
    assert "Waiting time" not in titles["kpi-dept-sales"]


@pytest.mark.parametrize(
    ("choices", "shown"),
    [
        ([], ("deals", "orders", "rate")),
        ([{"kpi": "deals", "chart": "line"}], ("deals", "orders", "rate")),
        ([{"kpi": "rate", "wall": True}, {"kpi": "deals", "wall": True}], ("deals", "rate")),
        ([{"kpi": "rate", "wall": True}, {"kpi": "deals", "wall": False}], ("rate",)),
        ([{"kpi": "deals", "wall": False}], ("orders", "rate")),
    ],
)
def test_the_wall_shows_the_chosen_kpis_or_all_but_the_excluded(
    choices: list[dict[str, Any]], shown: tuple[str, ...]
) -> None:
    assert wall_kpis(site(*choices)) == shown
    tiles = [panel for panel in to_json(wall(site(*choices)))["panels"] if panel["title"] == ""]
    selector = f'kpi=~"{"|".join(shown)}"' if len(shown) > 1 else f'kpi="{shown[0]}"'
    assert all((selector in panel["targets"][0]["expr"]) == (len(shown) < 3) for panel in tiles)
    assert len(tiles) == 1
