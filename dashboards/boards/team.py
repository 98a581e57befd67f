"""The dashboard of one team: its KPIs, and how its people contribute to them."""

from __future__ import annotations

from dashboards.boards.kpi_panels import kpi_tiles, on_plan_tile, plan_lines, status_bands
from dashboards.boards.matrix import verdict_matrix
from dashboards.boards.members import NOTE, TEAM_SELECTION, own_kpis
from dashboards.boards.people import current_variable
from dashboards.boards.scorecard import table_height
from dashboards.grafana_model import Dashboard
from dashboards.layout import DashboardSettings, GridItem, PanelRow, build_dashboard
from dashboards.look import link_to_person
from dashboards.panels import Header, collapsed_row
from dashboards.selection import Selection
from dashboards.site import TEAM, Site
from exporter.config.fields import Scope


def team(site: Site) -> Dashboard:
    """The dashboard of the team selected in its variable, which has numbers now."""
    kpis = site.kpis(Scope.TEAM)
    now = Header(2, "Now", "Each KPI's value in the current period with 30 days behind it, worst first.")
    table = Header(3, "KPIs of the team", f"Each KPI against the team's own target, worst first. {NOTE}")
    plan = Header(4, "Against plan", "Each KPI against what was expected by then. The dashed line is 100 %.")
    history = Header(6, "Status of each KPI", "When the status of each KPI changed.")
    tiles = kpi_tiles(site, now, TEAM_SELECTION, no_value="no KPI of this team has a value now")
    bands = status_bands(site, history, TEAM_SELECTION)
    layout: list[GridItem | PanelRow] = [
        GridItem(on_plan_tile(1, TEAM_SELECTION, "of the team's KPIs"), 5, 6),
        GridItem(tiles, 19, 6),
        GridItem(own_kpis(site, table, TEAM_SELECTION), 24, table_height(site.most_kpis(Scope.TEAM))),
        *_people(site),
        GridItem(plan_lines(plan, TEAM_SELECTION, [kpi.title for kpi in kpis]), 24, 9),
        PanelRow(collapsed_row(20, "Status history"), (GridItem(bands, 24, 9),)),
    ]
    settings = DashboardSettings(
        TEAM,
        "Team",
        "How one team performs against its targets, and its people.",
        tags=("kpi-team",),
        variables=(current_variable("team", "Team", Scope.TEAM),),
    )
    return build_dashboard(site, settings, layout)


def _people(site: Site) -> list[GridItem]:
    if not site.kpis(Scope.PERSON) or site.config.privacy.people != "included":
        return []
    header = Header(5, "People of the team", "Each person against their own plan. Symbol and colour are the verdict.")
    selection = Selection(Scope.PERSON, TEAM_SELECTION.matchers)
    links = [link_to_person("__value.text")]
    panel = verdict_matrix(site, header, selection, site.kpis(Scope.PERSON), "person", links)
    return [GridItem(panel, 24, 11)]
