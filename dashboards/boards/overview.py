"""Company overview: where we stand, in five seconds, and where to look next."""

from __future__ import annotations

from dashboards import expressions
from dashboards.boards.kpi_panels import age_tile, on_target_tile, status_history, status_tiles, worst_tiles
from dashboards.boards.tables import alert_table, kpi_table
from dashboards.defaults import OVERVIEW, Outline, Site, dashboard, department_uid, link
from dashboards.grafana_model import Dashboard, Panel
from dashboards.layout import Block, Section
from dashboards.look import PERCENT, Look, named, ratio_steps, share_steps
from dashboards.panels import Head, bars, folded, lines, note, now, over_time
from dashboards.promql import latest
from dashboards.quoting import markdown, shown
from exporter import naming

_WORST = 8


def overview(site: Site) -> Dashboard:
    """All KPIs of the company; Grafana's home page."""
    head = Head(9, "All KPIs", "Every KPI, the one furthest behind its plan first. Values in percent where unit is %.")
    parts: list[Block | Section] = [
        Block(_reading(site), 24, 3),
        Block(on_target_tile(site, 2), 6, 4),
        Block(status_tiles(site, 3), 13, 4),
        Block(age_tile(site, 4), 5, 4),
        Block(worst_tiles(site, 5, _WORST), 24, 7),
        Block(objective_bars(site, 6), 12, _bars_height(site)),
        Block(_departments(site), 12, _bars_height(site)),
        Block(kpi_table(site, head), 24, 13),
        Block(_trend(site), 14, 8),
        Block(alert_table(site, 11), 10, 8),
        Section(folded(12, "Status history"), (Block(_history(site), 24, 14),)),
    ]
    outline = Outline(
        OVERVIEW,
        "Company overview",
        "Where the company stands against its targets, and which KPI needs attention.",
    )
    return dashboard(site, outline, parts)


def _reading(site: Site) -> Panel:
    content = (
        f"## {markdown(site.config.company.name)}\n"
        "Colour and word say how a KPI stands **against its plan**: exceeded, on track, at risk or off track; grey has "
        "no verdict. 100 % is on plan, more is better, whatever the KPI's direction. "
        "The right edge of the time range is the moment shown: move it to look back."
    )
    return note(Head(1, "", "How to read this dashboard."), content)


def objective_bars(site: Site, panel_id: int) -> Panel:
    """The score of each objective."""
    head = Head(
        panel_id,
        "Objectives",
        "Weighted mean of the target ratios of an objective's KPIs, each counted up to 100 %, so that one that runs "
        "ahead cannot hide one that fails.",
    )
    overrides = tuple(named(entry.name, name=shown(entry.title)) for entry in site.config.objectives)
    look = Look(PERCENT, steps=ratio_steps(site.config), lowest=0, highest=1, overrides=overrides)
    return bars(head, [now(f"sort({latest(naming.OBJECTIVE_SCORE)})", "{{objective}}")], look)


def _departments(site: Site) -> Panel:
    head = Head(
        7, "Departments", "Share of each department's KPIs that are on track or exceeded. Click one for its dashboard."
    )
    overrides = tuple(
        named(name, name=shown(name), links=[link("Open the department", department_uid(site, name))])
        for name in site.departments
    )
    look = Look(PERCENT, steps=share_steps(site.config), lowest=0, highest=1, overrides=overrides)
    return bars(head, [now(f"sort({expressions.on_target_by('department')})", "{{department}}")], look)


def _bars_height(site: Site) -> int:
    return min(14, 3 + max(len(site.departments), len(site.config.objectives), 2))


def _trend(site: Site) -> Panel:
    head = Head(10, "Objectives along time", "Score of each objective; the dashed line is full marks.")
    overrides = tuple(named(entry.name, name=shown(entry.title)) for entry in site.config.objectives)
    look = Look(PERCENT, colour="series", overrides=overrides)
    return lines(head, [over_time(latest(naming.OBJECTIVE_SCORE), "{{objective}}")], look, at=1)


def _history(site: Site) -> Panel:
    head = Head(13, "Status of each KPI", "How the status of each KPI went: when it turned, and for how long.")
    return status_history(site, head)
