"""Matrices of teams or people by KPI: each cell says the verdict and how far from plan, such as `▼ 84 %`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards import expressions
from dashboards.encoding import escape_variables
from dashboards.grafana_model import Panel
from dashboards.look import Look, by_name, by_pattern, link_to_person
from dashboards.number_texts import aggregate_text
from dashboards.panels import Header, table, table_query
from dashboards.promql import join, quote
from dashboards.selection import Selection
from dashboards.site import Site
from exporter.config.fields import Scope
from exporter.config.kpis import Kpi
from exporter.naming import SCOPE_LABELS
from exporter.statuses import BY_RANK, colours

_DASH = "–"


def verdict_matrix(site: Site, header: Header, selection: Selection, kpis: Sequence[Kpi]) -> Panel:
    """A row for each team or person and a column for each of the KPIs, in the config's order.

    Cells are text in the colour of the verdict. A cell without a verdict has a dash and no colour. Names of people
    link to their boards.
    """
    rows = SCOPE_LABELS[selection.scope][-1]
    links = [link_to_person("__value.text")] if selection.scope is Scope.PERSON else []
    panel = table(header, [table_query(_cells(selection))], [], _look(site, rows, links))
    titles = [kpi.title for kpi in kpis]
    panel.transformations = [
        {
            "id": "groupingToMatrix",
            "options": {"rowField": rows, "columnField": "title", "valueField": "cell", "emptyValue": "null"},
        },
        {
            "id": "organize",
            "options": {
                "excludeByName": {},
                "includeByName": {},
                "indexByName": {name: index for index, name in enumerate([f"{rows}\\title", *titles])},
                "renameByName": {f"{rows}\\title": rows.capitalize()}
                | {title: escape_variables(title) for title in titles if escape_variables(title) != title},
            },
        },
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": rows.capitalize(), "desc": False}]}},
    ]
    panel.options["cellHeight"] = "md"
    return panel


def _cells(selection: Selection) -> str:
    """1 for each KPI and row, with its title and the text of its cell as labels."""
    labels = selection.labels
    percent = aggregate_text(f"round(100 * {expressions.against_plan(selection)})", "percent", labels)
    marked = expressions.with_titles(join(percent, f"({expressions.marks(selection)})", labels, ("mark",)), selection)
    joined = f'label_join({marked}, "cell", " ", "mark", "percent")'
    return f'label_replace({joined}, "cell", {quote("${1} %")}, "cell", "(.*)")'


def _look(site: Site, rows: str, links: list[dict[str, Any]]) -> Look:
    colour = colours(site.config)
    by_symbol = {spec.symbol: colour[spec.status].name for spec in BY_RANK}
    mappings = [
        {"type": "regex", "options": {"pattern": f"^{symbol}.*", "result": {"color": name, "index": index}}}
        for index, (symbol, name) in enumerate(by_symbol.items())
    ]
    cells = by_pattern(
        ".*",
        custom__cellOptions={"type": "color-text"},
        mappings=mappings,
        custom__align="right",
        custom__minWidth=110,
        custom__wrapHeaderText=True,
    )
    names = by_name(
        rows.capitalize(),
        custom__width=180,
        custom__align="left",
        custom__cellOptions={"type": "auto"},
        mappings=[],
        links=links,
    )
    return Look(decimals=None, no_value=_DASH, overrides=(cells, names))
