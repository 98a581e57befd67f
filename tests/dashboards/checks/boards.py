"""Dashboards: what Grafana would not load, or would show incorrectly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dashboards.site import UID
from tests.dashboards.checks.grafana_versions import grafana_facts
from tests.dashboards.checks.shape import duplicates

Json = Mapping[str, Any]

WIDTH = 24
PANEL_TYPES = frozenset(
    {"stat", "gauge", "bargauge", "timeseries", "table", "state-timeline", "text", "alertlist", "row"}
)
_WITHOUT_DATA = ("text", "alertlist", "row")
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)[^}]*\}|\[\[(\w+?)(?::\w+)?\]\]")
_LINK = re.compile(r"/d/([\w-]+)(?:\?(.*))?")
_LINK_VARIABLE = re.compile(r"(?:^|&)var-(\w+)=")


def panels_of(dashboard: Json) -> Iterator[Json]:
    """All panels, including those in collapsed rows."""
    for panel in dashboard.get("panels", ()):
        yield panel
        yield from panel.get("panels", ())


def variables_of(dashboard: Json) -> set[str]:
    """Names of the dashboard's variables."""
    return {variable["name"] for variable in dashboard.get("templating", {}).get("list", ())}


def links_of(value: Any) -> Iterator[str]:
    """Addresses of everything that looks like a link inside a value."""
    if isinstance(value, Mapping):
        if isinstance(value.get("url"), str) and "title" in value:
            yield value["url"]
        for entry in value.values():
            yield from links_of(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from links_of(entry)


def dashboard_problems(location: str, dashboard: Json, others: Mapping[str, Json]) -> Iterator[str]:
    """Problems of one dashboard; `others` are all dashboards by uid."""
    if not UID.fullmatch(str(dashboard.get("uid"))):
        yield f"{location}: uid {dashboard.get('uid')!r} is not 1 to 40 of A-Z a-z 0-9 _ -"
    if not dashboard.get("title"):
        yield f"{location}: no title"
    panels = list(panels_of(dashboard))
    yield from duplicates(location, "panel id", (panel.get("id") for panel in panels))
    for panel in panels:
        yield from _panel(f"{location}: panel {panel.get('id')}", panel, variables_of(dashboard))
    for row in (dashboard, *(panel for panel in panels if panel.get("panels"))):
        yield from _overlaps(location, row["panels"])
    yield from (f"{location}: {path} is null" for path in _nulls(dashboard, ""))
    for url in links_of(dashboard):
        yield from _link(location, url, others)


def _panel(location: str, panel: Json, variables: set[str]) -> Iterator[str]:
    if panel.get("type") not in PANEL_TYPES:
        yield f"{location}: unknown type {panel.get('type')}"
    grid = panel.get("gridPos", {})
    if not all(isinstance(grid.get(key), int) for key in "hwxy") or grid["w"] < 1 or grid["x"] + grid["w"] > WIDTH:
        yield f"{location}: not on the grid of {WIDTH} columns"
    if panel.get("type") == "row":
        return
    defaults = panel.get("fieldConfig", {}).get("defaults", {})
    if not panel.get("description") or not defaults.get("unit") or not defaults.get("noValue"):
        yield f"{location}: without description, unit or noValue"
    yield from (
        f"{location}: unknown transformation {entry['id']}"
        for entry in panel.get("transformations", ())
        if entry["id"] not in grafana_facts().known["names"]["transformations"]
    )
    if panel.get("type") not in _WITHOUT_DATA:
        yield from _queries(location, panel, variables)


def _queries(location: str, panel: Json, variables: set[str]) -> Iterator[str]:
    queries = panel.get("targets", ())
    if not queries:
        yield f"{location}: has no queries"
    yield from duplicates(location, "query", (query.get("refId") for query in queries))
    for query in queries:
        if not query.get("expr") or not isinstance(query.get("datasource"), Mapping):
            yield f"{location}: query {query.get('refId')} without expression or data source"
        for name in _names(query.get("expr", "")):
            if name not in variables and not name.startswith("__") and not name.isdigit():
                yield f"{location}: ${name} is not a variable of the dashboard"


def _names(text: str) -> Iterable[str]:
    return (next(name for name in groups if name) for groups in _VARIABLE.findall(text))


def _overlaps(location: str, panels: Iterable[Json]) -> Iterator[str]:
    panel_at: dict[tuple[int, int], Any] = {}
    for panel in panels:
        grid = panel["gridPos"]
        for x in range(grid["x"], grid["x"] + grid["w"]):
            for y in range(grid["y"], grid["y"] + grid["h"]):
                if (x, y) in panel_at:
                    yield f"{location}: panels {panel_at[x, y]} and {panel.get('id')} overlap"
                    return
                panel_at[x, y] = panel.get("id")


def _nulls(value: Any, path: str) -> Iterator[str]:
    """Paths of nulls, except for the first step of thresholds, which has to be null."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if not (key == "value" and path.endswith("steps[0]")):
                yield from _nulls(entry, f"{path}.{key}")
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _nulls(entry, f"{path}[{index}]")
    elif value is None:
        yield path


def _link(location: str, url: str, others: Mapping[str, Json]) -> Iterator[str]:
    match = _LINK.match(url)
    if not match:
        return
    target = others.get(match[1])
    if target is None:
        yield f"{location}: a link to {match[1]}, which does not exist"
        return
    for name in _LINK_VARIABLE.findall(match[2] or ""):
        if name not in variables_of(target):
            yield f"{location}: a link sets ${name}, which {match[1]} does not have"
