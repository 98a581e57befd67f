"""The company overview, which is Grafana's home page, and the wall for screens."""

from __future__ import annotations

from dashboards import expressions
from dashboards.boards.kpi_panels import age_tile, on_target_tile, status_history, status_tiles, worst_tiles
from dashboards.boards.tables import alert_table, kpi_table
from dashboards.encoding import escape_markdown, escape_variables
from dashboards.grafana_model import Dashboard, Panel
from dashboards.layout import DashboardSettings, GridItem, PanelRow, build_dashboard
from dashboards.look import PERCENT, Look, Override, by_name, link, ratio_steps, share_steps
from dashboards.panels import Header, bars, collapsed_row, instant_query, lines, note, range_query, tiles
from dashboards.promql import COMPANY_ON_TARGET, DEPARTMENT_ON_TARGET, latest
from dashboards.site import OVERVIEW, WALL, Site, department_uid
from exporter import naming

_OBJECTIVES_HELP = (
    "Weighted mean of the target ratios of an objective's KPIs, each counted up to 100 %, so that one KPI that is far "
    "ahead cannot hide another that fails."
)
_DEPARTMENTS_HELP = "Share of each department's KPIs that are on track or exceeded."


def overview(site: Site) -> Dashboard:
    """All KPIs of the company."""
    bars_height = min(14, 3 + max(len(site.departments), len(site.config.objectives), 2))
    departments = Header(7, "Departments", f"{_DEPARTMENTS_HELP} Click a department for its dashboard.")
    department_links = tuple(
        by_name(name, name=escape_variables(name), links=[link("Open the department", department_uid(site, name))])
        for name in site.departments
    )
    on_target = expressions.on_target_share_by("department")
    all_kpis = Header(
        9, "All KPIs", "Every KPI, the one furthest behind its plan first. Values are in percent if the unit is %."
    )
    history = Header(13, "Status of each KPI", "When the status of each KPI changed, and for how long.")
    layout: list[GridItem | PanelRow] = [
        GridItem(_introduction(site), 24, 3),
        GridItem(on_target_tile(site, 2), 6, 4),
        GridItem(status_tiles(site, 3), 13, 4),
        GridItem(age_tile(site, 4), 5, 4),
        GridItem(worst_tiles(site, 5, 8), 24, 7),
        GridItem(_objective_bars(site, 6), 12, bars_height),
        GridItem(_department_bars(site, departments, on_target, 1, department_links), 12, bars_height),
        GridItem(kpi_table(site, all_kpis), 24, 13),
        GridItem(_objectives_over_time(site), 14, 8),
        GridItem(alert_table(site, 11), 10, 8),
        PanelRow(collapsed_row(12, "Status history"), (GridItem(status_history(site, history), 24, 14),)),
    ]
    settings = DashboardSettings(
        OVERVIEW,
        "Company overview",
        "How the company performs against its targets, and which KPI needs attention.",
    )
    return build_dashboard(site, settings, layout)


def _introduction(site: Site) -> Panel:
    content = (
        f"## {escape_markdown(site.config.company.name)}\n"
        "Colour and word show how a KPI performs **against its plan**: exceeded, on track, at risk or off track. Grey "
        "means no verdict. 100 % is on plan and more is better, whatever the KPI's direction. "
        "Values are those at the end of the time range: change it to look back."
    )
    return note(Header(1, "", "How to read this dashboard."), content)


def _objective_bars(site: Site, panel_id: int) -> Panel:
    look = Look(PERCENT, steps=ratio_steps(site.config), lowest=0, highest=1, overrides=_objective_titles(site))
    query = instant_query(f"sort({latest(naming.OBJECTIVE_SCORE)})", "{{objective}}")
    return bars(Header(panel_id, "Objectives", _OBJECTIVES_HELP), [query], look)


def _objectives_over_time(site: Site) -> Panel:
    header = Header(10, "Objectives over time", "Score of each objective. The dashed line is the full score.")
    look = Look(PERCENT, colour="series", overrides=_objective_titles(site))
    return lines(header, [range_query(latest(naming.OBJECTIVE_SCORE), "{{objective}}")], look, at=1)


def _objective_titles(site: Site) -> tuple[Override, ...]:
    return tuple(by_name(entry.name, name=escape_variables(entry.title)) for entry in site.config.objectives)


def _department_bars(site: Site, header: Header, expr: str, decimals: int, overrides: tuple[Override, ...]) -> Panel:
    look = Look(PERCENT, decimals, steps=share_steps(site.config), lowest=0, highest=1, overrides=overrides)
    return bars(header, [instant_query(f"sort({expr})", "{{department}}")], look)


def wall(site: Site) -> Dashboard:
    """Five large panels for a wall screen in the format 16 to 9, with nothing to click."""
    on_target = Header(1, "KPIs on target", "Share of the KPIs with a verdict that are on track or exceeded.")
    look = Look(PERCENT, 0, steps=share_steps(site.config), lowest=0, highest=1)
    share = tiles(on_target, [instant_query(latest(COMPANY_ON_TARGET), "on target")], look, text="value")
    header = Header(4, "Departments", _DEPARTMENTS_HELP)
    names = tuple(by_name(name, name=escape_variables(name)) for name in site.departments)
    departments = _department_bars(site, header, latest(DEPARTMENT_ON_TARGET), 0, names)
    items = [
        GridItem(_enlarge(share, 96), 7, 7),
        GridItem(_enlarge(status_tiles(site, 2), 60), 17, 7),
        GridItem(_enlarge(_objective_bars(site, 3)), 12, 7),
        GridItem(_enlarge(departments), 12, 7),
        GridItem(_enlarge(worst_tiles(site, 5, 6)), 24, 7),
    ]
    settings = DashboardSettings(
        WALL,
        "Wall",
        "For a wall screen: open it with ?kiosk&autofitpanels, or in a playlist.",
        since="now-30d",
    )
    return build_dashboard(site, settings, items)


def _enlarge(panel: Panel, size: int = 44) -> Panel:
    panel.options["text"] = {"titleSize": 22, "valueSize": size}
    return panel
