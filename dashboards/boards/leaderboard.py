"""The leaderboard: the people and teams that perform best, and who improved most.

The score is against plan, so that it is fair on each day of the month, and is worked out from the numbers of the KPIs
themselves: it has a past wherever they have one, in backfilled history as well. There are no status colours here: this
board praises.
"""

from __future__ import annotations

from dashboards import expressions
from dashboards.boards.members import person_column, team_column
from dashboards.boards.scorecard import (
    bullet_column,
    kpi_column,
    number_column,
    number_text_column,
    percent_column,
    scorecard,
    trend_column,
    trend_query,
)
from dashboards.grafana_model import Dashboard, Panel
from dashboards.layout import DashboardSettings, GridItem, PanelColumn, build_dashboard
from dashboards.number_texts import aggregate_text, number_text
from dashboards.panels import Header, TableColumn, calculated_field, table_query
from dashboards.promql import aggregate, join, one_of
from dashboards.selection import Selection
from dashboards.site import LEADERBOARD, Site
from exporter import naming
from exporter.config.fields import Scope
from exporter.naming import SCOPE_LABELS

_TOP, _IMPROVED = 10, 3
_MOST = 1.2
"""A KPI counts up to 120 % of plan, so that one number cannot make up for all others."""
_PEOPLE = Selection(Scope.PERSON)
_SCORE_HELP = f"Mean of a person's KPIs against plan, each counted from 0 to {_MOST:.0%}."


def leaderboard(site: Site) -> Dashboard:
    """People and teams by score. Generated only if the config asks to rank people by name."""
    improved = _most_improved()
    items: list[GridItem | PanelColumn] = [GridItem(_best_people(site), 15, 14)]
    if site.kpis(Scope.TEAM):
        items.append(PanelColumn((GridItem(_best_teams(site), 9, 8), GridItem(improved, 9, 6))))
    else:
        items.append(GridItem(improved, 9, 14))
    items.append(GridItem(_best_by_kpi(site), 24, 8))
    settings = DashboardSettings(
        LEADERBOARD,
        "Leaderboard",
        f"The {_TOP} people who perform best against plan, and who improved most.",
        tags=("kpi-people",),
    )
    return build_dashboard(site, settings, items)


def score(selection: Selection) -> str:
    """The mean of each team's or person's KPIs against plan."""
    ratio = f"clamp_max({expressions.against_plan(selection)}, {_MOST:g})"
    return aggregate("avg", ratio, SCOPE_LABELS[selection.scope])


def gain(selection: Selection) -> str:
    """By how many points of 100 the score rose within seven days; absent for who had none then."""
    return f"100 * ({score(selection)} - {score(selection.week_ago)})"


def _best_people(site: Site) -> Panel:
    header = Header(
        1,
        f"Top {_TOP}",
        f"{_SCORE_HELP} 7 days: by how many points it changed in a week. On plan: how many of the person's KPIs are on "
        "track or exceeded.",
    )
    top, by = f"topk({_TOP}, {score(_PEOPLE)})", "team, person"
    past = f"{score(_PEOPLE.over_time)} and on ({by}) topk({_TOP}, {score(_PEOPLE.over_time.at_end)})"
    columns = [
        _place_column(),
        person_column(150),
        percent_column(heading="Score", width=70),
        bullet_column(130),
        trend_column(85),
        _gain_column(),
        number_text_column("of", "On plan", 80),
        team_column(site, None, "team 1", least=120),
    ]
    queries = [
        table_query(top, "P"),
        table_query(f"{gain(_PEOPLE)} and on ({by}) {top}", "D"),
        table_query(f"{_on_plan_of()} and on ({by}) {top}", "O"),
        trend_query(aggregate("max", past, ("person",))),
    ]
    return _ranked(
        scorecard(header, "person", queries, columns, sort=("Value #P", True), no_value="nobody has a score")
    )


def _on_plan_of() -> str:
    """1 for each person, with a text such as `2 of 3` as the label `of`."""
    labels = SCOPE_LABELS[Scope.PERSON]
    good = _PEOPLE.latest(naming.STATUS, one_of("status", expressions.GOOD))
    on_plan = aggregate_text(aggregate("sum", good, labels), "good", labels)
    measured = aggregate_text(aggregate("count", _PEOPLE.latest(naming.VALUE), labels), "all", labels)
    both = join(on_plan, measured, labels, ("all",))
    return f'label_join({both}, "of", " of ", "good", "all")'


def _best_teams(site: Site) -> Panel:
    header = Header(2, "Teams", "Mean score of the people of each team.")
    mean, gained = (f"avg by (team) ({numbers})" for numbers in (score(_PEOPLE), gain(_PEOPLE)))
    columns = [
        _place_column(),
        team_column(site, None, least=110),
        percent_column(heading="Score", width=70),
        bullet_column(140),
        _gain_column(),
    ]
    queries = [table_query(mean, "P"), table_query(gained, "D")]
    return _ranked(scorecard(header, "team", queries, columns, sort=("Value #P", True), no_value="no team has a score"))


def _most_improved() -> Panel:
    header = Header(3, "Most improved in 7 days", f"By how many points the score rose in a week. {_SCORE_HELP}")
    best = f"topk({_IMPROVED}, {gain(_PEOPLE)} > 0)"
    columns = [
        person_column(None),
        percent_column(heading="Score", width=70),
        bullet_column(150),
        _gain_column(),
    ]
    queries = [table_query(f"{score(_PEOPLE)} and on (team, person) {best}", "P"), table_query(best, "D")]
    return scorecard(header, "person", queries, columns, sort=("Value #D", True), no_value="nobody improved this week")


def _best_by_kpi(site: Site) -> Panel:
    header = Header(4, "Best in each KPI", "Who is furthest ahead of plan in each KPI, and the value.")
    best = f"topk by (kpi) (1, {expressions.against_plan(_PEOPLE)})"
    value = number_text(site.config, _PEOPLE, naming.VALUE, "v")
    title, name = kpi_column()
    columns = [
        title,
        person_column(200, "person 1"),
        number_text_column("v", "Value"),
        percent_column(),
        bullet_column(200),
        team_column(site, None, "team 1"),
        name,
    ]
    queries = [
        table_query(expressions.with_titles(f"({best})", _PEOPLE), "P"),
        table_query(f"({value}) and on (kpi, team, person) {best}", "V"),
    ]
    return scorecard(header, "kpi", queries, columns, sort=("title", False))


def _place_column() -> TableColumn:
    look = {"unit": "none", "decimals": 0, "custom__align": "right", "custom__minWidth": 36, "noValue": "–"}
    return TableColumn("place", "#", 50, look)


def _gain_column() -> TableColumn:
    return number_column("Value #D", "7 days", 70, "suffix: pt")


def _ranked(panel: Panel) -> Panel:
    """The table with the place of each row, counted after sorting."""
    index = {"mode": "index", "index": {"asPercentile": False}, "alias": "index", "replaceFields": False}
    place = calculated_field("place", "index", "+", 1)
    steps = panel.transformations
    after = next(number for number, step in enumerate(steps) if step["id"] == "sortBy") + 1
    steps[after:after] = [{"id": "calculateField", "options": options} for options in (index, place)]
    return panel
