"""One person: the own KPIs, how they went, and how they compare with the team's."""

from __future__ import annotations

from dashboards import expressions
from dashboards.boards.kpi_panels import (
    age_tile,
    on_target_tile,
    plan_bars,
    status_history,
    status_tiles,
    tile_rows,
    value_tiles,
)
from dashboards.boards.tables import kpi_table
from dashboards.defaults import PERSON, Outline, Site, dashboard
from dashboards.grafana_model import Dashboard, Panel, Variable
from dashboards.layout import Block, Section
from dashboards.look import PERCENT, Look
from dashboards.panels import Head, folded, lines, over_time
from dashboards.promql import any_chosen, chosen, merged, one_of, select
from exporter import naming
from exporter.config.fields import Scope
from exporter.naming import scoped

OWN = chosen("person", "person")


def team_variable() -> Variable:
    """Which teams' people are offered."""
    return Variable("team", "Team", f"label_values({scoped(naming.STATUS, Scope.PERSON).name}, team)", many=True)


def person(site: Site) -> Dashboard:
    """The dashboard of whichever person is chosen."""
    kpis = site.kpis(Scope.PERSON)
    ours = one_of("kpi", (kpi.name for kpi in kpis))
    history = status_history(site, Head(8, "Status of each KPI", "When a verdict turned."), OWN, scope=Scope.PERSON)
    table = Head(6, "Own KPIs", "Each KPI beside the mean of the people in the same team.")
    plan = Head(5, "Against plan", "Each KPI against the own target: 100 % is on plan.")
    current = Head(4, "Now", "Each KPI's value so far in its period, in the colour of its status.")
    values = expressions.judged(naming.VALUE, OWN, scope=Scope.PERSON)
    parts: list[Block | Section] = [
        Block(on_target_tile(site, 1, OWN, scope=Scope.PERSON), 6, 4),
        Block(status_tiles(site, 2, OWN, scope=Scope.PERSON), 13, 4),
        Block(age_tile(site, 3, ours), 5, 4),
        Block(
            value_tiles(site, current, kpis, values),
            24,
            tile_rows(len(kpis)),
        ),
        Block(plan_bars(site, plan, OWN, scope=Scope.PERSON), 10, 9),
        Block(kpi_table(site, table, OWN, scope=Scope.PERSON, peers=_team_mean()), 14, 9),
        Block(_trend(), 24, 9),
        Section(folded(20, "Status history"), (Block(history, 24, 9),)),
    ]
    offered = f"label_values({select(scoped(naming.STATUS, Scope.PERSON), any_chosen('team', 'team'))}, person)"
    outline = Outline(
        PERSON,
        "Person",
        "How one person stands against the own targets.",
        tags=("kpi-people",),
        variables=(team_variable(), Variable("person", "Person", offered)),
    )
    return dashboard(site, outline, parts)


def _team_mean() -> str:
    """What the people of the chosen person's team reach on average, by KPI."""
    everyone = merged("avg", expressions.against_plan(scope=Scope.PERSON), ("kpi", "team"))
    own_team = merged("max", select(scoped(naming.STATUS, Scope.PERSON), OWN), ("team",))
    return f"{everyone} and on (team) {own_team}"


def _trend() -> Panel:
    head = Head(7, "Of whole target, along time", "Each KPI against the target of its whole period; dashed is 100 %.")
    expr = expressions.with_title(expressions.number(naming.TARGET_RATIO, OWN, scope=Scope.PERSON))
    return lines(head, [over_time(expr, "{{title}}")], Look(PERCENT, 0, colour="series"), at=1)
