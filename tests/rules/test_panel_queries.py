"""Every query of every dashboard, answered by Prometheus itself on example series."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.look import NO_DATA
from tests.dashboards.checks.boards import panels_of
from tests.dashboards.example_series import JUDGED, STATUSES, all_series, query_failures
from tests.dashboards.generated import Json, config, dashboards, expressions
from tests.dashboards.samples import files_of
from tests.dashboards.selectors import VARIABLE_VALUES, with_variables

ANYTHING, NOTHING = "vector(1)", "vector(1) < 0"


def must_give_data(dashboard: Json) -> Iterator[tuple[str, str]]:
    """The queries, and what stands in for those without data: nothing for the first of a panel without a text for it."""
    first = {
        f"{dashboard['uid']} {panel['id']} {panel['targets'][0]['refId']}"
        for panel in panels_of(dashboard)
        if panel.get("targets") and panel["fieldConfig"]["defaults"]["noValue"] == NO_DATA
    }
    for position, expr in expressions(dashboard):
        yield (NOTHING if position in first else ANYTHING), expr


@pytest.mark.parametrize("name", ["small", "full", "hostile"])
def test_every_query_is_answered_and_no_panel_is_empty(tmp_path: Path, name: str) -> None:
    files = files_of(config(name))
    rules = []
    for path in ("prometheus/rules/kpi-recording.yml", "prometheus/rules/kpi-alerts.yml"):
        rules.append(tmp_path / Path(path).name)
        rules[-1].write_text(files[path], encoding="utf-8")
    values = VARIABLE_VALUES | {"kpi": config(name).kpis[0].name, "objective": config(name).objectives[0].name}
    values["team"] = "North"
    queries = [
        (f"clamp_max(count({_within_the_examples(with_variables(expr, values))}) or {otherwise}, 1)", [{"{}": "1"}])
        for dashboard in dashboards(name).values()
        for otherwise, expr in must_give_data(dashboard)
    ]
    assert len(queries) > 50
    statuses = STATUSES if name == "small" else JUDGED
    failures = query_failures(tmp_path, all_series(config(name), statuses), queries, rules)
    assert not failures, failures


def _within_the_examples(expr: str) -> str:
    """The expression, without looking further back or ahead than the example series go."""
    return expr.replace("offset 7d", "offset 6h").replace("offset -23h", "")
