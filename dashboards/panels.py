"""Panels by purpose: each function knows the options of its panel type."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.grafana_model import Panel, Query, RowPanel, ThresholdStep
from dashboards.look import Look, Override, by_name
from exporter.statuses import GREY

_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_NO_LEGEND = {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False}
_LONGEST_GAP = 90 * 60 * 1000
"""Milliseconds that a line bridges. Backfilled history has one sample an hour, which shorter gaps would not connect."""
_LINE = {
    "drawStyle": "line",
    "lineInterpolation": "linear",
    "lineWidth": 2,
    "fillOpacity": 0,
    "showPoints": "never",
    "spanNulls": _LONGEST_GAP,
    "axisSoftMin": 0,
}
SPARKLINE, SPARKLINE_STEP = "30d", "6h"
"""The span of sparklines, whatever the time range, and the distance between two of their points."""
DASHED = {"fill": "dash", "dash": [10, 10]}
DOTTED = {"fill": "dot", "dash": [0, 8]}


@dataclass(frozen=True, slots=True)
class Header:
    """What every panel has: an id that never changes, a title, and a description for the viewer."""

    id: int
    title: str
    description: str


def instant_query(expr: str, legend: str = "__auto", ref: str = "A") -> Query:
    """The values at the end of the time range."""
    return Query(expr, ref, legend=legend, form="instant")


def range_query(expr: str, legend: str = "__auto", ref: str = "A", *, step: str | None = None) -> Query:
    """The values over the time range."""
    return Query(expr, ref, legend=legend, step=step)


def table_query(expr: str, ref: str = "A") -> Query:
    """The values at the end of the time range, as rows of a table."""
    return Query(expr, ref, form="table")


def _panel(kind: str, header: Header, queries: Sequence[Query], look: Look, options: Mapping[str, Any]) -> Panel:
    config = {"defaults": look.defaults(), "overrides": look.all_overrides()}
    return Panel(
        kind,
        dict(options),
        config,
        id=header.id,
        title=header.title,
        description=header.description,
        targets=list(queries),
    )


def tiles(
    header: Header,
    queries: Sequence[Query],
    look: Look,
    *,
    text: str = "value_and_name",
    paint: str = "value",
    title_size: int | None = None,
) -> Panel:
    """One tile for each series: a number, and a sparkline for range queries.

    `paint` is Grafana's colour mode. `title_size` is the size of names in pixels; numbers are as large as they fit,
    because a fixed size is cut where a tile is narrow.
    """
    spark = any(not query.instant for query in queries)
    options = {
        "reduceOptions": _LAST,
        "orientation": "auto",
        "textMode": text,
        "colorMode": paint,
        "graphMode": "area" if spark else "none",
        "justifyMode": "auto",
        "wideLayout": False,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "text": {"titleSize": title_size} if title_size else None,
    }
    return _panel("stat", header, queries, look, options)


def with_sparklines(panel: Panel) -> Panel:
    """The panel with thirty days behind its numbers, whatever the time range."""
    panel.past = SPARKLINE
    return panel


def bars(header: Header, queries: Sequence[Query], look: Look) -> Panel:
    """One horizontal bar for each series, in the query's order."""
    options = {
        "reduceOptions": _LAST,
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "text",
        "namePlacement": "left",
        "showUnfilled": True,
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 40,
        "legend": _NO_LEGEND,
    }
    return _panel("bargauge", header, queries, look, options)


def gauge(header: Header, query: Query, look: Look) -> Panel:
    """A dial for each series, from the look's lowest to its highest number."""
    options = {
        "reduceOptions": _LAST,
        "orientation": "auto",
        "showThresholdLabels": False,
        "showThresholdMarkers": False,
        "sizing": "auto",
        "minVizWidth": 75,
        "minVizHeight": 75,
    }
    return _panel("gauge", header, [query], look, options)


def lines(header: Header, queries: Sequence[Query], look: Look, *, step: str = "5m", at: float | None = None) -> Panel:
    """Lines over time. `at` draws a dashed level; `step` is the shortest distance between two points."""
    legend = {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True}
    custom = _LINE | {"thresholdsStyle": {"mode": "off" if at is None else "dashed"}} | dict(look.custom)
    options = {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    panel = _panel("timeseries", header, queries, look, options)
    panel.interval = step
    panel.field_config["defaults"]["custom"] = custom
    if at is not None:
        steps = [ThresholdStep("transparent"), ThresholdStep(GREY.name, at)]
        panel.field_config["defaults"]["thresholds"] = {"mode": "absolute", "steps": steps}
    return panel


def states(header: Header, query: Query, look: Look, *, step: str = "1h") -> Panel:
    """A band for each series, coloured by its state over time."""
    options = {
        "mergeValues": True,
        "showValue": "never",
        "alignValue": "left",
        "rowHeight": 0.8,
        "legend": _NO_LEGEND | {"showLegend": True},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    panel = _panel("state-timeline", header, [query], look, options)
    panel.interval = step
    panel.field_config["defaults"]["custom"] = {"fillOpacity": 85, "lineWidth": 0}
    return panel


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column: its field, its heading, and the look of its cells. Without a heading it is hidden, for links only."""

    field: str
    heading: str = ""
    width: int | None = None
    look: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """The field's name after renaming."""
        return self.heading or self.field

    def override(self) -> Override | None:
        """The override for the column's look; None if it has the table's defaults."""
        properties = dict(self.look)
        if self.width:
            properties["custom__width"] = self.width
        if not self.heading:
            # Grafana 12.2 and later read the first, earlier versions the second
            properties["custom__hideFrom__viz"] = True
            properties["custom__hidden"] = True
        return by_name(self.name, **properties) if properties else None


def table(
    header: Header,
    queries: Sequence[Query],
    columns: Sequence[TableColumn],
    look: Look,
    *,
    sort: tuple[str, bool] | None = None,
) -> Panel:
    """The rows of the queries in these columns only; rows whose labels are equal become one.

    `sort` is a heading and True for descending order.
    """
    excluded = {"Time", "Value", *(f"Value #{query.refId}" for query in queries)} - {column.field for column in columns}
    organize = _arranged(columns, excluded)
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "frameIndex": 0,
        "sortBy": [{"displayName": sort[0], "desc": sort[1]}] if sort else [],
    }
    overrides = tuple(override for column in columns if (override := column.override()))
    panel = _panel("table", header, queries, look, options)
    panel.transformations = [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]
    panel.field_config["overrides"] = [*overrides, *look.all_overrides()]
    panel.field_config["defaults"]["custom"] = {
        "align": "auto",
        "cellOptions": {"type": "auto"},
        "filterable": False,
        "inspect": False,
        "minWidth": 60,
    }
    return panel


def joined_table(
    header: Header,
    key: str,
    queries: Sequence[Query],
    columns: Sequence[TableColumn],
    look: Look,
    *,
    sort: tuple[str, bool],
) -> Panel:
    """The rows of the queries joined by the label `key`, in these columns only and sorted by a field.

    Range queries become a column of sparklines. The field `pct` repeats query P, for a column beside its picture.
    """
    trends = {query.refId: {"stat": "lastNotNull"} for query in queries if not query.instant}
    percent = calculated_field("pct", "Value #P", "*", 1)
    steps: list[tuple[str, dict[str, Any]]] = [
        *([("timeSeriesTable", trends)] if trends else []),
        ("joinByField", {"byField": key, "mode": "outer"}),
        *([("calculateField", percent)] if any(column.field == "pct" for column in columns) else []),
        ("sortBy", {"fields": {}, "sort": [{"field": sort[0], "desc": sort[1]}]}),
        ("filterFieldsByName", {"include": {"names": [column.field for column in columns]}}),
        ("organize", _arranged(columns)),
    ]
    panel = table(header, queries, columns, look)
    panel.transformations = [{"id": name, "options": options} for name, options in steps]
    return panel


def calculated_field(name: str, field: str, operator: str, number: int) -> dict[str, Any]:
    """Options of `calculateField`: a new field, from another one and a number."""
    return {
        "mode": "binary",
        "binary": {
            "left": {"matcher": {"id": "byName", "options": field}},
            "operator": operator,
            "right": {"fixed": str(number)},
        },
        "alias": name,
        "replaceFields": False,
    }


def _arranged(columns: Sequence[TableColumn], excluded: Iterable[str] = ()) -> dict[str, Any]:
    return {
        "excludeByName": dict.fromkeys(sorted(excluded), True),
        "includeByName": {},
        "indexByName": {column.field: index for index, column in enumerate(columns)},
        "renameByName": {column.field: column.heading for column in columns if column.heading},
    }


def note(header: Header, content: str) -> Panel:
    """Markdown without a frame."""
    panel = _panel("text", header, (), Look(), {"mode": "markdown", "content": content})
    panel.transparent = True
    return panel


def alert_list(header: Header, labels: str) -> Panel:
    """Grafana's list of alerts with matching labels, for rules that Grafana evaluates."""
    options = {
        "viewMode": "list",
        "groupMode": "default",
        "groupBy": [],
        "maxItems": 20,
        "sortOrder": 3,
        "dashboardAlerts": False,
        "alertName": "",
        "alertInstanceLabelFilter": labels,
        "stateFilter": {"firing": True, "pending": True, "noData": True, "normal": False, "error": True},
    }
    return _panel("alertlist", header, (), Look(), options)


def collapsed_row(panel_id: int, title: str) -> RowPanel:
    """A collapsed row: its panels run no queries until it is opened."""
    return RowPanel(id=panel_id, title=title, collapsed=True)
