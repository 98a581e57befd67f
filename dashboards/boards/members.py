"""What boards show of teams and people: their scorecards for one KPI, and the board of one team or person."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards import expressions
from dashboards.boards.kpi_panels import kpi_tiles, on_plan_tile, plan_lines, status_bands
from dashboards.boards.scorecard import (
    bullet_column,
    kpi_column,
    number_text_column,
    percent_column,
    score_queries,
    scorecard,
    status_column,
    table_height,
    text_column,
    trend_column,
)
from dashboards.grafana_model import Panel, Query, Variable
from dashboards.layout import GridItem, PanelRow
from dashboards.look import link, link_to_person
from dashboards.panels import Header, TableColumn, collapsed_row, table_query
from dashboards.promql import aggregate, equals_variable, latest, with_label
from dashboards.reasons import notes
from dashboards.selection import Selection
from dashboards.site import TEAM, Site
from exporter import naming
from exporter.config.fields import Scope
from exporter.naming import SCOPE_LABELS, scoped

NOTE = "What the number alone does not tell: outside the range, or held back by a guard."


def note_query(selection: Selection, key: str) -> Query:
    """Query W: the reason beside the status, one row for each value of the label `key`.

    Rows without a reason have a space: Grafana drops a column that no row has, and the table would end before its edge.
    """
    labels = ", ".join(selection.labels)
    blank = with_label(f"{expressions.limited(selection.latest(naming.STATUS), selection)} ^ 0", "why", "\u00a0")
    return table_query(aggregate("max", f"{notes(selection, 'why')} or on ({labels}) {blank}", (key, "why")), "W")


def note_column(least: int = 200) -> TableColumn:
    """Query W, as the last column, which takes the width that is left, at least so many pixels."""
    wrapped = {"custom__wrapText": True, "custom__cellOptions": {"type": "auto", "wrapText": True}}
    return TableColumn("why", "Note", None, {"unit": "string", "noValue": " ", "custom__minWidth": least, **wrapped})


def person_column(width: int | None, field: str = "person") -> TableColumn:
    """The person's name with a link to their board."""
    return text_column(field, "Person", width, links=[link_to_person("__data.fields.Person")])


def team_column(site: Site, width: int | None, field: str = "team", least: int = 150) -> TableColumn:
    """The team's name, with a link to its board if there is one; without a width, it has at least `least` pixels."""
    links = [link("Open the team", TEAM, team="${__data.fields.Team:percentencode}")] if site.kpis(Scope.TEAM) else []
    free = {} if width else {"custom__minWidth": least}
    return text_column(field, "Team", width, links=links, **free)


def team_table(site: Site, panel_id: int, selection: Selection) -> Panel:
    """The teams of the selected KPI."""
    header = Header(panel_id, "By team", "Each team against its own target, worst first, whatever the KPI's direction.")
    columns = [
        team_column(site, 105),
        status_column(site, 98),
        number_text_column("v", "Value", 80),
        percent_column(width=100),
        bullet_column(None, least=60),
    ]
    queries = score_queries(site, selection, "team", "SPV")
    return scorecard(header, "team", queries, columns, no_value="not measured by team")


def person_table(site: Site, panel_id: int, selection: Selection) -> Panel:
    """The people of the selected KPI."""
    header = Header(panel_id, "By person", f"Each person against their own target, worst first. {NOTE}")
    columns = [
        person_column(140),
        status_column(site, 98),
        number_text_column("v", "Value", 80),
        percent_column(width=100),
        bullet_column(None),
        trend_column(80),
        note_column(130),
    ]
    queries = [*score_queries(site, selection, "person", "SPVF"), note_query(selection, "person")]
    return scorecard(header, "person", queries, columns, no_value="not measured by person")


def member_layout(
    site: Site, selection: Selection, table: Header, *, share: str, history_id: int, below: Sequence[GridItem] = ()
) -> list[GridItem | PanelRow]:
    """The panels of the selected team or person, with `below` under the table of KPIs.

    `share` says of which KPIs the first tile is the share; `history_id` is the id of the panel of status history.
    """
    now = Header(2, "Now", "Each KPI's value in the current period with 30 days behind it, worst first.")
    plan = Header(4, "Against plan", "Each KPI against what was expected by then. The dashed line is 100 %.")
    history = Header(history_id, "Status of each KPI", "When the status of each KPI changed.")
    tiles = kpi_tiles(
        site, now, selection, no_value=f"no KPI of this {SCOPE_LABELS[selection.scope][-1]} has a value now"
    )
    titles = [kpi.title for kpi in site.kpis(selection.scope)]
    return [
        GridItem(on_plan_tile(1, selection, share), 5, 6),
        GridItem(tiles, 19, 6),
        GridItem(_own_kpis(site, table, selection), 24, table_height(site.most_kpis(selection.scope))),
        *below,
        GridItem(plan_lines(plan, selection, titles), 24, 9),
        PanelRow(collapsed_row(20, "Status history"), (GridItem(status_bands(site, history, selection), 24, 9),)),
    ]


def current_variable(name: str, label: str, scope: Scope, *, many: bool = False) -> Variable:
    """A variable of the teams or people that have a value now, from A on.

    `label_values` would look at the whole time range and offer those who left, and ids that match nobody, first.
    """
    current = latest(scoped(naming.VALUE, scope), by=(name,))
    return Variable(name, label, f"query_result({current})", regex=f'/{name}="(?<value>[^"]*)"/', many=many)


def _own_kpis(site: Site, header: Header, selection: Selection) -> Panel:
    """The KPIs of the selected team or person; a person's beside the mean of the people in the same team."""
    columns = [
        *kpi_column(225),
        status_column(site, 105),
        number_text_column("v", "Value", 100),
        percent_column(width=105),
        bullet_column(170),
        *([percent_column("Value #M", "Team mean", 95)] if selection.scope is Scope.PERSON else []),
        trend_column(120),
        number_text_column("g", "Target", 100),
        note_column(),
    ]
    queries = [*score_queries(site, selection, "kpi"), note_query(selection, "kpi")]
    if selection.scope is Scope.PERSON:
        queries.append(table_query(_team_mean(selection), "M"))
    return scorecard(header, "kpi", queries, columns, no_value="no KPI is measured here")


def _team_mean(selection: Selection) -> str:
    """The mean of everybody in the person's team against plan, by KPI; who is far ahead counts as 200 %."""
    everybody = Selection(Scope.PERSON)
    mean = f"avg by (kpi, team) (clamp_max({expressions.against_plan(everybody)}, 2))"
    own = expressions.against_plan(selection)
    return aggregate("max", f"{mean} and on (kpi, team) {own}", ("kpi",))


PERSON_SELECTION = Selection(Scope.PERSON, (equals_variable("person", "person"),))
TEAM_SELECTION = Selection(Scope.TEAM, (equals_variable("team", "team"),))
