"""The operator's page has a row for every alert about the exporter itself."""

from __future__ import annotations

import re
from pathlib import Path

from dashboards.rules.exporter_alerts import exporter_alerts
from dashboards.rules.source_alerts import source_alerts
from exporter.config.loader import load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| \[(?P<alert>Kpi\w+)\]\((?P<link>[^)]+)\) \|(?P<cells>.*)\|$", re.MULTILINE)


def test_every_alert_about_the_exporter_has_a_row() -> None:
    config = load(ROOT / "config/kpis.yaml", {}).config
    alerts = {rule.name for rules in (exporter_alerts, source_alerts) for rule in rules(config)}
    rows = [match["alert"] for match in ROW.finditer(PAGE)]
    assert sorted(rows) == sorted(alerts)


def test_every_row_says_what_it_means_what_to_look_at_and_what_to_do() -> None:
    for match in ROW.finditer(PAGE):
        cells = [cell.strip() for cell in match["cells"].split(" | ")]
        assert len(cells) == 3, match["alert"]
        assert all(cell.endswith(".") for cell in cells), match["alert"]
        assert match["link"] == f"../dashboards/RUNBOOK.md#{match['alert'].lower()}"


def test_every_link_inside_the_page_leads_to_a_heading() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line[3:].lower()).replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("## ")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings
