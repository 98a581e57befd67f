"""The metrics that explain a KPI: shown for the selected KPI only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dashboards.checks.boards import panels_of
from tests.dashboards.example_series import Series, all_series, query_failures
from tests.dashboards.generated import config, dashboards, panel
from tests.dashboards.selectors import VARIABLE_VALUES, with_variables

# by_origin adds up to won
EXPLAINING_METRICS = {
    "revenue_won": {"Revenue (month)": 5, "Won (month)": 5, "Pipeline (now)": 5},
    "backlog": {"Pipeline (now)": 5},
    "waiting_time": {"Waiting (month)": 5},
}


def query(name: str, panel_id: int, kpi: str) -> str:
    expr = panel(dashboards(name)["kpi-detail"], panel_id)["targets"][0]["expr"]
    return with_variables(expr, VARIABLE_VALUES | {"kpi": kpi})


@pytest.mark.parametrize("kpi", EXPLAINING_METRICS)
def test_a_kpi_shows_the_metrics_of_its_formula_and_its_supporting_metrics(tmp_path: Path, kpi: str) -> None:
    expected: list[Series] = [
        {f'{{title="{title} ({period}"}}': str(value)}
        for full_title, value in EXPLAINING_METRICS[kpi].items()
        for title, period in [full_title.split(" (")]
    ]
    titles = f'label_join(max by (title, period) ({query("full", 21, kpi)}), "title", " (", "title", "period")'
    expr = f"max by (title) ({titles})"
    expected = [{name.replace(')"', '"'): value for name, value in sample.items()} for sample in expected]
    failures = query_failures(tmp_path, all_series(config("full")), [(expr, expected)])
    assert not failures, failures


def test_parts_of_a_metric_are_shown_by_label(tmp_path: Path) -> None:
    expr = f"max by (title, part) ({query('full', 22, 'revenue_won')})"
    failures = query_failures(tmp_path, all_series(config("full")), [(expr, [{'{title="By_origin",part="web"}': "5"}])])
    assert not failures, failures


def test_without_labels_there_is_no_panel_of_parts() -> None:
    ids = {entry["id"] for entry in panels_of(dashboards("small")["kpi-detail"])}
    assert 21 in ids
    assert 22 not in ids
    assert 22 in {entry["id"] for entry in panels_of(dashboards("full")["kpi-detail"])}


def test_a_hostile_title_is_shown_literally(tmp_path: Path) -> None:
    expr = f"count by (period) ({query('hostile', 21, 'kpi_0')})"
    failures = query_failures(tmp_path, all_series(config("hostile")), [(expr, [{'{period="month"}': "2"}])])
    assert not failures, failures
