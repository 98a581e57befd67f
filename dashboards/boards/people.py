"""Dashboards of one person, and of everyone by KPI."""

from __future__ import annotations

from dashboards.boards.matrix import verdict_matrix
from dashboards.boards.members import NOTE, PERSON_SELECTION, current_variable, member_layout
from dashboards.grafana_model import Dashboard
from dashboards.layout import DashboardSettings, GridItem, build_dashboard
from dashboards.panels import Header
from dashboards.promql import matches_variable
from dashboards.selection import Selection
from dashboards.site import PEOPLE, PERSON, Site
from exporter.config.fields import Scope


def person(site: Site) -> Dashboard:
    """The dashboard of the person selected in its variable, who has numbers now."""
    table = Header(3, "Own KPIs", f"Each KPI beside the mean of the people in the same team. {NOTE}")
    layout = member_layout(site, PERSON_SELECTION, table, share="of own KPIs", history_id=8)
    settings = DashboardSettings(
        PERSON,
        "Person",
        "How one person performs against their targets.",
        tags=("kpi-people",),
        variables=(current_variable("person", "Person", Scope.PERSON),),
    )
    return build_dashboard(site, settings, layout)


def people(site: Site) -> Dashboard:
    """All people by KPI, for those who lead teams."""
    header = Header(
        1, "People by KPI", "Each person against their own plan: 100 % is on plan. Symbol and colour are the verdict."
    )
    selection = Selection(Scope.PERSON, (matches_variable("team", "team"),))
    panel = verdict_matrix(site, header, selection, site.kpis(Scope.PERSON))
    team = current_variable("team", "Team", Scope.PERSON, many=True)
    settings = DashboardSettings(
        PEOPLE,
        "People",
        "How each person performs against each KPI, by team.",
        tags=("kpi-people",),
        variables=(team,),
    )
    return build_dashboard(site, settings, [GridItem(panel, 24, 24)])
