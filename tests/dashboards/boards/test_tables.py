"""The definitions of KPIs as text."""

from __future__ import annotations

import pytest

from dashboards.boards.tables import definitions, formula, target_text
from tests.dashboards.generated import config as sample_config
from tests.dashboards.samples import full, kpi, metric, small


def test_a_formula_shows_titles_of_metrics_and_keeps_its_brackets() -> None:
    config = small(
        metrics=[metric("won", title="Deals won"), metric("closed", title="Deals closed")],
        kpis=[kpi("share", value="100 * (won - closed) / (closed + 2)")],
    )
    assert formula(config, config.kpis[0].value) == "(100 * (Deals won - Deals closed)) / (Deals closed + 2)"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (3000000, "3,000,000"),
        (0.45, "0.45"),
        ({"within": [0.2, 0.4]}, "0.2 to 0.4"),
        (
            {"from": 0.1, "to": 0.3, "start": "2026-01-01", "by": "2026-12-31"},
            "from 0.1 on 2026-01-01 to 0.3 by 2026-12-31",
        ),
        ({"growth": "15%", "over": "same_last_year"}, "+15.0% over same last year"),
        ([{"value": 5}, {"value": 6, "since": "2026-06-01"}], "changes by date, see the chart"),
        (None, ""),
    ],
)
def test_a_target_is_shown_in_words(target: object, text: str) -> None:
    assert target_text(small(kpis=[kpi("deals", target=target)]).kpis[0]) == text


def test_every_kpi_has_a_row_with_a_cell_for_each_heading() -> None:
    for name in ("full", "hostile"):
        lines = definitions(sample_config(name), sample_config(name).kpis).splitlines()
        assert len(lines) == 2 + len(sample_config(name).kpis)
        bars = [line.replace("\\|", "").count("|") for line in lines]
        assert set(bars) == {10}


def test_a_missing_text_is_a_dash() -> None:
    row = definitions(full(), full().kpis[2:3]).splitlines()[2]
    assert row.count("–") == 3


def test_a_kpi_whose_past_rests_on_a_state_column_says_so() -> None:
    config = small(metrics=[metric("offers", where={"stage": "offer"})], kpis=[kpi("offers", value="offers")])
    row = definitions(config, config.kpis).splitlines()[2]
    assert row.endswith("| Rests on deals\\.stage, whose past is known only since the exporter first saw it |")
