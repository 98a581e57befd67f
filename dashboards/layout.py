"""Assembles a dashboard: arranges its panels on the grid and adds what all dashboards share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from grafanalib.core import Annotations, DashboardLink, GridPos, Templating, Time

from dashboards.encoding import duration_text
from dashboards.grafana_model import Dashboard, Panel, RowPanel, Variable
from dashboards.site import OVERVIEW, Site

TAG = "kpi"
_WIDTH = 24
"""Columns of Grafana's grid."""
_WEEK_STARTS = ("monday", "saturday", "sunday")
"""The days that Grafana can start a week on."""


@dataclass(frozen=True, slots=True)
class GridItem:
    """A panel with its size in grid units; one unit of height is 30 pixels."""

    panel: Panel
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PanelColumn:
    """Panels of one width, one below the other, beside what follows."""

    items: tuple[GridItem, ...]

    @property
    def width(self) -> int:
        """Its width in grid units."""
        return max(item.width for item in self.items)

    @property
    def height(self) -> int:
        """Its height in grid units."""
        return sum(item.height for item in self.items)


@dataclass(frozen=True, slots=True)
class PanelRow:
    """A collapsed row and the panels in it."""

    row: RowPanel
    items: tuple[GridItem, ...]


@dataclass(frozen=True, slots=True)
class DashboardSettings:
    """What differs between dashboards, apart from their panels."""

    uid: str
    title: str
    description: str
    tags: tuple[str, ...] = ()
    since: str = "now-90d"
    variables: Sequence[Variable] = ()
    annotations: Sequence[Mapping[str, Any]] = ()
    time_picker: bool = True


def build_dashboard(
    site: Site, settings: DashboardSettings, layout: Iterable[GridItem | PanelColumn | PanelRow]
) -> Dashboard:
    """The dashboard with its panels, navigation, data source, time zone and refresh interval."""
    company = site.config.company
    panels = arrange(layout)
    for panel in panels:
        _set_datasource(site, panel)
    for variable in settings.variables:
        variable.dataSource = site.datasource_ref
    home = DashboardLink(type="link", title="Overview", uri=f"/d/{OVERVIEW}", icon="dashboard", tooltip="All KPIs")
    dropdown = DashboardLink(type="dashboards", title="Dashboards", tags=[TAG], asDropdown=True, includeVars=True)
    return Dashboard(
        uid=settings.uid,
        title=settings.title,
        description=settings.description,
        tags=[TAG, *settings.tags],
        editable=False,
        graphTooltip=1,
        timezone=company.timezone.key,
        refresh=duration_text(max(site.config.dashboards.refresh, timedelta(seconds=5))),
        time=Time(settings.since, "now"),
        templating=Templating(list(settings.variables)),
        annotations=Annotations(list(settings.annotations)),
        links=[dropdown] if settings.uid == OVERVIEW else [home, dropdown],
        panels=panels,
        week_start=company.week_starts if company.week_starts in _WEEK_STARTS else "",
        fiscal_month=company.fiscal_month - 1,
        time_picker=settings.time_picker,
    )


def _set_datasource(site: Site, panel: Panel | RowPanel) -> None:
    if isinstance(panel, RowPanel):
        for nested in panel.panels:
            _set_datasource(site, nested)
    elif panel.targets:
        panel.dataSource = site.datasource_ref
        for query in panel.targets:
            query.datasource = site.datasource_ref


def arrange(layout: Iterable[GridItem | PanelColumn | PanelRow]) -> list[Panel | RowPanel]:
    """The panels in reading order, with their grid positions set from left to right and top to bottom."""
    panels: list[Panel | RowPanel] = []
    pending: list[GridItem | PanelColumn] = []
    top = 0
    for entry in layout:
        if not isinstance(entry, PanelRow):
            pending.append(entry)
            panels += [item.panel for item in _items(entry)]
            continue
        top = _place(pending, top)
        pending = []
        entry.row.gridPos = GridPos(h=1, w=_WIDTH, x=0, y=top)
        _place(entry.items, top + 1)
        entry.row.panels = [item.panel for item in entry.items]
        panels.append(entry.row)
        top += 1
    _place(pending, top)
    return panels


def _items(entry: GridItem | PanelColumn) -> tuple[GridItem, ...]:
    return entry.items if isinstance(entry, PanelColumn) else (entry,)


def _place(items: Iterable[GridItem | PanelColumn], top: int) -> int:
    """Sets the positions of the items from line `top` on. Returns the first free line below them."""
    x, y, bottom = 0, top, top
    for item in items:
        if x + item.width > _WIDTH:
            x, y = 0, bottom
        above = y
        for part in _items(item):
            part.panel.gridPos = GridPos(h=part.height, w=part.width, x=x, y=above)
            above += part.height
        x += item.width
        bottom = max(bottom, y + item.height)
    return bottom
