"""One dashboard shows each KPI the metrics that explain it, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dashboards.example_series import Series, answers, world
from tests.dashboards.generated import config, dashboards, panel
from tests.dashboards.selectors import filled

EXPLAIN = {
    "revenue_won": {"Revenue (month)": 5, "Won (month)": 5, "By_origin (month)": 5, "Pipeline (now)": 5},
    "backlog": {"Pipeline (now)": 5},
    "waiting_time": {"Waiting (month)": 5},
}


def query(name: str, panel_id: int, kpi: str) -> str:
    return filled(panel(dashboards(name)["kpi-detail"], panel_id)["targets"][0]["expr"], {"kpi": kpi})


@pytest.mark.parametrize("kpi", EXPLAIN)
def test_a_kpi_shows_what_it_is_made_of_and_what_supports_it(tmp_path: Path, kpi: str) -> None:
    expected: list[Series] = [
        {f'{{title="{title} ({period}"}}': str(value)}
        for full_title, value in EXPLAIN[kpi].items()
        for title, period in [full_title.split(" (")]
    ]
    shown = f'label_join(max by (title, period) ({query("full", 21, kpi)}), "title", " (", "title", "period")'
    expr = f"max by (title) ({shown})"
    expected = [{name.replace(')"', '"'): value for name, value in sample.items()} for sample in expected]
    said = answers(tmp_path, world(config("full")), [(expr, expected)])
    assert not said, said


def test_the_parts_of_a_metric_by_its_labels(tmp_path: Path) -> None:
    expr = f"max by (title, part) ({query('full', 22, 'revenue_won')})"
    said = answers(tmp_path, world(config("full")), [(expr, [{'{title="By_origin",part="web"}': "5"}])])
    assert not said, said


def test_without_labels_there_is_no_panel_of_parts() -> None:
    ids = {shown["id"] for shown in dashboards("small")["kpi-detail"]["panels"]}
    assert 21 in ids
    assert 22 not in ids
    assert 22 in {shown["id"] for shown in dashboards("full")["kpi-detail"]["panels"]}


def test_a_title_that_attacks_is_a_title(tmp_path: Path) -> None:
    expr = f"count by (period) ({query('hostile', 21, 'kpi_0')})"
    said = answers(tmp_path, world(config("hostile")), [(expr, [{'{period="month"}': "2"}])])
    assert not said, said
