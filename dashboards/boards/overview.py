"""The company overview, which is Grafana's home page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dashboards.boards.chosen_charts import chosen_charts
from dashboards.boards.groups import department_table, objective_table, objective_titles, objectives_over_time
from dashboards.boards.kpi_panels import kpi_tiles, on_plan_tile, status_bands, status_counts
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
from dashboards.boards.tables import alert_table, alerts_and_age
from dashboards.encoding import escape_variables
from dashboards.expressions import BAD
from dashboards.grafana_model import Dashboard, Panel
from dashboards.layout import DashboardSettings, GridItem, PanelRow, build_dashboard
from dashboards.look import text_mapping
from dashboards.panels import Header, TableColumn, collapsed_row
from dashboards.promql import Matcher, equals
from dashboards.selection import Selection
from dashboards.site import OVERVIEW, Site, stable_panel_id
from exporter.config.kpis import Kpi

MOST_ROWS = 25
"""A table has at most so many KPIs. With more, the board shows the worst, and the others in closed rows."""
_WORST = 15
_TILES = 6
_MOST_BANDS = 40
_MOST_OBJECTIVES = 10
"""With more objectives, closed rows group the KPIs by department."""
TABLE_HELP = (
    "Worst first, KPIs without a verdict last. The bar is the value against what it should be by now: the mark is "
    "100 %, and more is better whatever the KPI's direction. Click a KPI for the reasons."
)


def overview(site: Site) -> Dashboard:
    """All KPIs of the company."""
    layout: list[GridItem | PanelRow] = [
        *status_row(site, Selection(), (2, 3, 4)),
        GridItem(needs_attention(site, 5, Selection()), 24, 6),
        *_kpis(site),
        *chosen_charts(site, "overview"),
        *_groups(site),
        *_more_kpis(site),
        *closing_rows(site, Selection(), len(site.kpis())),
    ]
    settings = DashboardSettings(
        OVERVIEW,
        "Company overview",
        "How the company performs against its targets, and which KPI needs attention.",
    )
    return build_dashboard(site, settings, layout)


def status_row(site: Site, selection: Selection, ids: tuple[int, int, int], *alerts: Matcher) -> list[GridItem]:
    """The share of KPIs on plan, the KPIs by status, and alerts with the age of the data."""
    share, counts, age = ids
    return [
        GridItem(on_plan_tile(share, selection), 5, 4),
        GridItem(status_counts(site, counts, selection), 14, 4),
        GridItem(alerts_and_age(site, age, selection, *alerts), 5, 4),
    ]


def needs_attention(site: Site, panel_id: int, selection: Selection) -> Panel:
    """A tile for each of the KPIs at risk or off track that are furthest behind."""
    header = Header(
        panel_id,
        "Needs attention",
        f"The KPIs at risk or off track, at most {_TILES}, worst first. The line is the value of the last 30 days. "
        "Click a KPI for the reasons.",
    )
    return kpi_tiles(site, header, selection, statuses=BAD, places=(1, _TILES), no_value="Nothing needs attention")


def score_table(site: Site, header: Header, selection: Selection, last: TableColumn) -> Panel:
    """The scorecard of KPIs, with `last` as its last column."""
    columns = [
        *kpi_column(),
        status_column(site),
        number_text_column("v", "Value"),
        percent_column(),
        bullet_column(),
        trend_column(),
        number_text_column("g", "Target"),
        last,
    ]
    return scorecard(header, "kpi", score_queries(site, selection, "kpi"), columns)


def department_column() -> TableColumn:
    """The department of a KPI."""
    return text_column("department", "Department")


def objective_column(site: Site) -> TableColumn:
    """The objective of a KPI, by title."""
    return text_column("objective", "Objective", mappings=[text_mapping(objective_titles(site))])


def _kpis(site: Site) -> Iterator[GridItem]:
    count = len(site.kpis())
    if count <= MOST_ROWS:
        header, selection, rows = Header(9, "All KPIs", TABLE_HELP), Selection(), count
    else:
        text = f"The {_WORST} of {count} KPIs that are furthest behind. All are in the rows below. {TABLE_HELP}"
        header, selection, rows = Header(9, "Worst first", text), Selection(worst=_WORST), _WORST
    yield GridItem(score_table(site, header, selection, department_column()), 24, table_height(rows))


def _groups(site: Site) -> Iterator[GridItem]:
    """Objectives and departments, each only if there are several."""
    objectives, departments = len(_objectives(site)), len(site.departments)
    both = objectives > 1 and departments > 1
    width, height = 12 if both else 24, table_height(min(max(objectives, departments), MOST_ROWS))
    if objectives > 1:
        yield GridItem(objective_table(site, 6), width, height)
    if departments > 1:
        yield GridItem(department_table(site, 7), width, height)
    if objectives > 1:
        yield GridItem(objectives_over_time(site, 10), 24, 7)


def _objectives(site: Site) -> tuple[str, ...]:
    """The objectives that have KPIs, in the config's order."""
    return tuple(dict.fromkeys(kpi.objective for kpi in site.config.kpis))


def _more_kpis(site: Site) -> Iterator[PanelRow]:
    """A closed row with the KPIs of each objective or department, if they are too many for one table."""
    if len(site.kpis()) <= MOST_ROWS:
        return
    objectives = objective_titles(site)
    by_department = len(_objectives(site)) > _MOST_OBJECTIVES
    for name in site.departments if by_department else _objectives(site):
        title = name if by_department else objectives[name]
        label, last = ("department", objective_column(site)) if by_department else ("objective", department_column())
        kpis = [kpi for kpi in site.kpis() if _group(kpi, label) == name]
        header = Header(stable_panel_id(f"kpis of {label} {name}"), escape_variables(title), TABLE_HELP)
        table = score_table(site, header, Selection(where=(equals(label, name),)), last)
        row = collapsed_row(stable_panel_id(f"row of {label} {name}"), escape_variables(title))
        yield PanelRow(row, (GridItem(table, 24, table_height(min(len(kpis), 2 * MOST_ROWS))),))


def _group(kpi: Kpi, label: str) -> str:
    return kpi.department if label == "department" else kpi.objective


def closing_rows(site: Site, selection: Selection, kpis: int, *alerts: Matcher) -> list[PanelRow]:
    """Closed rows with the history of statuses and the firing alerts; `kpis` is how many the selection has."""
    history = Header(13, "Status of each KPI", "When the status of each KPI changed, and for how long.")
    if kpis > _MOST_BANDS:
        text = (
            f"The {_MOST_BANDS} KPIs that are furthest behind now: when the status of each changed, and for how long."
        )
        history, selection = Header(13, "Status of the worst KPIs", text), replace(selection, worst=_MOST_BANDS)
    height = 5 + max(min(kpis, _MOST_BANDS), 2)
    return [
        PanelRow(
            collapsed_row(12, "Status history"),
            (GridItem(status_bands(site, history, selection), 24, height),),
        ),
        PanelRow(collapsed_row(14, "Alerts"), (GridItem(alert_table(site, 11, *alerts), 24, 8),)),
    ]
