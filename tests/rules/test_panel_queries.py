"""Every query of every dashboard, answered by Prometheus itself on example series."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dashboards.example_series import JUDGED, STATUSES, all_series, query_failures
from tests.dashboards.generated import config, dashboards, expressions
from tests.dashboards.samples import files_of
from tests.dashboards.selectors import with_variables


@pytest.mark.parametrize("name", ["small", "full", "hostile"])
def test_every_query_gives_data(tmp_path: Path, name: str) -> None:
    files = files_of(config(name))
    rules = []
    for path in ("prometheus/rules/kpi-recording.yml", "prometheus/rules/kpi-alerts.yml"):
        rules.append(tmp_path / Path(path).name)
        rules[-1].write_text(files[path], encoding="utf-8")
    values = {
        "__range": "6h", "__rate_interval": "10m", "__interval": "1h",
        "kpi": config(name).kpis[0].name, "person": "Zoë O'Brien", "team": ".*",
    }  # fmt: skip
    queries = [
        (f"clamp_max(count({with_variables(expr, values).replace('offset 7d', 'offset 6h')}), 1)", [{"{}": "1"}])
        for dashboard in dashboards(name).values()
        for position, expr in expressions(dashboard)
        if not position.endswith("Target changes")
    ]
    assert len(queries) > 50
    failures = query_failures(
        tmp_path, all_series(config(name), JUDGED if name == "hostile" else STATUSES), queries, rules
    )
    assert not failures, failures
