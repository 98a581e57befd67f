"""The runbook has a section for every alert, and no other sections."""

from __future__ import annotations

import re

from dashboards.boards.runbook import runbook_sections
from dashboards.rules.groups import alert_groups
from dashboards.rules.model import runbook_url
from tests.dashboards.checks.boards import panels_of
from tests.dashboards.generated import dashboards
from tests.dashboards.samples import full


def test_every_alert_has_a_section() -> None:
    alerts = {rule.name for group in alert_groups(full()) for rule in group.rules}
    assert set(runbook_sections()) == alerts


def test_every_section_says_what_it_means_where_to_look_and_what_to_do() -> None:
    for name, body in runbook_sections().items():
        assert re.findall(r"^\*\*(.+?)\.\*\*", body, re.MULTILINE) == ["Meaning", "Look first", "Do"], name


def test_the_runbook_link_of_an_alert_leads_to_its_panel() -> None:
    panels = {panel["id"]: panel for panel in panels_of(dashboards("full")["kpi-runbook"])}
    for name, body in runbook_sections().items():
        url = runbook_url(full(), name)
        base, panel_id = url.split("?viewPanel=")
        assert base == "https://grafana.example.com/d/kpi-runbook"
        assert panels[int(panel_id)]["options"]["content"] == body


def test_a_panel_is_as_high_as_its_text_and_never_half_empty() -> None:
    for panel in panels_of(dashboards("full")["kpi-runbook"]):
        paragraphs = panel["options"]["content"].split("\n\n")
        lines = sum(-(-len(paragraph) // 74) for paragraph in paragraphs)
        text = lines * 21 + len(paragraphs) * 14
        pixels = panel["gridPos"]["h"] * 38 - 8 - 30
        assert text - 14 <= pixels <= text + 2 * 38, panel["title"]


def test_panels_that_the_runbook_names_exist() -> None:
    titles = {entry["title"] for board in dashboards("full").values() for entry in panels_of(board)}
    for name, body in runbook_sections().items():
        for title in re.findall(r'"([A-Z][^"]+)"', body.replace("\n", " ")):
            assert title in titles, f"{name} names {title}"
