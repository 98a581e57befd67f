"""Panels by what they are for: each factory knows its panel type's options, so that they stand in one place."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dashboards.grafana_model import Panel, Query, Row, Step
from dashboards.look import Look, Override, named
from exporter.statuses import GREY

_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_NO_LEGEND = {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False}
_ONE_LINE_WITHIN = 90 * 60 * 1000
"""Milliseconds that a line spans: the past has a sample each hour, which closer steps would show as nothing at all."""
_LINE = {
    "drawStyle": "line",
    "lineInterpolation": "linear",
    "lineWidth": 2,
    "fillOpacity": 0,
    "showPoints": "never",
    "spanNulls": _ONE_LINE_WITHIN,
    "axisSoftMin": 0,
}
MERGED: Mapping[str, Any] = MappingProxyType({"id": "merge", "options": {}})
"""Rows of several queries that agree in their labels become one."""
DASHED = {"fill": "dash", "dash": [10, 10]}
DOTTED = {"fill": "dot", "dash": [0, 8]}


@dataclass(frozen=True, slots=True)
class Head:
    """What every panel has: an id that never changes, a title, and what a viewer should know about it."""

    id: int
    title: str
    description: str


def now(expr: str, legend: str = "__auto", ref: str = "A") -> Query:
    """The values at the right edge of the time range."""
    return Query(expr, ref, legend=legend, form="now")


def over_time(expr: str, legend: str = "__auto", ref: str = "A") -> Query:
    """The values along the time range."""
    return Query(expr, ref, legend=legend)


def rows_of(expr: str, ref: str = "A") -> Query:
    """The values at the right edge of the time range, as rows of a table."""
    return Query(expr, ref, form="table")


def _panel(kind: str, head: Head, queries: Sequence[Query], look: Look, options: Mapping[str, Any]) -> Panel:
    config = {"defaults": look.defaults(), "overrides": look.all_overrides()}
    return Panel(
        kind,
        dict(options),
        config,
        id=head.id,
        title=head.title,
        description=head.description,
        targets=list(queries),
    )


def tiles(
    head: Head, queries: Sequence[Query], look: Look, *, text: str = "value_and_name", paint: str = "value"
) -> Panel:
    """One tile for each series: a big number, painted `value`, `background_solid` or `none`; a sparkline if ranged."""
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
    }
    return _panel("stat", head, queries, look, options)


def bars(head: Head, queries: Sequence[Query], look: Look) -> Panel:
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
    return _panel("bargauge", head, queries, look, options)


def lines(head: Head, queries: Sequence[Query], look: Look, *, step: str = "1h", at: float | None = None) -> Panel:
    """Lines along time; `at` marks a level. `step` is the closest distance of two points."""
    legend = {"calcs": ["lastNotNull"], "displayMode": "table", "placement": "bottom", "showLegend": True}
    custom = _LINE | {"thresholdsStyle": {"mode": "off" if at is None else "dashed"}} | dict(look.custom)
    options = {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    panel = _panel("timeseries", head, queries, look, options)
    panel.interval = step
    panel.field_config["defaults"]["custom"] = custom
    if at is not None:
        steps = [Step("transparent"), Step(GREY, at)]
        panel.field_config["defaults"]["thresholds"] = {"mode": "absolute", "steps": steps}
    return panel


def states(head: Head, query: Query, look: Look, *, step: str = "1h") -> Panel:
    """A band for each series, coloured by its state along time."""
    options = {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.9,
        "perPage": 20,
        "legend": _NO_LEGEND,
        "tooltip": {"mode": "single", "sort": "none"},
    }
    panel = _panel("state-timeline", head, [query], look, options)
    panel.interval = step
    panel.field_config["defaults"]["custom"] = {"fillOpacity": 85, "lineWidth": 0}
    return panel


@dataclass(frozen=True, slots=True)
class Column:
    """A table column: the field it shows, its heading (none: there for links only), and how its cells look."""

    field: str
    heading: str = ""
    width: int | None = None
    look: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """The field's name after the headings are given."""
        return self.heading or self.field

    def override(self) -> Override | None:
        """How the column differs from the table's defaults."""
        properties = dict(self.look)
        if self.width:
            properties["custom__width"] = self.width
        if not self.heading:
            properties["custom__hidden"] = True
            properties["custom__hideFrom"] = {"legend": False, "tooltip": False, "viz": True}
        return named(self.name, **properties) if properties else None


def table(
    head: Head,
    queries: Sequence[Query],
    columns: Sequence[Column],
    look: Look,
    *,
    sort: tuple[str, bool] | None = None,
    shape: Mapping[str, Any] = MERGED,
) -> Panel:
    """The queries' rows side by side, in these columns and no others; `sort` names a heading, True for falling."""
    excluded = {"Time", "Value", *(f"Value #{query.refId}" for query in queries)} - {column.field for column in columns}
    organize = {
        "excludeByName": dict.fromkeys(sorted(excluded), True),
        "includeByName": {},
        "indexByName": {column.field: index for index, column in enumerate(columns)},
        "renameByName": {column.field: column.heading for column in columns if column.heading},
    }
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "frameIndex": 0,
        "sortBy": [{"displayName": sort[0], "desc": sort[1]}] if sort else [],
    }
    overrides = tuple(override for column in columns if (override := column.override()))
    panel = _panel("table", head, queries, look, options)
    panel.transformations = [dict(shape), {"id": "organize", "options": organize}]
    panel.field_config["overrides"] = [*overrides, *look.all_overrides()]
    panel.field_config["defaults"]["custom"] = {
        "align": "auto",
        "cellOptions": {"type": "auto"},
        "filterable": False,
        "inspect": False,
    }
    return panel


def note(head: Head, content: str) -> Panel:
    """Markdown, without a frame."""
    panel = _panel("text", head, (), Look(), {"mode": "markdown", "content": content})
    panel.transparent = True
    return panel


def alert_list(head: Head, labels: str) -> Panel:
    """Grafana's own list of alerts whose labels match, for rules that Grafana evaluates."""
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
    return _panel("alertlist", head, (), Look(), options)


def folded(panel_id: int, title: str) -> Row:
    """A collapsed row: its panels ask nothing until it is opened."""
    return Row(id=panel_id, title=title, collapsed=True)


def heading(panel_id: int, title: str) -> Row:
    """A row that stays open; the panels after it are under it."""
    return Row(id=panel_id, title=title, collapsed=False)
