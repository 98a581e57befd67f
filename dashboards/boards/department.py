"""One department: its KPIs in their own units, what is behind, how it went, and what each number means."""

from __future__ import annotations

from dashboards import expressions
from dashboards.boards.definitions import definitions
from dashboards.boards.kpi_panels import (
    age_tile,
    on_target_tile,
    plan_bars,
    status_history,
    status_tiles,
    tile_rows,
    trends,
    value_tiles,
)
from dashboards.boards.tables import alert_table, kpi_table, matrix
from dashboards.defaults import Outline, Site, dashboard, department_uid
from dashboards.grafana_model import Dashboard, Panel
from dashboards.layout import Block, Section
from dashboards.panels import Head, folded, note
from dashboards.promql import Match, one_of
from dashboards.quoting import shown
from exporter import naming
from exporter.config.fields import Scope


def department(site: Site, name: str) -> Dashboard:
    """The dashboard of one department."""
    kpis = site.kpis(department=name)
    ours = one_of("kpi", (kpi.name for kpi in kpis))
    charts = trends(site, kpis)
    height = 4 + len(kpis)
    history = status_history(site, Head(8, "Status of each KPI", "How the status of each KPI went."), ours)
    meaning = note(Head(9, "", "What each KPI means."), definitions(site.config, kpis))
    parts: list[Block | Section] = [
        Block(on_target_tile(site, 1, ours), 6, 4),
        Block(status_tiles(site, 2, ours), 13, 4),
        Block(age_tile(site, 3, ours), 5, 4),
        Block(_tiles(site, ours, name), 24, tile_rows(len(kpis))),
        Block(_plan(site, ours), 12, min(14, height)),
        Block(alert_table(site, 6, ours), 12, min(14, height)),
        Block(
            kpi_table(site, Head(7, "KPIs", "Every KPI of the department, worst first."), ours), 24, min(16, height + 1)
        ),
        *_teams(site, name),
        Section(folded(20, "Values along time"), tuple(charts)),
        Section(folded(21, "Status history"), (Block(history, 24, min(16, height)),)),
        Section(folded(22, "What the KPIs mean"), (Block(meaning, 24, 4 + 2 * len(kpis)),)),
    ]
    outline = Outline(
        department_uid(site, name),
        f"Department: {shown(name)}",
        f"How {shown(name)} stands against its targets.",
        tags=("kpi-department",),
    )
    return dashboard(site, outline, parts)


def _tiles(site: Site, ours: Match, name: str) -> Panel:
    head = Head(
        4,
        "Now",
        "Each KPI's value so far in its period, in the colour of its status. Click one for target, pace and reasons.",
    )
    return value_tiles(site, head, site.kpis(department=name), expressions.judged(naming.VALUE, ours))


def _plan(site: Site, ours: Match) -> Panel:
    head = Head(
        5,
        "Against plan",
        "Value against what is expected by now, or against the whole target where a KPI has no pace. 100 % is on plan.",
    )
    return plan_bars(site, head, ours)


def _teams(site: Site, name: str) -> list[Block]:
    kpis = [kpi for kpi in site.kpis(Scope.TEAM) if kpi.department == name]
    if not kpis:
        return []
    ours = one_of("kpi", (kpi.name for kpi in kpis))
    head = Head(10, "Teams by KPI", "Each team against its plan: 100 % is on plan. Empty where a team has no verdict.")
    return [Block(matrix(site, head, expressions.against_plan(ours, scope=Scope.TEAM), "team"), 24, 9)]
