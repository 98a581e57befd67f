"""The wall: readable from across the room, nothing to click, one screen of 16 to 9."""

from __future__ import annotations

from dashboards.boards.kpi_panels import status_tiles, worst_tiles
from dashboards.boards.overview import objective_bars
from dashboards.defaults import WALL, Outline, Site, dashboard
from dashboards.grafana_model import Dashboard, Panel
from dashboards.layout import Block
from dashboards.look import PERCENT, Look, named, share_steps
from dashboards.panels import Head, bars, now, tiles
from dashboards.promql import latest
from dashboards.quoting import shown
from dashboards.rules.recording import COMPANY_ON_TARGET, DEPARTMENT_ON_TARGET


def wall(site: Site) -> Dashboard:
    """Five panels for a screen on the wall, for `?kiosk` and playlists."""
    blocks = [
        Block(_headline(site), 7, 7),
        Block(_large(status_tiles(site, 2), 60), 17, 7),
        Block(_large(objective_bars(site, 3)), 12, 7),
        Block(_departments(site), 12, 7),
        Block(_large(worst_tiles(site, 5, 6)), 24, 7),
    ]
    outline = Outline(
        WALL,
        "Wall",
        "For a screen on the wall: open with ?kiosk&autofitpanels, or in a playlist.",
        since="now-30d",
    )
    return dashboard(site, outline, blocks)


def _large(panel: Panel, size: int = 44) -> Panel:
    panel.options["text"] = {"titleSize": 22, "valueSize": size}
    return panel


def _headline(site: Site) -> Panel:
    head = Head(1, "KPIs on target", "Share of the KPIs with a verdict that are on track or exceeded.")
    look = Look(PERCENT, 0, steps=share_steps(site.config), lowest=0, highest=1)
    return _large(tiles(head, [now(latest(COMPANY_ON_TARGET), "on target")], look, text="value"), 96)


def _departments(site: Site) -> Panel:
    head = Head(4, "Departments", "Share of each department's KPIs that are on track or exceeded.")
    overrides = tuple(named(name, name=shown(name)) for name in site.departments)
    look = Look(PERCENT, 0, steps=share_steps(site.config), lowest=0, highest=1, overrides=overrides)
    return _large(bars(head, [now(f"sort({latest(DEPARTMENT_ON_TARGET)})", "{{department}}")], look))
