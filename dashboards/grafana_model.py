"""grafanalib's classes, adapted to write the JSON that current versions of Grafana load.

grafanalib 0.7.1 writes the dashboard schema of 2017: nulls, removed keys, thresholds as strings, and alert rules that
Grafana rejects. These subclasses keep its classes and constructor names, and write the classic dashboard JSON of
schema version 42, which Grafana 11.3 to 13 load.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grafanalib import core

from dashboards.encoding import Json

SCHEMA_VERSION = 42
PLUGIN_VERSION = "12.4.0"
"""The version that the panel options belong to. Without it Grafana migrates them as options of version 6."""


class ThresholdStep(core.Threshold):  # type: ignore[misc]
    """A colour for all values from `value` on. The first step has no value, which Grafana expects as null."""

    def __init__(self, color: str, value: float | None = None) -> None:
        super().__init__(color, 0, float(value or 0))
        self.from_value = value

    def to_json_data(self) -> Json:
        return {"color": self.color, "value": self.from_value}


class Query(core.Target):  # type: ignore[misc]
    """One PromQL query of a panel. grafanalib calls it Target, but here a target is what a KPI should reach."""

    def __init__(
        self, expr: str, ref: str = "A", *, legend: str = "__auto", form: str = "range", step: str | None = None
    ) -> None:
        """`form` is range (values over time), instant (one value per series) or table (the same as rows).

        `step` is the shortest distance between two values over time; None leaves it to the panel.
        """
        super().__init__(expr=expr, refId=ref, legendFormat=legend, instant=form != "range")
        self.step = step
        self.format = "table" if form == "table" else "time_series"

    def to_json_data(self) -> Json:
        return {
            "datasource": self.datasource,
            "editorMode": "code",
            "expr": self.expr,
            "format": self.format,
            "instant": self.instant,
            "range": not self.instant,
            "legendFormat": self.legendFormat,
            "refId": self.refId,
            "interval": self.step,
        }


class Panel(core.Panel):  # type: ignore[misc]
    """A panel of any type, with Grafana's options and field configuration."""

    def __init__(self, type: str, options: Json, field_config: Json, **common: Any) -> None:  # noqa: A002
        super().__init__(**common)
        self.type, self.options, self.field_config = type, options, field_config
        self.past: str | None = None
        """The span that the panel shows up to the right edge, whatever the dashboard's time range, such as `30d`."""

    def to_json_data(self) -> Json:
        return {
            "id": self.id,
            "type": self.type,
            "title": self.title,
            "description": self.description,
            "pluginVersion": PLUGIN_VERSION,
            "datasource": self.dataSource,
            "gridPos": self.gridPos,
            "transparent": self.transparent or None,
            "interval": self.interval,
            "timeFrom": self.past,
            "hideTimeOverride": True if self.past else None,
            "links": self.links or None,
            "targets": self.targets or None,
            "transformations": self.transformations or None,
            "options": self.options,
            "fieldConfig": self.field_config,
        }


class RowPanel(core.RowPanel):  # type: ignore[misc]
    """A row heading. A collapsed row contains its panels and runs their queries only when it is opened."""

    def to_json_data(self) -> Json:
        return {
            "id": self.id,
            "type": "row",
            "title": self.title,
            "collapsed": self.collapsed,
            "gridPos": self.gridPos,
            "panels": self.panels,
        }


class Variable(core.Template):  # type: ignore[misc]
    """A dashboard variable filled by a query."""

    def __init__(
        self,
        name: str,
        label: str,
        query: str,
        *,
        many: bool = False,
        regex: str = "",
        first: tuple[str, str] = ("", ""),
    ) -> None:
        """`many` allows several values, and selects all by default. Otherwise `first` (text, value) is the default."""
        super().__init__(
            name=name,
            label=label,
            query=query,
            regex=regex,
            multi=many,
            includeAll=many,
            allValue=".*" if many else None,
            refresh=core.REFRESH_ON_DASHBOARD_LOAD,
            sort=core.SORT_ALPHA_IGNORE_CASE_ASC,
        )
        text, value = first
        default = {"selected": True, "text": text, "value": value} if value else None
        self.current: Json | None = {"selected": True, "text": ["All"], "value": ["$__all"]} if many else default

    def to_json_data(self) -> Json:
        return {
            "type": self.type,
            "name": self.name,
            "label": self.label,
            "datasource": self.dataSource,
            "definition": self.query,
            "query": {"query": self.query, "refId": f"variable-{self.name}"},
            "regex": self.regex,
            "refresh": self.refresh,
            "sort": self.sort,
            "multi": self.multi,
            "includeAll": self.includeAll,
            "allValue": self.allValue,
            "current": self.current,
            "options": [],
            "hide": self.hide,
        }


class Dashboard(core.Dashboard):  # type: ignore[misc]
    """A dashboard in the classic JSON of schema version 42, without `id` and `version`, which Grafana assigns."""

    def __init__(self, *, week_start: str, fiscal_month: int, time_picker: bool = True, **common: Any) -> None:
        """`fiscal_month` counts from 0; `week_start` is the name of a weekday, or empty for the viewer's own."""
        super().__init__(schemaVersion=SCHEMA_VERSION, **common)
        self.week_start, self.fiscal_month, self.time_picker = week_start, fiscal_month, time_picker

    def to_json_data(self) -> Json:
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": self.tags,
            "editable": self.editable,
            "graphTooltip": self.graphTooltip,
            "timezone": self.timezone,
            "weekStart": self.week_start,
            "fiscalYearStartMonth": self.fiscal_month,
            "refresh": self.refresh,
            "schemaVersion": self.schemaVersion,
            "liveNow": False,
            "preload": False,
            "time": self.time,
            "timepicker": {} if self.time_picker else {"hidden": True},
            "templating": self.templating,
            "annotations": self.annotations,
            "links": self.links,
            "panels": self.panels,
        }


def to_json(value: Any) -> Any:
    """The plain JSON of an object and everything in it, without entries that are None."""
    if isinstance(value, ThresholdStep):
        return value.to_json_data()
    if hasattr(value, "to_json_data"):
        return to_json(value.to_json_data())
    if isinstance(value, Mapping):
        return {key: to_json(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list | tuple):
        return [to_json(entry) for entry in value]
    return value
