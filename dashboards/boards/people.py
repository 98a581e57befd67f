"""Dashboards of one person, and of everyone by KPI."""

from __future__ import annotations

from dashboards.boards.kpi_panels import kpi_tiles, on_plan_tile, plan_lines, status_bands
from dashboards.boards.matrix import verdict_matrix
from dashboards.boards.members import NOTE, PERSON_SELECTION, own_kpis
from dashboards.boards.scorecard import table_height
from dashboards.grafana_model import Dashboard, Variable
from dashboards.layout import DashboardSettings, GridItem, PanelRow, build_dashboard
from dashboards.look import link_to_person
from dashboards.panels import Header, collapsed_row
from dashboards.promql import latest, matches_variable
from dashboards.selection import Selection
from dashboards.site import PEOPLE, PERSON, Site
from exporter import naming
from exporter.config.fields import Scope
from exporter.naming import scoped


def person(site: Site) -> Dashboard:
    """The dashboard of the person selected in its variable, who has numbers now."""
    kpis = site.kpis(Scope.PERSON)
    now = Header(2, "Now", "Each KPI's value in the current period with 30 days behind it, worst first.")
    table = Header(3, "Own KPIs", f"Each KPI beside the mean of the people in the same team. {NOTE}")
    plan = Header(4, "Against plan", "Each KPI against what was expected by then. The dashed line is 100 %.")
    history = Header(8, "Status of each KPI", "When the status of each KPI changed.")
    tiles = kpi_tiles(site, now, PERSON_SELECTION, no_value="no KPI of this person has a value now")
    bands = status_bands(site, history, PERSON_SELECTION)
    layout: list[GridItem | PanelRow] = [
        GridItem(on_plan_tile(1, PERSON_SELECTION, "of own KPIs"), 5, 6),
        GridItem(tiles, 19, 6),
        GridItem(own_kpis(site, table, PERSON_SELECTION), 24, table_height(site.most_kpis(Scope.PERSON))),
        GridItem(plan_lines(plan, PERSON_SELECTION, [kpi.title for kpi in kpis]), 24, 9),
        PanelRow(collapsed_row(20, "Status history"), (GridItem(bands, 24, 9),)),
    ]
    settings = DashboardSettings(
        PERSON,
        "Person",
        "How one person performs against their targets.",
        tags=("kpi-people",),
        variables=(current_variable("person", "Person", Scope.PERSON),),
    )
    return build_dashboard(site, settings, layout)


def current_variable(name: str, label: str, scope: Scope, *, many: bool = False) -> Variable:
    """A variable of the teams or people that have a value now, from A on.

    `label_values` would look at the whole time range and offer those who left, and ids that match nobody, first.
    """
    current = latest(scoped(naming.VALUE, scope), by=(name,))
    return Variable(name, label, f"query_result({current})", regex=f'/{name}="(?<value>[^"]*)"/', many=many)


def people(site: Site) -> Dashboard:
    """All people by KPI, for those who lead teams."""
    header = Header(
        1, "People by KPI", "Each person against their own plan: 100 % is on plan. Symbol and colour are the verdict."
    )
    selection = Selection(Scope.PERSON, (matches_variable("team", "team"),))
    links = [link_to_person("__value.text")]
    panel = verdict_matrix(site, header, selection, site.kpis(Scope.PERSON), "person", links)
    team = current_variable("team", "Team", Scope.PERSON, many=True)
    settings = DashboardSettings(
        PEOPLE,
        "People",
        "How each person performs against each KPI, by team.",
        tags=("kpi-people",),
        variables=(team,),
    )
    return build_dashboard(site, settings, [GridItem(panel, 24, 24)])
