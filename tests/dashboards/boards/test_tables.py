"""The definitions of KPIs as text."""

from __future__ import annotations

from dashboards.boards.tables import formula
from tests.dashboards.samples import kpi, metric, small


def test_a_formula_shows_titles_of_metrics_and_keeps_its_brackets() -> None:
    config = small(
        metrics=[metric("won", title="Deals won"), metric("closed", title="Deals closed")],
        kpis=[kpi("share", value="100 * (won - closed) / (closed + 2)")],
    )
    assert formula(config, config.kpis[0].value) == "(100 * (Deals won - Deals closed)) / (Deals closed + 2)"
