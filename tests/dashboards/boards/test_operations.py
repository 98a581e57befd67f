"""The runbook has a section for every alert, and no other sections."""

from __future__ import annotations

import re

from dashboards.boards.operations import runbook_sections
from dashboards.rules.groups import alert_groups
from dashboards.rules.model import runbook_url
from dashboards.site import HEALTH
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


def test_a_file_is_as_old_as_its_content_and_other_sources_as_their_last_pass() -> None:
    (panel,) = [p for p in panels_of(dashboards("full")[HEALTH]) if p["title"] == "Since the last completed pass"]
    files = 'max by (source, entity) (kpi_exporter_source_watermark_timestamp_seconds{source="desk"})'
    passes = "max by (source, entity) (kpi_exporter_source_last_success_timestamp_seconds)"
    (target,) = panel["targets"]
    assert target["expr"] == f"sort_desc(time() - ({passes} unless on (source) {files} or {files}))"
    steps = {o["matcher"]["options"]: o["properties"][0]["value"]["steps"] for o in panel["fieldConfig"]["overrides"]}
    assert [step["value"] for step in steps["/^desk /"]] == [None, 4 * 86_400 * 2 / 3, 4 * 86_400]
