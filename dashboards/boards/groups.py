"""Objectives and departments: tables of how each does against plan, and the objectives over time."""

from __future__ import annotations

from collections.abc import Mapping

from dashboards import expressions
from dashboards.boards.scorecard import (
    bullet_column,
    count_column,
    percent_column,
    scorecard,
    text_column,
    trend_column,
    trend_query,
)
from dashboards.encoding import escape_variables
from dashboards.expressions import GOOD
from dashboards.grafana_model import Panel, Query
from dashboards.look import Look, line_colours, link, text_mapping
from dashboards.number_texts import aggregate_text
from dashboards.panels import Header, TableColumn, lines, range_query, table_query
from dashboards.promql import aggregate, join, named, one_of
from dashboards.selection import Reading, Selection, up_to_the_end
from dashboards.site import OBJECTIVE, Site, department_uid
from exporter import naming
from exporter.config.fields import Status
from exporter.statuses import STATUSES, colours

_COUNTED = {"X": (Status.OFF_TRACK,), "Y": (Status.AT_RISK,), "Z": GOOD}
"""Queries of the three counts, each with the statuses it counts."""


def objective_titles(site: Site) -> dict[str, str]:
    """The titles of the objectives by name."""
    return {objective.name: objective.title for objective in site.config.objectives}


def objective_table(site: Site, panel_id: int) -> Panel:
    """Each objective's score, its trend, and how many of its KPIs are off track, at risk and on plan."""
    header = Header(
        panel_id,
        "Objectives",
        "Weighted mean of the KPIs against plan, each counted up to 100 %, so that one far ahead cannot hide another "
        "that fails. Then how many KPIs are off track, at risk and on plan.",
    )
    queries = [
        table_query(_score(Selection()), "P"),
        trend_query(_score(Selection().over_time)),
        *_counts("objective"),
    ]
    titles = text_mapping(objective_titles(site))
    open_objective = link("Open the objective", OBJECTIVE, objective="${__value.raw}")
    name = text_column("objective", "Objective", 145, mappings=[titles], links=[open_objective])
    return scorecard(header, "objective", queries, [name, *_columns(site)], sort=("Value #P", False))


def department_table(site: Site, panel_id: int) -> Panel:
    """Each department's mean against plan, its trend and the same counts. Its name links to its dashboard."""
    header = Header(
        panel_id,
        "Departments",
        "Mean of the KPIs against plan, each counted up to 100 %. Then how many are off track, at risk and on plan. "
        "Click a department for its dashboard.",
    )
    uids = {name: department_uid(site, name) for name in site.departments}
    queries = [
        table_query(mean_against_plan(Selection(), "department"), "P"),
        trend_query(mean_against_plan(Selection().over_time, "department")),
        *_counts("department", uids),
    ]
    open_department = link("Open the department", "${__data.fields.uid}")
    name = text_column("department", "Department", 145, links=[open_department])
    columns = [name, *_columns(site), TableColumn("uid")]
    return scorecard(header, "department", queries, columns, sort=("Value #P", False))


def mean_against_plan(selection: Selection, label: str) -> str:
    """The mean of the KPIs against plan, each counted up to 1, for each value of a label of `kpi_info`."""
    plan = f"clamp_max({expressions.against_plan(selection)}, 1)"
    return aggregate("avg", expressions.with_titles(plan, selection, label), (label,))


def _counts(label: str, uids: Mapping[str, str] | None = None) -> list[Query]:
    """How many KPIs have the statuses of each count; the first query also has the label `uid` if there are uids."""
    selection = Selection()
    queries = []
    for ref, statuses in _COUNTED.items():
        has = selection.latest(naming.STATUS, one_of("status", statuses))
        count = aggregate("sum", expressions.with_titles(has, selection, label), (label,))
        queries.append(table_query(named(count, label, uids, "uid") if uids and ref == "X" else count, ref))
    return queries


def _columns(site: Site) -> list[TableColumn]:
    colour = colours(site.config)
    counts = [
        count_column(f"Value #{ref}", STATUSES[statuses[-1]].symbol, 50, colour[statuses[-1]].name)
        for ref, statuses in _COUNTED.items()
    ]
    return [percent_column(), bullet_column(None), trend_column(90), *counts]


def objectives_over_time(site: Site, panel_id: int) -> Panel:
    """The score of each objective over time, in percent, by title."""
    header = Header(
        panel_id, "Objectives against plan", "Score of each objective over time. The dashed line is full score."
    )
    titles = {name: escape_variables(title) for name, title in objective_titles(site).items()}
    custom = {"axisSoftMin": 70, "axisSoftMax": 105}
    look = Look("percent", 0, colour="series", overrides=line_colours(titles.values()), custom=custom)
    return lines(header, [range_query(objective_scores(titles), "{{title}}")], look, at=100)


def objective_scores(titles: Mapping[str, str]) -> str:
    """The score of each objective over time in percent, with its title as a label."""
    return f"100 * {named(_score(Selection().over_time), 'objective', titles, 'title')}"


def objective_tiles(titles: Mapping[str, str]) -> str:
    """The same up to the right edge of the time range, the lowest first: series over time come in label order."""
    past, present = _score(Selection().over_time), _score(Selection(reading=Reading.AT_END))
    scores = f"100 * ({up_to_the_end(past, present)})"
    placed = aggregate_text(f"10000 + round(1000 * {present})", "A", ("objective",))
    return join(scores, f"({named(placed, 'objective', titles, 'title')})", ("objective",), ("A", "title"))


def _score(selection: Selection) -> str:
    return aggregate("max", selection.read(naming.OBJECTIVE_SCORE.name), ("objective",))
