"""The dashboard of one team: its KPIs, and how its people contribute to them."""

from __future__ import annotations

from dashboards.boards.matrix import verdict_matrix
from dashboards.boards.members import NOTE, TEAM_SELECTION, current_variable, member_layout
from dashboards.grafana_model import Dashboard
from dashboards.layout import DashboardSettings, GridItem, build_dashboard
from dashboards.panels import Header
from dashboards.selection import Selection
from dashboards.site import TEAM, Site
from exporter.config.fields import Scope


def team(site: Site) -> Dashboard:
    """The dashboard of the team selected in its variable, which has numbers now."""
    table = Header(3, "KPIs of the team", f"Each KPI against the team's own target, worst first. {NOTE}")
    layout = member_layout(site, TEAM_SELECTION, table, share="of the team's KPIs", history_id=6, below=_people(site))
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
    panel = verdict_matrix(site, header, selection, site.kpis(Scope.PERSON))
    return [GridItem(panel, 24, 11)]
