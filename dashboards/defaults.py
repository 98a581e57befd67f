"""What all dashboards share: uids, data source, tags, links, time zone and refresh."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from grafanalib.core import Annotations, DashboardLink, Templating, Time

from dashboards.grafana_model import Dashboard, Panel, Row, Variable
from dashboards.layout import Block, Section, arranged
from dashboards.timing import compact
from exporter.config.fields import Scope
from exporter.config.kpis import Kpi
from exporter.config.root import Config

DATASOURCE_UID = "kpi-prometheus"
OVERVIEW, DETAIL, WALL, HEALTH, RUNBOOK = "kpi-overview", "kpi-detail", "kpi-wall", "kpi-exporter", "kpi-runbook"
PEOPLE, PERSON, LEADERBOARD = "kpi-people", "kpi-person", "kpi-leaderboard"
TAG = "kpi"
TIME_RANGE = "${__url_time_range}"
_LONGEST_UID = 40
UID = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST_UID}}}")
"""What Grafana takes as a uid."""
_WEEK_STARTS = ("monday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Site:
    """What dashboards are made for: a config, and the uid of the data source that holds its series."""

    config: Config
    datasource: str = DATASOURCE_UID

    @property
    def departments(self) -> tuple[str, ...]:
        """The departments that have KPIs, in the config's order."""
        return tuple(dict.fromkeys(kpi.department for kpi in self.config.kpis))

    def kpis(self, scope: Scope | None = None, department: str | None = None) -> tuple[Kpi, ...]:
        """The KPIs with series at a scope, and of a department."""
        return tuple(
            kpi
            for kpi in self.config.kpis
            if (scope is None or scope in kpi.scopes) and department in (None, kpi.department)
        )

    @property
    def shows_people(self) -> bool:
        """True where any KPI has series of single people."""
        return bool(self.kpis(Scope.PERSON))

    @property
    def prometheus_alerts(self) -> bool:
        """True where Prometheus evaluates the alert rules."""
        return self.config.alerting.engine != "grafana"

    @property
    def grafana_alerts(self) -> bool:
        """True where Grafana evaluates the alert rules."""
        return self.config.alerting.engine != "prometheus"


def slug(text: str) -> str:
    """The text in the characters that uids and file names allow; empty where it has none of them."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def department_uid(site: Site, department: str) -> str:
    """`kpi-dept-<slug>`, with a hash where the slug is too long, empty, or another department's too."""
    plain = slug(department)
    rivals = sum(slug(other) == plain for other in site.departments)
    uid = f"kpi-dept-{plain}"
    if plain and rivals == 1 and len(uid) <= _LONGEST_UID:
        return uid
    mark = hashlib.sha256(department.encode()).hexdigest()[:8]
    return f"kpi-dept-{plain[: _LONGEST_UID - 18]}-{mark}".replace("--", "-")


def stable_id(key: str) -> int:
    """A panel id for what the config names: it stays while the name stays. Fixed panels use ids below 1000."""
    return 1000 + int(hashlib.sha256(key.encode()).hexdigest()[:7], 16)


def link(title: str, uid: str, **variables: str) -> dict[str, Any]:
    """A link from a tile or cell to a dashboard, with the time range and these variables."""
    query = "".join(f"var-{name}={value}&" for name, value in variables.items())
    return {"title": title, "url": f"/d/{uid}?{query}{TIME_RANGE}", "targetBlank": False}


def to_kpi(source: str = "__field.labels.kpi") -> dict[str, Any]:
    """To a KPI's detail; `source` is where the link finds its name. Names need no encoding."""
    return link("Open the KPI", DETAIL, kpi=f"${{{source}}}")


def to_person(source: str) -> dict[str, Any]:
    """To a person's dashboard."""
    return link("Open the person", PERSON, person=f"${{{source}:percentencode}}")


@dataclass(frozen=True, slots=True)
class Outline:
    """A dashboard before it is assembled."""

    uid: str
    title: str
    description: str
    tags: tuple[str, ...] = ()
    since: str = "now-90d"
    variables: Sequence[Variable] = ()
    annotations: Sequence[Mapping[str, Any]] = ()


def dashboard(site: Site, outline: Outline, parts: Iterable[Block | Section]) -> Dashboard:
    """The dashboard with everything that holds for all of them."""
    company = site.config.company
    panels = arranged(parts)
    for panel in panels:
        _bind(site, panel)
    for variable in outline.variables:
        variable.dataSource = source_of(site)
    refresh = max(site.config.dashboards.refresh, timedelta(seconds=5))
    return Dashboard(
        uid=outline.uid,
        title=outline.title,
        description=outline.description,
        tags=[TAG, *outline.tags],
        editable=False,
        graphTooltip=1,
        timezone=company.timezone.key,
        refresh=compact(refresh),
        time=Time(outline.since, "now"),
        templating=Templating(list(outline.variables)),
        annotations=Annotations(list(outline.annotations)),
        links=_navigation(outline.uid),
        panels=panels,
        week_start=company.week_starts if company.week_starts in _WEEK_STARTS else "",
        fiscal_month=company.fiscal_month - 1,
    )


def source_of(site: Site) -> dict[str, str]:
    """The data source as every query names it."""
    return {"type": "prometheus", "uid": site.datasource}


def _bind(site: Site, panel: Panel | Row) -> None:
    """Gives a panel and its queries their data source."""
    if isinstance(panel, Row):
        for nested in panel.panels:
            _bind(site, nested)
    elif panel.targets:
        panel.dataSource = source_of(site)
        for query in panel.targets:
            query.datasource = source_of(site)


def _navigation(uid: str) -> list[DashboardLink]:
    home = DashboardLink(type="link", title="Overview", uri=f"/d/{OVERVIEW}", icon="dashboard", tooltip="All KPIs")
    others = DashboardLink(type="dashboards", title="Dashboards", tags=[TAG], asDropdown=True, includeVars=True)
    return [others] if uid == OVERVIEW else [home, others]
