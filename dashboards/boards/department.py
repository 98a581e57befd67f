"""The dashboard of one department: its KPIs, teams and people, what slipped, and the metrics that explain it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dashboards import expressions
from dashboards.boards.chosen_charts import chosen_charts
from dashboards.boards.matrix import verdict_matrix
from dashboards.boards.metric_tiles import explaining_metrics, metric_tiles, rows_of
from dashboards.boards.overview import (
    MOST_ROWS,
    TABLE_HELP,
    closing_rows,
    department_column,
    needs_attention,
    objective_column,
    score_table,
    status_row,
)
from dashboards.boards.scorecard import table_height
from dashboards.encoding import escape_variables
from dashboards.expressions import BAD
from dashboards.grafana_model import Dashboard, Panel
from dashboards.layout import DashboardSettings, GridItem, PanelRow, build_dashboard
from dashboards.look import Look, line_colours
from dashboards.panels import Header, collapsed_row, lines, range_query
from dashboards.promql import equals, join, one_of
from dashboards.selection import Selection
from dashboards.site import Site, department_uid
from exporter.config.fields import Scope
from exporter.config.kpis import Kpi
from exporter.statuses import STATUSES

_EXPLAINED_ID = 20
_MOST_OPEN_ROWS = 2
_PEOPLE_ROWS = 12
_TEAM_ROWS = 5


def department(site: Site, name: str) -> Dashboard:
    """The dashboard of one department."""
    kpis = site.kpis(department=name)
    selection = Selection(where=(equals("department", name),))
    own_alerts = equals("department", name)
    objectives = len({kpi.objective for kpi in kpis}) > 1
    table = score_table(
        site, Header(7, "KPIs", TABLE_HELP), selection, objective_column(site) if objectives else department_column()
    )
    layout: list[GridItem | PanelRow] = [
        *status_row(site, selection, (1, 2, 3), own_alerts),
        GridItem(needs_attention(site, 4, selection), 24, 6),
        GridItem(table, 24, table_height(min(len(kpis), 2 * MOST_ROWS))),
        *chosen_charts(site, "department", name),
        *_teams(site, name),
        GridItem(_slipped(selection, kpis), 24, 8),
        *_explained(site, kpis),
        *_people(site, name),
        *closing_rows(site, selection, len(kpis), own_alerts),
    ]
    settings = DashboardSettings(
        department_uid(site, name),
        f"Department: {escape_variables(name)}",
        f"How {escape_variables(name)} performs against its targets.",
        tags=("kpi-department",),
    )
    return build_dashboard(site, settings, layout)


def _teams(site: Site, name: str) -> Iterator[GridItem]:
    kpis = site.kpis(Scope.TEAM, department=name)
    if kpis:
        header = Header(
            10, "Teams", "Each team against its own plan: 100 % is on plan. Symbol and colour are the verdict."
        )
        panel = verdict_matrix(site, header, _of(kpis, Scope.TEAM), kpis)
        yield GridItem(panel, 24, table_height(max(len(site.config.teams), _TEAM_ROWS)))


def _people(site: Site, name: str) -> Iterator[PanelRow]:
    kpis = site.kpis(Scope.PERSON, department=name)
    if kpis and site.config.privacy.people == "included":
        header = Header(
            15, "People", "Each person against their own plan: 100 % is on plan. Symbol and colour are the verdict."
        )
        panel = verdict_matrix(site, header, _of(kpis, Scope.PERSON), kpis)
        yield PanelRow(collapsed_row(16, "People"), (GridItem(panel, 24, table_height(_PEOPLE_ROWS)),))


def _explained(site: Site, kpis: Sequence[Kpi]) -> list[GridItem | PanelRow]:
    """The metrics behind the KPIs; in a closed row if they are many."""
    metrics = explaining_metrics(site.config, kpis)
    text = (
        "The metrics in the formulas of the KPIs and their supporting metrics: they have no target. The line shows the "
        "last 30 days. A metric without a value in the current period is left out."
    )
    items = []
    for number, row in enumerate(rows_of(metrics)):
        title, height = ("", 5) if number else ("What explains it", 6)  # the title takes one
        panel = metric_tiles(site, Header(_EXPLAINED_ID + number, title, text), row)
        items.append(GridItem(panel, 24, height))
    if len(items) <= _MOST_OPEN_ROWS:
        return [*items]
    return [PanelRow(collapsed_row(17, "What explains it"), tuple(items))]


def _of(kpis: Sequence[Kpi], scope: Scope) -> Selection:
    return Selection(scope, (one_of("kpi", (kpi.name for kpi in kpis)),))


def _slipped(selection: Selection, kpis: Sequence[Kpi]) -> Panel:
    """The KPIs at risk or off track, against plan over time."""
    header = Header(
        8,
        "What slipped",
        "The KPIs that are at risk or off track now, against plan over time. The dashed line is on plan; lines are cut "
        "at 50 and 150 %.",
    )
    over_time = selection.over_time
    plan = f"100 * {expressions.drawn_plan(expressions.judged_plan(over_time.everything), selection)}"
    marks = expressions.marks(over_time.at_end, BAD)
    names = expressions.with_titles(f"({marks})", over_time)
    query = range_query(join(plan, f"({names})", ("kpi",), ("mark", "title")), "{{mark}} {{title}}")
    titles = [escape_variables(kpi.title) for kpi in kpis]
    colours = [
        override
        for status in BAD
        for override in line_colours(f"{STATUSES[status].symbol} {title}" for title in titles)
    ]
    custom = {"axisSoftMin": 70, "axisSoftMax": 105}
    look = Look(
        "percent", 0, colour="series", overrides=tuple(colours), custom=custom, no_value="Nothing is behind plan"
    )
    return lines(header, [query], look, at=100)
