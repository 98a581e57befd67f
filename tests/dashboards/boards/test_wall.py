"""The wall: one full screen, whatever the config has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dashboards.boards.wall import wall
from dashboards.grafana_model import to_json
from dashboards.site import Site
from tests.dashboards.samples import full, kpi, small

Json = dict[str, Any]


def board(count: int, objectives: Sequence[str] = ("grow",)) -> Json:
    kpis = [kpi(f"kpi_{number}", objective=objectives[number % len(objectives)]) for number in range(count)]
    entries = [{"name": name, "title": name.capitalize(), "owner": "owner@example.com"} for name in objectives]
    content: Json = to_json(wall(Site(small(kpis=kpis, objectives=entries))))
    return content


@pytest.mark.parametrize("count", [1, 4, 5, 200])
@pytest.mark.parametrize("objectives", [("grow",), ("grow", "serve")])
def test_it_fills_27_rows_of_24_columns(count: int, objectives: Sequence[str]) -> None:
    content = board(count, objectives)
    positions = [panel["gridPos"] for panel in content["panels"]]
    assert sum(grid["w"] * grid["h"] for grid in positions) == 27 * 24
    assert max(grid["y"] + grid["h"] for grid in positions) == 27
    assert content["timepicker"] == {"hidden": True}


def test_the_eight_worst_are_in_two_rows_of_tiles() -> None:
    first, second = (panel for panel in board(9)["panels"] if panel["title"] == "")
    assert "bottomk(4, " in first["targets"][0]["expr"]
    assert "bottomk(8, " in second["targets"][0]["expr"]
    assert " unless on (kpi) bottomk(4, " in second["targets"][0]["expr"]


def test_no_number_has_a_fixed_size_that_a_narrow_tile_would_cut() -> None:
    for panel in board(9, ("grow", "serve"))["panels"]:
        assert "valueSize" not in str(panel["options"])


def test_names_and_numbers_are_as_large_as_they_fit() -> None:
    for panel in board(9, ("grow", "serve"))["panels"]:
        assert "text" not in panel["options"]


def test_a_single_objective_has_no_panel() -> None:
    assert "Objectives against plan" not in [panel["title"] for panel in board(3)["panels"]]


def test_objectives_are_shown_by_title() -> None:
    content: Json = to_json(wall(Site(full())))
    (objectives,) = [panel for panel in content["panels"] if panel["title"] == "Objectives against plan"]
    assert objectives["targets"][0]["legendFormat"] == "{{title}}"
    assert '"title", "Serve well"' in objectives["targets"][0]["expr"]
