"""The runbook as a dashboard, so that an alert's link works wherever Grafana does."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from dashboards.defaults import RUNBOOK, Outline, Site, dashboard, stable_id
from dashboards.grafana_model import Dashboard
from dashboards.layout import Block
from dashboards.panels import Head, note


@cache
def sections() -> dict[str, str]:
    """The Markdown under each heading of RUNBOOK.md that names an alert."""
    text = files("dashboards").joinpath("RUNBOOK.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (Kpi\w+)\n", text, flags=re.MULTILINE)[1:]
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}


def runbook(site: Site) -> Dashboard:
    """A panel for each alert: what it means, where to look first, what to do."""
    blocks = [
        Block(note(Head(stable_id(name), name, f"What to do about {name}."), body), 12, 9)
        for name, body in sections().items()
    ]
    outline = Outline(RUNBOOK, "Runbook", "What each alert means, where to look first, and what to do.")
    return dashboard(site, outline, blocks)
