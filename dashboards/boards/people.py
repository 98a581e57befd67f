"""Everyone against every KPI, for those who lead teams."""

from __future__ import annotations

from dashboards import expressions
from dashboards.boards.person import team_variable
from dashboards.boards.tables import matrix
from dashboards.defaults import PEOPLE, Outline, Site, dashboard, to_person
from dashboards.grafana_model import Dashboard
from dashboards.layout import Block
from dashboards.panels import Head
from dashboards.promql import any_chosen
from exporter.config.fields import Scope


def people(site: Site) -> Dashboard:
    """People by KPI, as a heat map."""
    head = Head(
        1, "People by KPI", "Each person against the own plan: 100 % is on plan. Empty where there is no verdict."
    )
    expr = expressions.against_plan(any_chosen("team", "team"), scope=Scope.PERSON)
    outline = Outline(
        PEOPLE,
        "People",
        "Who stands how against which KPI, by team.",
        tags=("kpi-people",),
        variables=(team_variable(),),
    )
    return dashboard(site, outline, [Block(matrix(site, head, expr, "person", [to_person("__value.text")]), 24, 24)])
