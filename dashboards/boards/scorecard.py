"""The scorecard: one table for KPIs, teams, people, objectives and departments, worst first.

Every query has one row for each value of a key label (`kpi`, `team`, `person`, `objective` or `department`), by which
Grafana joins them. Query S carries the names and the status and gives the order, P is the ratio to plan, V and T are
value and target as text, F the trend of 30 days. A board adds queries and columns of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dashboards import expressions
from dashboards.bullets import bullet_mappings
from dashboards.grafana_model import Panel, Query
from dashboards.look import PERCENT, Look, fixed_colour, link_to_kpi, status_mapping
from dashboards.number_texts import number_text
from dashboards.panels import SPARKLINE_STEP, Header, TableColumn, joined_table, table_query, with_sparklines
from dashboards.promql import aggregate
from dashboards.selection import Selection
from dashboards.site import Site
from exporter import naming
from exporter.statuses import GREY

BULLET = "\u00a0"
"""The heading of the bullet column: a no-break space, because Grafana drops an empty name."""
_HEADER_PIXELS, _ROW_PIXELS, _GRID_PIXELS = 98, 42, 38
_DASH = "–"
_TEXT = "string"
"""The unit of texts: with any other, Grafana reads `860` as a number and adds decimals."""


def table_height(rows: int) -> int:
    """Grid units of a scorecard with this number of rows, so that none is hidden and no pager appears."""
    return math.ceil((_HEADER_PIXELS + max(rows, 1) * _ROW_PIXELS) / _GRID_PIXELS)


def score_queries(site: Site, selection: Selection, key: str, refs: str = "SPVTF") -> list[Query]:
    """The queries S, P, V, T and F (those in `refs`) of a selection, with one row for each value of the label `key`.

    S has the labels `status`, `title`, `department` and `objective`, and those of the selection's scope; V has the
    label `v` and T the label `g`. F leaves out when there was no verdict.
    """
    by = (key,)
    ordered = expressions.order(selection)
    plan, past = (
        expressions.limited(aggregate("max", ratio, by), reading)
        for reading, ratio in (
            (selection, expressions.against_plan(selection.everything)),
            (selection.over_time, expressions.judged_plan(selection.over_time.everything)),
        )
    )
    queries = {
        "S": table_query(expressions.with_titles(f"({ordered})", selection, "department", "objective"), "S"),
        "P": table_query(plan, "P"),
        "V": table_query(number_text(site.config, selection, naming.VALUE, "v", by), "V"),
        "T": table_query(number_text(site.config, selection, naming.TARGET, "g", by), "T"),
        "F": trend_query(expressions.drawn_plan(past, selection)),
    }
    return [queries[ref] for ref in refs]


def trend_query(expr: str) -> Query:
    """Query F: the numbers that the column of sparklines draws."""
    return Query(expr, "F", step=SPARKLINE_STEP)


def scorecard(
    header: Header,
    key: str,
    queries: Sequence[Query],
    columns: Sequence[TableColumn],
    *,
    sort: tuple[str, bool] = ("Value #S", False),
    no_value: str = "no data",
) -> Panel:
    """The table. `sort` is a field and True for descending order; `no_value` is the text of an empty panel."""
    panel = joined_table(header, key, queries, columns, Look(decimals=None, no_value=no_value), sort=sort)
    panel.options["cellHeight"] = "md"
    return panel if all(query.instant for query in queries) else with_sparklines(panel)


def kpi_column(width: int | None = 250) -> tuple[TableColumn, TableColumn]:
    """The KPI's title with a link to its detail, and the hidden name that the link needs; for tables by `kpi`."""
    return text_column("title", "KPI", width, links=[link_to_kpi("__data.fields.kpi")]), TableColumn("kpi")


def status_column(site: Site, width: int = 110) -> TableColumn:
    """The status as a coloured pill with its symbol and word."""
    return TableColumn(
        "status",
        "Status",
        width,
        {"custom__cellOptions": {"type": "pill"}, "mappings": [status_mapping(site.config)], "noValue": _DASH},
    )


def text_column(field: str, heading: str, width: int | None = None, **look: Any) -> TableColumn:
    """A column of texts, such as names. The last column has no width and takes what is left."""
    least = {} if width else {"custom__minWidth": 150}
    return TableColumn(field, heading, width, {"unit": _TEXT, "noValue": _DASH, **least, **look})


def number_text_column(field: str, heading: str, width: int = 105) -> TableColumn:
    """A column of numbers that a query wrote as text: `v` of query V or `g` of query T."""
    return TableColumn(field, heading, width, {"unit": _TEXT, "custom__align": "right", "noValue": _DASH})


def percent_column(field: str = "pct", heading: str = "Against plan", width: int = 112) -> TableColumn:
    """A column of ratios in percent. The field `pct` is query P, whose own field the bullets take."""
    return number_column(field, heading, width, PERCENT)


def number_column(field: str, heading: str, width: int, unit: str = "none", decimals: int = 0) -> TableColumn:
    """A column of numbers; a dash where there is none."""
    cells = {
        "unit": unit,
        "decimals": decimals,
        "custom__align": "right",
        "mappings": [no_number(_DASH)],
        "noValue": _DASH,
    }
    return TableColumn(field, heading, width, cells)


def bullet_column(width: int | None = 200, field: str = "Value #P", least: int = 90) -> TableColumn:
    """Query P as a bullet bar with its mark at 100 %; without a width it has what is left, at least `least` pixels."""
    free = {} if width else {"custom__minWidth": least}
    cells = {"custom__cellOptions": {"type": "image"}, "mappings": bullet_mappings(), "noValue": _DASH}
    return TableColumn(field, BULLET, width, {**cells, "custom__filterable": False, **free})


def trend_column(width: int = 150) -> TableColumn:
    """Query F as a sparkline."""
    cells = {
        "type": "sparkline", "hideValue": True, "lineWidth": 2, "fillOpacity": 0, "gradientMode": "none",
        "lineInterpolation": "linear", "drawStyle": "line", "showPoints": "never", "spanNulls": True,
    }  # fmt: skip
    return TableColumn(
        "Trend #F",
        "30 days",
        width,
        {"custom__cellOptions": cells, "colour": fixed_colour(GREY.name), "noValue": _DASH},
    )


def count_column(field: str, heading: str, width: int, colour: str = "text", **look: Any) -> TableColumn:
    """A column of counts in one colour; a zero is grey."""
    zero = {"type": "value", "options": {"0": {"text": "0", "color": GREY.name, "index": 0}}}
    cells: dict[str, Any] = {
        "unit": "none",
        "decimals": 0,
        "custom__align": "right",
        "custom__minWidth": 36,
        "custom__cellOptions": {"type": "color-text"},
        "mappings": [zero],
        "colour": fixed_colour(colour),
        "noValue": _DASH,
    }
    return TableColumn(field, heading, width, cells | look)


def no_number(text: str) -> Mapping[str, Any]:
    """A value mapping for cells without a number: transformations turn a missing one into NaN."""
    return {"type": "special", "options": {"match": "null+nan", "result": {"text": text, "index": 0}}}
