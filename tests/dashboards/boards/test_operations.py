"""The dashboard of the exporter's health says in words what is wrong, and never by a set of labels."""

from __future__ import annotations

import json
import re

import pytest

from dashboards.site import HEALTH
from exporter.naming import SourceState
from tests.dashboards.checks.boards import panels_of
from tests.dashboards.generated import Json, dashboards


def panel(title: str, config: str = "full") -> Json:
    (match,) = [p for p in panels_of(dashboards(config)[HEALTH]) if p["title"] == title]
    return match


def test_a_file_is_as_old_as_its_content_and_other_sources_as_their_last_pass() -> None:
    ages = panel("Since the last completed pass")
    files = 'max by (source, entity) (kpi_exporter_source_watermark_timestamp_seconds{source="desk"})'
    passes = "max by (source, entity) (kpi_exporter_source_last_success_timestamp_seconds)"
    (target,) = ages["targets"]
    assert target["expr"] == f"sort_desc(time() - ({passes} unless on (source) {files} or {files}))"
    steps = {o["matcher"]["options"]: o["properties"][0]["value"]["steps"] for o in ages["fieldConfig"]["overrides"]}
    assert [step["value"] for step in steps["/^desk /"]] == [None, 4 * 86_400 * 2 / 3, 4 * 86_400]


@pytest.mark.parametrize("config", ["small", "full"])
def test_every_series_has_a_name_in_words(config: str) -> None:
    drawn = [p for p in panels_of(dashboards(config)[HEALTH]) if p["type"] in {"timeseries", "stat", "bargauge"}]
    assert len(drawn) > 8
    for entry in drawn:
        for target in entry["targets"]:
            assert target["legendFormat"] not in {"", "__auto"}, entry["title"]


def test_each_state_of_a_source_has_a_symbol_and_the_worst_come_first() -> None:
    (target,) = panel("Sources")["targets"]
    symbols = re.findall(r'"symbol", "(.)"', target["expr"])
    assert symbols == ["▼", "◆", "○", "●"]
    for state in SourceState:
        assert len(re.findall(rf'[|"]{state}[|"]', target["expr"])) == 1, state
    assert target["legendFormat"] == "{{symbol}} {{source}}: {{state}}"
    colours = {
        override["matcher"]["options"]: override["properties"][0]["value"]["fixedColor"]
        for override in panel("Sources")["fieldConfig"]["overrides"]
    }
    assert colours["/^▼/"] == "red"
    assert panel("Sources")["options"]["colorMode"] == "value", "no coloured background"


def test_a_kpi_without_records_is_listed_as_one_without_data() -> None:
    table = panel("KPIs without data")
    (target,) = table["targets"]
    assert 'kpi_status{status=~"no_data|stale"}' in target["expr"]
    assert "kpi_exporter_kpi_up" in target["expr"]
    assert table["fieldConfig"]["defaults"]["noValue"] == "Every KPI has data"


def test_colours_are_for_what_is_wrong_alone() -> None:
    board = json.dumps(dashboards("full")[HEALTH])
    assert "palette-classic" not in board
    assert "background" not in board
    steps = panel("Since the last completed pass")["fieldConfig"]["overrides"][0]["properties"][0]["value"]["steps"]
    assert [step["color"] for step in steps] == ["#6487b5", "orange", "red"]


def test_no_title_or_name_is_cut_at_1280_pixels() -> None:
    for entry in panels_of(dashboards("full")[HEALTH]):
        pixels = entry["gridPos"]["w"] * 1248 / 24 - 8
        assert len(entry["title"]) * 8 + 40 < pixels, entry["title"]
    assert panel("Since the last completed pass")["options"]["text"]["titleSize"] == 13
