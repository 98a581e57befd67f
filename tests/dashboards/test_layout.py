"""Panels are arranged in reading order without overlaps."""

from __future__ import annotations

from dashboards.grafana_model import Panel, RowPanel, to_json
from dashboards.layout import GridItem, PanelColumn, PanelRow, arrange
from dashboards.look import Look
from dashboards.panels import Header, collapsed_row, note


def panel(panel_id: int) -> Panel:
    return note(Header(panel_id, "t", "d"), "text")


def grid_positions(*layout: GridItem | PanelColumn | PanelRow) -> dict[int, tuple[int, int, int, int]]:
    positions = {}
    for arranged in arrange(layout):
        for each in (arranged, *getattr(arranged, "panels", ())):
            grid = to_json(each)["gridPos"]
            positions[each.id] = (grid["x"], grid["y"], grid["w"], grid["h"])
    return positions


def test_panels_flow_from_left_to_right_and_wrap_at_the_edge() -> None:
    assert grid_positions(GridItem(panel(1), 12, 4), GridItem(panel(2), 12, 6), GridItem(panel(3), 8, 2)) == {
        1: (0, 0, 12, 4),
        2: (12, 0, 12, 6),
        3: (0, 6, 8, 2),
    }


def test_a_collapsed_row_contains_its_panels_and_takes_one_line() -> None:
    row: RowPanel = collapsed_row(9, "more")
    assert grid_positions(
        GridItem(panel(1), 24, 4), PanelRow(row, (GridItem(panel(2), 24, 5),)), GridItem(panel(3), 24, 1)
    ) == {
        1: (0, 0, 24, 4),
        9: (0, 4, 24, 1),
        2: (0, 5, 24, 5),
        3: (0, 5, 24, 1),
    }
    assert [each.id for each in row.panels] == [2]


def test_panels_of_a_column_stand_one_below_the_other_beside_what_follows() -> None:
    column = PanelColumn((GridItem(panel(1), 9, 6), GridItem(panel(2), 9, 8)))
    assert grid_positions(column, GridItem(panel(3), 15, 14), GridItem(panel(4), 24, 2)) == {
        1: (0, 0, 9, 6),
        2: (0, 6, 9, 8),
        3: (9, 0, 15, 14),
        4: (0, 14, 24, 2),
    }


def test_the_base_of_thresholds_is_null_and_nothing_else_is() -> None:
    assert to_json(Look().defaults())["thresholds"] == {
        "mode": "absolute",
        "steps": [{"color": "text", "value": None}],
    }
    assert "min" not in to_json(Look().defaults())
