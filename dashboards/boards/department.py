"""The dashboard of one department: its KPIs now and over time, what is behind plan, and what each KPI means."""

from __future__ import annotations

from dashboards import expressions
from dashboards.boards.kpi_panels import (
    age_tile,
    on_target_tile,
    plan_bars,
    status_history,
    status_tiles,
    tiles_height,
    trend_charts,
    value_tiles,
)
from dashboards.boards.tables import alert_table, definitions, kpi_table, matrix
from dashboards.encoding import escape_variables
from dashboards.grafana_model import Dashboard
from dashboards.layout import DashboardSettings, GridItem, PanelRow, build_dashboard
from dashboards.panels import Header, collapsed_row, note
from dashboards.promql import one_of
from dashboards.site import Site, department_uid
from exporter import naming
from exporter.config.fields import Scope


def department(site: Site, name: str) -> Dashboard:
    """The dashboard of one department."""
    kpis = site.kpis(department=name)
    matcher = one_of("kpi", (kpi.name for kpi in kpis))
    height = 4 + len(kpis)
    tiles = Header(
        4, "Now", "Each KPI's value in the current period, in the colour of its status. Click a KPI for the reasons."
    )
    plan = Header(
        5,
        "Against plan",
        "Value against what is expected by now, or against the target if a KPI has no pace. 100 % is on plan.",
    )
    table = Header(7, "KPIs", "Every KPI of the department, worst first.")
    history = Header(8, "Status of each KPI", "The status of each KPI over time.")
    meaning = note(Header(9, "", "What each KPI means."), definitions(site.config, kpis))
    values = expressions.value_with_status(naming.VALUE, matcher)
    layout: list[GridItem | PanelRow] = [
        GridItem(on_target_tile(site, 1, matcher), 6, 4),
        GridItem(status_tiles(site, 2, matcher), 13, 4),
        GridItem(age_tile(site, 3, matcher), 5, 4),
        GridItem(value_tiles(site, tiles, kpis, values), 24, tiles_height(len(kpis))),
        GridItem(plan_bars(site, plan, matcher), 12, min(14, height)),
        GridItem(alert_table(site, 6, matcher), 12, min(14, height)),
        GridItem(kpi_table(site, table, matcher), 24, min(16, height + 1)),
        *_teams(site, name),
        PanelRow(collapsed_row(20, "Values over time"), tuple(trend_charts(site, kpis))),
        PanelRow(
            collapsed_row(21, "Status history"),
            (GridItem(status_history(site, history, matcher), 24, min(16, height)),),
        ),
        PanelRow(collapsed_row(22, "What the KPIs mean"), (GridItem(meaning, 24, 4 + 2 * len(kpis)),)),
    ]
    settings = DashboardSettings(
        department_uid(site, name),
        f"Department: {escape_variables(name)}",
        f"How {escape_variables(name)} performs against its targets.",
        tags=("kpi-department",),
    )
    return build_dashboard(site, settings, layout)


def _teams(site: Site, name: str) -> list[GridItem]:
    kpis = site.kpis(Scope.TEAM, department=name)
    if not kpis:
        return []
    matcher = one_of("kpi", (kpi.name for kpi in kpis))
    header = Header(10, "Teams by KPI", "Each team against its plan: 100 % is on plan. Empty if a team has no verdict.")
    return [GridItem(matrix(site, header, expressions.plan_ratio(matcher, scope=Scope.TEAM), "team"), 24, 9)]
