"""The dashboard of one objective: its score, how it came about, and what moved it since last week.

The score is the mean of the ratios to plan of the KPIs with a verdict, each counted from 0 to 100 % and weighted. A
KPI's points are its part of that mean: all points together are the score.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashboards import expressions
from dashboards.boards.kpi_panels import (
    TILE_TITLES,
    kpi_tiles,
    plan_lines,
    status_bands,
    status_counts,
)
from dashboards.boards.members import note_column, note_query
from dashboards.boards.scorecard import (
    bullet_column,
    kpi_column,
    number_column,
    number_text_column,
    percent_column,
    score_queries,
    scorecard,
    status_column,
    table_height,
)
from dashboards.encoding import escape_variables
from dashboards.grafana_model import Dashboard, Panel, Variable
from dashboards.layout import DashboardSettings, GridItem, PanelRow, build_dashboard
from dashboards.look import VALUE_LINE, Look
from dashboards.panels import (
    SPARKLINE_STEP,
    Header,
    collapsed_row,
    instant_query,
    lines,
    range_query,
    table_query,
    tiles,
    with_sparklines,
)
from dashboards.promql import Matcher, aggregate, join, one_of, select, with_label
from dashboards.selection import Selection, up_to_the_end
from dashboards.site import OBJECTIVE, Site
from exporter import naming
from exporter.config.fields import Scope
from exporter.config.kpis import Kpi
from exporter.statuses import VERDICTS

_OBJECTIVE = Matcher("objective", "=", '"$objective"')
_SELECTED = Selection(where=(_OBJECTIVE,))


def objective(site: Site) -> Dashboard:
    """The dashboard of the objective selected in its variable."""
    kpis = site.kpis(Scope.COMPANY)
    most = max(sum(kpi.objective == entry.name for kpi in kpis) for entry in site.config.objectives)
    now = Header(4, "Its KPIs now", "Each KPI's value in the current period with 30 days behind it, worst first.")
    plan = Header(7, "Its KPIs against plan", "Each KPI against what was expected by then. The dashed line is 100 %.")
    history = Header(8, "Status of each KPI", "When the status of each KPI changed.")
    titles = [kpi.title for kpi in kpis]
    layout: list[GridItem | PanelRow] = [
        GridItem(_score_tile(), 5, 4),
        GridItem(_moved_tile(), 5, 4),
        GridItem(status_counts(site, 3, _SELECTED), 14, 4),
        GridItem(kpi_tiles(site, now, _SELECTED), 24, 6),
        GridItem(_score_table(site, kpis), 24, table_height(most)),
        GridItem(_score_line(), 24, 7),
        GridItem(plan_lines(plan, _SELECTED, titles), 24, 8),
        PanelRow(collapsed_row(20, "Status history"), (GridItem(status_bands(site, history, _SELECTED), 24, 9),)),
    ]
    settings = DashboardSettings(
        OBJECTIVE,
        "Objective",
        "How one objective is doing, how its score came about, and what moved it since last week.",
        variables=(_variable(site),),
    )
    return build_dashboard(site, settings, layout)


def _variable(site: Site) -> Variable:
    """The selected objective: its title as text, its name as value. Series have the name alone."""
    titles = " or ".join(
        with_label(with_label("vector(1)", "objective", entry.name), "title", " ".join(entry.title.split()))
        for entry in site.config.objectives
    )
    query = f"query_result(max by (objective, title) ({titles}))"
    first = site.config.objectives[0]
    regex = '/objective="(?<value>[^"]*)",title="(?<text>.*)"}/'
    return Variable("objective", "Objective", query, regex=regex, first=(escape_variables(first.title), first.name))


def _score(selection: Selection) -> str:
    """The score of the selected objective, from 0 to 100."""
    return f"100 * {aggregate('max', selection.read(select(naming.OBJECTIVE_SCORE, _OBJECTIVE)), ('objective',))}"


def _score_tile() -> Panel:
    header = Header(
        1,
        "Score",
        "Weighted mean of the KPIs against plan, each counted up to 100 %, so that one that is far ahead cannot hide "
        "another that fails. KPIs without a verdict are left out.",
    )
    past = _SELECTED.over_time
    query = range_query(up_to_the_end(_score(past), _score(past.at_end)), "of 100 points", step=SPARKLINE_STEP)
    look = Look("none", 0, no_value="no score", own_scale=True)
    return with_sparklines(tiles(header, [query], look, paint="none", title_size=TILE_TITLES))


def _moved_tile() -> Panel:
    header = Header(2, "Since last week", "By how many points the score changed within seven days.")
    query = instant_query(f"{_score(_SELECTED)} - {_score(_SELECTED.week_ago)}", "points in 7 days")
    return tiles(header, [query], Look("none", 1, no_value="no score a week ago"), paint="none", title_size=TILE_TITLES)


def _score_table(site: Site, kpis: tuple[Kpi, ...]) -> Panel:
    header = Header(
        5,
        "How the score came about",
        "The points that each KPI adds to the score, of those that its weight allows, and how its points changed "
        "within seven days. A KPI without a verdict adds none and takes none.",
    )
    title, name = kpi_column()
    columns = [
        title,
        status_column(site),
        number_text_column("v", "Value"),
        percent_column(),
        bullet_column(),
        number_column("Value #N", "Points", 80, decimals=1),
        number_column("Value #O", "of", 60),
        number_column("Value #D", "7 days", 80, decimals=1),
        note_column(),
        name,
    ]
    weight = " or ".join(_weights(kpis))
    points = _points(_SELECTED, weight)
    before = _points(_SELECTED.week_ago, weight)
    queries = [
        *score_queries(site, _SELECTED, "kpi", "SPV"),
        table_query(points, "N"),
        table_query(_possible(_SELECTED, weight), "O"),
        table_query(f"{points} - ({before})", "D"),
        note_query(_SELECTED, "kpi"),
    ]
    return scorecard(header, "kpi", queries, columns, no_value="this objective has no KPI")


def _weights(kpis: tuple[Kpi, ...]) -> Iterator[str]:
    for kpi in kpis:
        yield with_label(f"vector({kpi.weight.latest:g})", "kpi", kpi.name)


def _judged(selection: Selection) -> str:
    """The ratio of each KPI with a verdict, as it counts in the score."""
    verdict = selection.latest(naming.STATUS, one_of("status", VERDICTS))
    ratio = f"clamp_max({expressions.against_plan(selection.everything)}, 1) and on (kpi) ({verdict} == 1)"
    return expressions.limited(ratio, selection)


def _possible(selection: Selection, weight: str) -> str:
    """The points that each KPI with a verdict could add."""
    weights = f"(({weight}) and on (kpi) {_judged(selection)})"
    return f"100 * max by (kpi) {weights} / on () group_left () sum({weights})"


def _points(selection: Selection, weight: str) -> str:
    """The points that each KPI adds to the score."""
    return join(f"max by (kpi) ({_judged(selection)})", f"({_possible(selection, weight)})", ("kpi",))


def _score_line() -> Panel:
    header = Header(6, "Score over time", "The objective's score. The dashed line is the full score.")
    query = range_query(_score(_SELECTED.over_time), "score")
    return lines(header, [query], Look("none", 0, colour=VALUE_LINE), at=100)
