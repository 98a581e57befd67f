"""Charts of single KPIs that the config asks for under `dashboards.kpis`, and the KPIs on the wall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from dashboards import expressions
from dashboards.boards.kpi_panels import kpi_tiles
from dashboards.encoding import escape_variables
from dashboards.grafana_model import Panel
from dashboards.layout import GridItem
from dashboards.look import VALUE_LINE, Look, by_name, by_pattern, fixed_colour, link, symbol_overrides, unit_look
from dashboards.panels import DASHED, DOTTED, Header, gauge, instant_query, lines, range_query
from dashboards.promql import aggregate, equals, join, select
from dashboards.selection import Selection
from dashboards.site import DETAIL, Site, stable_panel_id
from exporter import naming
from exporter.config.kpis import Kpi
from exporter.naming import Family
from exporter.statuses import GREY

_HEIGHT = 7
_MOST_IN_PAIRS = 4
"""Up to this number two charts are side by side, so that none is alone in a row of three."""
_DAY = "23h"
"""A day, less the hour by which steps of a day miss midnight after a change to or from daylight saving time."""


def chosen_charts(site: Site, place: str, department: str | None = None) -> list[GridItem]:
    """The charts for a place (`department` or `overview`), in the order of the config."""
    kpis = {kpi.name: kpi for kpi in site.kpis(department=department)}
    panels = [
        _linked(_CHARTS[entry.chart](site, kpis[entry.kpi]), entry.kpi)
        for entry in site.config.dashboards.kpis
        if entry.chart and entry.place == place and entry.kpi in kpis
    ]
    width = 8 if len(panels) % 3 == 0 or len(panels) > _MOST_IN_PAIRS else 12
    return [GridItem(panel, width, _HEIGHT) for panel in panels]


def wall_kpis(site: Site) -> tuple[str, ...]:
    """The names of the KPIs on the wall: those for which the config says so, else all but those that it excludes."""
    choices = {entry.kpi: entry.wall for entry in site.config.dashboards.kpis if entry.wall is not None}
    only_chosen = any(choices.values())
    return tuple(kpi.name for kpi in site.kpis() if choices.get(kpi.name, not only_chosen))


def _linked(panel: Panel, kpi: str) -> Panel:
    panel.links = [link("Open the KPI", DETAIL, kpi=kpi)]
    return panel


def _header(kpi: Kpi, chart: str, description: str) -> Header:
    return Header(stable_panel_id(f"{chart} {kpi.name}"), escape_variables(kpi.title), description)


def _selection(kpi: Kpi) -> Selection:
    return Selection(matchers=(equals("kpi", kpi.name),))


def _look(site: Site, kpi: Kpi, **changes: Any) -> Look:
    unit = unit_look(site.config.unit(kpi), site.config.company.currency)
    return Look(unit.id, unit.decimals, colour=VALUE_LINE, **changes)


def _line(site: Site, kpi: Kpi) -> Panel:
    header = _header(
        kpi,
        "line",
        "The value, period to date. The dashed line is what it should have been by then, the dotted line the target.",
    )
    series: dict[str, tuple[Family, dict[str, Any]]] = {
        "value": (naming.VALUE, {"custom__lineWidth": 3}),
        "should be by then": (naming.EXPECTED, {"colour": fixed_colour(GREY.name), "custom__lineStyle": DASHED}),
        "target": (naming.TARGET, {"colour": fixed_colour(GREY.name), "custom__lineStyle": DOTTED}),
    }
    queries = [
        range_query(expressions.shown_value(_selection(kpi).over_time, family), name, ref)
        for ref, (name, (family, _)) in zip("ABC", series.items(), strict=True)
    ]
    overrides = tuple(by_name(name, **properties) for name, (_, properties) in series.items())
    return lines(header, queries, _look(site, kpi, overrides=overrides), step="1h")


def _bars(site: Site, kpi: Kpi) -> Panel:
    header = _header(kpi, "bars", "The value at the end of each day, period to date.")
    percent = "100 * " if site.config.unit(kpi) == "ratio" else ""
    of_day = f"last_over_time({select(naming.VALUE, equals('kpi', kpi.name))}[{_DAY}] offset -{_DAY})"
    query = range_query(f"{percent}{aggregate('max', of_day, ('kpi',))}", "value")
    custom = {"drawStyle": "bars", "fillOpacity": 70, "lineWidth": 1, "barAlignment": 1}
    panel = lines(header, [query], _look(site, kpi, custom=custom), step="1d")
    panel.options["legend"]["showLegend"] = False
    return panel


def _gauge(site: Site, kpi: Kpi) -> Panel:
    header = _header(
        kpi, "gauge", "How far the value is against plan, in the colour of the KPI's status. 100 % is on plan."
    )
    selection = _selection(kpi)
    marked = join(
        f"100 * {expressions.against_plan(selection)}",
        f"({expressions.marks(selection, labels=('mark', 'word'))})",
        ("kpi",),
        ("mark", "word"),
    )
    look = Look(
        "percent", 0, lowest=0, highest=150, overrides=symbol_overrides(site.config), no_value="no plan to compare with"
    )
    return gauge(header, instant_query(marked, "{{mark}} {{word}}"), look)


def _number(site: Site, kpi: Kpi) -> Panel:
    header = _header(kpi, "number", "The value now and in the last 30 days, in the colour of the KPI's status.")
    panel = kpi_tiles(site, header, _selection(kpi))
    panel.field_config["overrides"].append(by_pattern(".*", name="${__field.labels.mark}"))
    return panel


_CHARTS: Mapping[str, Callable[[Site, Kpi], Panel]] = MappingProxyType(
    {"line": _line, "bars": _bars, "gauge": _gauge, "number": _number}
)
