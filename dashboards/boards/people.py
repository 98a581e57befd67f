"""Dashboards about people: one person, everyone by KPI, and the leaderboard."""

from __future__ import annotations

from dashboards import expressions
from dashboards.boards.kpi_panels import (
    age_tile,
    on_target_tile,
    plan_bars,
    status_history,
    status_tiles,
    tiles_height,
    value_tiles,
)
from dashboards.boards.tables import kpi_columns, kpi_table, matrix, ratio_cells
from dashboards.grafana_model import Dashboard, Panel, Variable
from dashboards.layout import DashboardSettings, GridItem, PanelRow, build_dashboard
from dashboards.look import PERCENT, Look, link_to_person, ratio_steps
from dashboards.panels import (
    Header,
    TableColumn,
    bars,
    collapsed_row,
    instant_query,
    lines,
    range_query,
    table,
    table_query,
)
from dashboards.promql import (
    PERSON_SCORE,
    TEAM_SCORE,
    aggregate,
    equals_variable,
    latest,
    matches_variable,
    one_of,
    select,
)
from dashboards.site import LEADERBOARD, PEOPLE, PERSON, Site
from exporter import naming
from exporter.config.fields import Scope
from exporter.naming import scoped

_PERSON = equals_variable("person", "person")
_TOP = 10


def person(site: Site) -> Dashboard:
    """The dashboard of the person selected in its variable."""
    kpis = site.kpis(Scope.PERSON)
    tiles = Header(4, "Now", "Each KPI's value in the current period, in the colour of its status.")
    plan = Header(5, "Against plan", "Each KPI against this person's target: 100 % is on plan.")
    table = Header(6, "KPIs of this person", "Each KPI beside the mean of the people in the same team.")
    trend = Header(7, "Against target over time", "Each KPI against its target. The dashed line is 100 %.")
    history = Header(8, "Status of each KPI", "When the status of each KPI changed.")
    values = expressions.value_with_status(naming.VALUE, _PERSON, scope=Scope.PERSON)
    ratios = expressions.with_title(expressions.latest_value(naming.TARGET_RATIO, _PERSON, scope=Scope.PERSON))
    trend_chart = lines(trend, [range_query(ratios, "{{title}}")], Look(PERCENT, 0, colour="series"), at=1)
    layout: list[GridItem | PanelRow] = [
        GridItem(on_target_tile(site, 1, _PERSON, scope=Scope.PERSON), 6, 4),
        GridItem(status_tiles(site, 2, _PERSON, scope=Scope.PERSON), 13, 4),
        GridItem(age_tile(site, 3, one_of("kpi", (kpi.name for kpi in kpis))), 5, 4),
        GridItem(value_tiles(site, tiles, kpis, values), 24, tiles_height(len(kpis))),
        GridItem(plan_bars(site, plan, _PERSON, scope=Scope.PERSON), 10, 9),
        GridItem(kpi_table(site, table, _PERSON, scope=Scope.PERSON, peers=_team_mean()), 14, 9),
        GridItem(trend_chart, 24, 9),
        PanelRow(
            collapsed_row(20, "Status history"),
            (GridItem(status_history(site, history, _PERSON, scope=Scope.PERSON), 24, 9),),
        ),
    ]
    people_of_team = select(scoped(naming.STATUS, Scope.PERSON), matches_variable("team", "team"))
    settings = DashboardSettings(
        PERSON,
        "Person",
        "How one person performs against their targets.",
        tags=("kpi-people",),
        variables=(_team_variable(), Variable("person", "Person", f"label_values({people_of_team}, person)")),
    )
    return build_dashboard(site, settings, layout)


def _team_variable() -> Variable:
    return Variable("team", "Team", f"label_values({scoped(naming.STATUS, Scope.PERSON).name}, team)", many=True)


def _team_mean() -> str:
    """The mean plan ratio of the people in the selected person's team, by KPI."""
    everyone = aggregate("avg", expressions.plan_ratio(scope=Scope.PERSON), ("kpi", "team"))
    own_team = aggregate("max", select(scoped(naming.STATUS, Scope.PERSON), _PERSON), ("team",))
    return f"{everyone} and on (team) {own_team}"


def people(site: Site) -> Dashboard:
    """All people by KPI, as a heat map, for those who lead teams."""
    header = Header(
        1, "People by KPI", "Each person against their plan: 100 % is on plan. Empty if there is no verdict."
    )
    expr = expressions.plan_ratio(matches_variable("team", "team"), scope=Scope.PERSON)
    panel = matrix(site, header, expr, "person", [link_to_person("__value.text")])
    settings = DashboardSettings(
        PEOPLE,
        "People",
        "How each person performs against each KPI, by team.",
        tags=("kpi-people",),
        variables=(_team_variable(),),
    )
    return build_dashboard(site, settings, [GridItem(panel, 24, 24)])


def leaderboard(site: Site) -> Dashboard:
    """The people and teams that perform best. Generated only if the config asks to rank people by name."""
    best = Header(1, f"Top {_TOP}", "Mean target ratio of each person's KPIs, each counted up to 100 %.")
    best_scores = f"topk({_TOP}, {latest(PERSON_SCORE, by=('person',))})"
    items = [GridItem(_score_bars(site, best, best_scores, "person"), 12, 11), GridItem(_most_improved(), 12, 11)]
    if site.kpis(Scope.TEAM):
        header = Header(3, "Teams", "Mean target ratio of each team's KPIs, each counted up to 100 %.")
        items.append(GridItem(_score_bars(site, header, latest(TEAM_SCORE, by=("team",)), "team"), 12, 10))
    items.append(GridItem(_leaders(site), 24 - 12 * (len(items) - 2), 10))
    settings = DashboardSettings(
        LEADERBOARD,
        "Leaderboard",
        f"The {_TOP} people who perform best against their targets, and who improved most.",
        tags=("kpi-people",),
        since="now-30d",
    )
    return build_dashboard(site, settings, items)


def _score_bars(site: Site, header: Header, expr: str, label: str) -> Panel:
    look = Look(
        PERCENT,
        steps=ratio_steps(site.config),
        name=f"${{__field.labels.{label}}}",
        lowest=0,
        highest=1,
        links=(link_to_person("__field.labels.person"),) if label == "person" else (),
    )
    return bars(header, [instant_query(f"sort_desc({expr})", f"{{{{{label}}}}}")], look)


def _most_improved() -> Panel:
    header = Header(2, "Most improved in a week", "By how many points the score rose within seven days.")
    gain = f"{latest(PERSON_SCORE, by=('person',))} - max by (person) ({PERSON_SCORE.name} offset 7d)"
    look = Look(
        PERCENT,
        name="${__field.labels.person}",
        lowest=0,
        links=(link_to_person("__field.labels.person"),),
        no_value="nobody yet",
    )
    return bars(header, [instant_query(f"sort_desc(topk({_TOP}, {gain} > 0))", "{{person}}")], look)


def _leaders(site: Site) -> Panel:
    header = Header(4, "Leaders by KPI", "Who performs best against their target in each KPI.")
    ratio = expressions.latest_value(naming.TARGET_RATIO, scope=Scope.PERSON)
    columns = [
        *kpi_columns(),
        TableColumn("person", "Person", None, {"links": [link_to_person("__data.fields.person")]}),
        TableColumn("team", "Team"),
        TableColumn("Value", "Against target", None, ratio_cells(site)),
    ]
    return table(header, [table_query(expressions.with_title(f"topk by (kpi) (1, {ratio})"))], columns, Look())
