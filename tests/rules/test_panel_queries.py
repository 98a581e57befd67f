"""Every query of every dashboard, answered by Prometheus itself on example series."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.config.fields import Status
from tests.dashboards.checks.boards import panels_of
from tests.dashboards.example_series import JUDGED, STATUSES, all_series, query_failures
from tests.dashboards.generated import Json, config, dashboards, expressions
from tests.dashboards.samples import files_of
from tests.dashboards.selectors import VARIABLE_VALUES, with_variables

STATUSES_OF = {
    "small": STATUSES,
    "full": (*JUDGED, Status.AT_RISK, Status.NO_DATA, Status.NO_TARGET, Status.TOO_EARLY),
    "hostile": JUDGED[:2],
}
"""The statuses of the KPIs in turn: each department has one that needs attention."""

NOT_WITH_A_RANGE = {
    ("kpi-detail", "Value, and where it should have been", "B"),
    ("kpi-detail", "Value, and where it should have been", "C"),
}
"""Board, title of the panel and query of lines that stand aside for the two ends of a range: asked without a range."""


def queries_by_place(dashboard: Json) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Every query with its board, the title of its panel and its name; annotations and variables have no panel."""
    uid = dashboard["uid"]
    titles = {f"{uid} {panel['id']}": panel.get("title", "") for panel in panels_of(dashboard)}
    for position, expr in expressions(dashboard):
        panel, _, name = position.rpartition(" ")
        yield (uid, titles.get(panel, ""), name), expr


@pytest.mark.parametrize("name", ["small", "full", "hostile"])
def test_every_query_gives_data(tmp_path: Path, name: str) -> None:
    settings, files = config(name), files_of(config(name))
    rules = []
    for path in ("prometheus/rules/kpi-recording.yml", "prometheus/rules/kpi-alerts.yml"):
        rules.append(tmp_path / Path(path).name)
        rules[-1].write_text(files[path], encoding="utf-8")
    values = VARIABLE_VALUES | {"kpi": settings.kpis[0].name, "objective": settings.objectives[0].name, "team": "North"}
    with_ranges, without_ranges = [], []
    for dashboard in dashboards(name).values():
        for place, expr in queries_by_place(dashboard):
            query = f"clamp_max(count({_within_the_examples(with_variables(expr, values))}), 1)"
            (without_ranges if place in NOT_WITH_A_RANGE else with_ranges).append((query, [{"{}": "1"}]))
    assert len(with_ranges) > 50
    assert len(without_ranges) == len(NOT_WITH_A_RANGE)
    for queries, ranges in ((with_ranges, True), (without_ranges, False)):
        series = all_series(settings, STATUSES_OF[name], ranges=ranges)
        failures = query_failures(tmp_path, series, queries, rules)
        assert not failures, failures


def _within_the_examples(expr: str) -> str:
    """The expression, without looking further back or ahead than the example series go."""
    return expr.replace("offset 7d", "offset 6h").replace("offset -23h", "")
