"""The runbook as a dashboard."""

from __future__ import annotations

import math
import re
from functools import cache
from importlib.resources import files

from dashboards.grafana_model import Dashboard
from dashboards.layout import DashboardSettings, GridItem, build_dashboard
from dashboards.panels import Header, note
from dashboards.site import RUNBOOK, Site, stable_panel_id

_WIDTH = 12
_CHARACTERS_A_LINE = 74
"""In a panel of half a screen 1280 pixels wide."""
_LINES_A_ROW = 38 / 21
"""Lines of text in one unit of height."""


@cache
def runbook_sections() -> dict[str, str]:
    """The Markdown of each alert's section in RUNBOOK.md."""
    text = files("dashboards").joinpath("RUNBOOK.md").read_text(encoding="utf-8")
    sections = re.split(r"^## (Kpi\w+)\n", text, flags=re.MULTILINE)[1:]
    return {name: body.strip() for name, body in zip(sections[::2], sections[1::2], strict=True)}


def runbook(site: Site) -> Dashboard:
    """The runbook as a dashboard with a panel for each alert, so that links of alerts work wherever Grafana does."""
    items = [
        GridItem(note(Header(stable_panel_id(name), name, f"What to do about {name}."), body), _WIDTH, _height(body))
        for name, body in runbook_sections().items()
    ]
    settings = DashboardSettings(RUNBOOK, "Runbook", "What each alert means, where to look first, and what to do.")
    return build_dashboard(site, settings, items)


def _height(body: str) -> int:
    """The height of a panel that shows the whole text and little more."""
    paragraphs = body.split("\n\n")
    lines = sum(math.ceil(len(paragraph) / _CHARACTERS_A_LINE) for paragraph in paragraphs)
    return math.ceil((lines + 0.75 * len(paragraphs)) / _LINES_A_ROW) + 1
