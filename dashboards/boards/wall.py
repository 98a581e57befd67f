"""The wall: one screen in the format 16 to 9, read from five metres, with nothing to click."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.boards.chosen_charts import wall_kpis
from dashboards.boards.groups import objective_tiles, objective_titles
from dashboards.boards.kpi_panels import kpi_tiles, on_plan_tile, status_counts
from dashboards.boards.tables import age_query
from dashboards.encoding import escape_variables
from dashboards.grafana_model import Dashboard, Panel
from dashboards.layout import DashboardSettings, GridItem, build_dashboard
from dashboards.look import Look, age_steps
from dashboards.panels import SPARKLINE_STEP, Header, instant_query, range_query, tiles, with_sparklines
from dashboards.promql import one_of
from dashboards.selection import Selection
from dashboards.site import WALL, Site
from exporter.statuses import VERDICTS

_TILES_IN_A_ROW = 4
_ROW = 7


def wall(site: Site) -> Dashboard:
    """27 rows of the grid fill a screen of 1920 by 1080 pixels in kiosk mode."""
    settings = DashboardSettings(
        WALL,
        "Wall",
        "For a wall screen: open it with ?kiosk, or in a playlist.",
        since="now-30d",
        time_picker=False,
    )
    return build_dashboard(site, settings, list(_items(site)))


def _items(site: Site) -> Iterator[GridItem]:
    objectives = len({kpi.objective for kpi in site.config.kpis}) > 1
    yield GridItem(_share(), 6, 6)
    yield GridItem(_large_names(status_counts(site, 2, Selection())), 18 if objectives else 13, 6)
    if not objectives:
        yield GridItem(_age(site), 5, 6)
    height = (2 if objectives else 3) * _ROW
    chosen = wall_kpis(site)
    shown = Selection() if len(chosen) == len(site.kpis()) else Selection(matchers=(one_of("kpi", chosen),))
    heights = (height - height // 2, height // 2) if len(chosen) > _TILES_IN_A_ROW else (height,)
    for row, height in enumerate(heights):
        yield GridItem(_worst(site, shown, row), 24, height)
    if objectives:
        yield GridItem(_objectives(site), 20, _ROW)
        yield GridItem(_age(site), 4, _ROW)


def _share() -> Panel:
    panel = on_plan_tile(1, Selection())
    panel.options |= {"textMode": "value", "graphMode": "none", "justifyMode": "center"}
    return _large_names(panel)


def _large_names(panel: Panel) -> Panel:
    """The panel with names as large as they fit, for reading from afar."""
    panel.options["text"] = None
    return panel


def _worst(site: Site, shown: Selection, row: int) -> Panel:
    """One row of tiles: a stat panel never breaks its tiles into two rows."""
    first = row * _TILES_IN_A_ROW + 1
    header = Header(5 + row, "", "KPIs with a verdict, worst first. The line is the value of the last 30 days.")
    places = (first, first + _TILES_IN_A_ROW - 1)
    return _large_names(kpi_tiles(site, header, shown, statuses=VERDICTS, places=places))


def _objectives(site: Site) -> Panel:
    header = Header(3, "Objectives against plan", "Score of each objective. The line shows the last 30 days.")
    titles = {name: escape_variables(title) for name, title in objective_titles(site).items()}
    query = range_query(objective_tiles(titles), "{{title}}", step=SPARKLINE_STEP)
    return with_sparklines(tiles(header, [query], Look("percent", 0, own_scale=True), paint="none"))


def _age(site: Site) -> Panel:
    header = Header(4, "Data", "Time since the data of the KPI with the oldest data was last complete.")
    look = Look("dtdurations", 0, steps=age_steps(site.config))
    return tiles(header, [instant_query(age_query(Selection()), "age of data")], look, text="value")
